"""What came of the requests of a window: latencies from the instants at which they were due, and failures."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from loadtests.ranks import percentile

if TYPE_CHECKING:
    from collections.abc import Collection

    from loadtests.wire import Answer

_SLUG: Final = re.compile(rb'"type": ?"urn:banyan:problem:([a-z0-9-]+)"')
_WAITED_FOR: Final = frozenset({b"timed-out", b"unanswered", b"never-sent"})
"""Why there is no answer, where one was waited for; a connection that fails does so at once."""
LATE_MS: Final = 5.0
"""A generator that comes later than this with one in a hundred requests measures itself, not the site."""


@dataclass(slots=True)
class Tally:
    """Of one window. Instants are of `time.monotonic()`."""

    asked: int = 0
    answered_in_window: int = 0
    """Also what was asked before it: as many come out as go in, as long as the site keeps up."""
    latencies_s: list[float] = field(default_factory=list)
    late_s: list[float] = field(default_factory=list)
    failures: Counter[tuple[int, str]] = field(default_factory=Counter)

    def heard(self, answer: Answer, statuses: Collection[int], marker: bytes, latency_s: float) -> bool:
        """Whether it is what was wanted.

        Only good answers have a latency, and those that never came: they took at least as long as was waited.
        A quick refusal, or a connection that breaks at once, would make the site look fast.
        """
        if answer.status in statuses and marker in answer.body:
            self.latencies_s.append(latency_s)
            return True
        if answer.status == 0 and answer.body in _WAITED_FOR:
            self.latencies_s.append(latency_s)
        self.failures[answer.status, what_failed(answer, statuses)] += 1
        return False

    @property
    def failed(self) -> int:
        return self.failures.total()

    def failure_rows(self) -> list[dict[str, Any]]:
        return [
            {"status": status, "what": f"{status} {what}" if status else what, "count": count}
            for (status, what), count in self.failures.most_common()
        ]

    def latencies_ms(self) -> list[float]:
        """Sorted, to the microsecond."""
        return [round(each * 1e3, 3) for each in sorted(self.latencies_s)]

    def lateness(self) -> dict[str, Any]:
        """How late the generator itself was; said in the result, since it is in every latency."""
        late = sorted(self.late_s) or [0.0]
        p99_ms = percentile(late, 0.99) * 1e3
        return {
            "late_p50_ms": round(percentile(late, 0.5) * 1e3, 3),
            "late_p99_ms": round(p99_ms, 3),
            "late_max_ms": round(late[-1] * 1e3, 3),
            "is_generator_late": p99_ms > LATE_MS,
        }


def what_failed(answer: Answer, statuses: Collection[int]) -> str:
    """A problem's slug, or why there is no answer, or that a good status came with a wrong body."""
    if answer.status == 0:
        return answer.body.decode()
    if answer.status in statuses:
        return "wrong-body"
    found = _SLUG.search(answer.body)
    return found[1].decode() if found else "unexpected-status"
