"""What happened, from the end of the warm-up on: the document that the comparison reads."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from loadtests.people.answers import WrongError

if TYPE_CHECKING:
    from locust.env import Environment

    from loadtests.people.cast import Cast

WAITS_S: Final = 5.0
"""Longer than right answers take: who has waited so long when a run ends was not about to get one."""
UNANSWERED: Final = "unanswered at the end"


class Record:
    """Listens to every request; only those that began at `since` or later count.

    Latencies are those of right answers: a quick refusal makes no site fast.
    """

    def __init__(self, environment: Environment) -> None:
        self.since = float("inf")
        self._ms: dict[str, list[float]] = {}
        self._asked: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()
        self._failures: Counter[tuple[str, str]] = Counter()
        self._examples: dict[tuple[str, str], str] = {}
        self._ends: list[float] = []
        self.warm_up_failures = 0
        environment.events.request.add_listener(self._hear)  # type: ignore[no-untyped-call] # Locust's has no types

    def begin(self, cast: Cast) -> None:
        self.since = time.time()
        cast.refused.clear()

    def _hear(
        self, name: str, response_time: float, exception: Exception | None, start_time: float, **_: object
    ) -> None:
        if start_time < self.since:
            self.warm_up_failures += exception is not None
            return
        self._asked[name] += 1
        self._ends.append(start_time + response_time / 1e3)
        if exception is None:
            self._ms.setdefault(name, []).append(round(response_time, 3))
        else:
            self._failed[name] += 1
            self._failures[name, str(exception)] += 1
            self._examples.setdefault((name, str(exception)), getattr(exception, "example", ""))

    def give_up(self, cast: Cast, now: float) -> None:
        """At the end: who has waited too long has failed, also who asked in the warm-up."""
        for route, since in cast.asking.values():
            waited_s = now - since
            if waited_s > WAITS_S:
                never = WrongError(UNANSWERED, f"after {waited_s:.0f} s")
                self._hear(route, waited_s * 1e3, never, max(since, self.since))

    def document(self, cast: Cast, seconds: float) -> dict[str, Any]:
        """As of now; the people may go on meanwhile."""
        per_second = [0] * round(seconds)
        for end in self._ends:
            if end < self.since + len(per_second):
                per_second[int(end - self.since)] += 1
        booked = [took_ms for began, took_ms in cast.booked_ms if began >= self.since]
        return {
            "began": self.since,
            "seconds": seconds,
            "requests": len(self._ends),
            "failed": self._failed.total(),
            "failed_in_warm_up": self.warm_up_failures,
            "failures": [
                {"route": route, "what": what, "count": count, "example": self._examples[route, what]}
                for (route, what), count in self._failures.most_common()
            ],
            "routes": {
                route: {"ms": self._ms.get(route, []).copy(), "asked": asked, "failed": self._failed[route]}
                for route, asked in sorted(self._asked.items())
            },
            "refused": dict(cast.refused),
            "per_second": per_second,
            "journeys": {"booked": len(booked), "ms": [round(each, 3) for each in booked]},
        }
