"""Where a site stops keeping up: the rate goes up until it does, then to the middle of what is left between.

A rate that is missed is tried once more before it counts: a stall of the machine is no knee. Pure: what a
step measures is somebody else's business.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from loadtests.ranks import percentile

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from loadtests.openloop.window import Measured

KEEPS_UP: Final = 0.97
"""Of what is asked, so much is answered within the window, as long as the site keeps up."""
SLOWEST_P99_MS: Final = 1000.0
FIRST_PER_S: Final = 20.0
FASTER: Final = 1.5
FASTER_AT_MOST: Final = 1.6
CLOSE: Final = 1.1
"""The last rate that is held and the first that is not may be so far apart, as a ratio."""
TRIES: Final = 2
FASTEST_PER_S: Final = 20_000.0
SLOWEST_PER_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Step:
    """One rate, and what came of it."""

    what: str
    facts: dict[str, Any]
    ordered_ms: tuple[float, ...]

    @classmethod
    def of(cls, what: str, measured: Measured) -> Step:
        return cls(what, measured.facts(), tuple(measured.tally.latencies_ms()))

    @property
    def rate_per_s(self) -> float:
        return float(self.facts["rate_per_s"])

    def at(self, share: float) -> float | None:
        return percentile(self.ordered_ms, share) if self.ordered_ms else None

    @property
    def is_past_knee(self) -> bool:
        offered = self.facts["asked"] / self.facts["seconds"]
        slow = self.at(0.99)
        return (
            self.facts["failed"] > 0
            or self.facts["achieved_per_s"] < KEEPS_UP * offered
            or slow is None
            or slow > SLOWEST_P99_MS
        )

    def row(self) -> dict[str, Any]:
        return {
            "what": self.what,
            **self.facts,
            "p50_ms": self.at(0.5),
            "p90_ms": self.at(0.9),
            "p99_ms": self.at(0.99),
            "p999_ms": self.at(0.999),
            "max_ms": self.at(1.0),
            "is_past_knee": self.is_past_knee,
        }


class Climb:
    """Which rate is to be tried next, by what came of those before."""

    def __init__(
        self, first_per_s: float = FIRST_PER_S, *, faster: float = FASTER, at_most: float = FASTER_AT_MOST
    ) -> None:
        """`faster` is the ratio of the first two rates; the further the knee, the longer the strides."""
        self.held: float | None = None
        self.missed: float | None = None
        self._rate: float | None = _in_bounds(first_per_s)
        self._stride, self._longest = faster, max(faster, at_most)
        self._tried = 0

    def next(self) -> float | None:
        """None: the knee is found, or none is to be found."""
        return self._rate

    def end(self) -> None:
        """The rate cannot be asked."""
        self._rate = None

    def saw(self, *, is_past_knee: bool) -> None:
        """Of the rate that was to be tried."""
        rate = self._rate
        if rate is None:
            return
        self._tried += 1
        if is_past_knee and self._tried < TRIES:
            return
        self._tried = 0
        if is_past_knee:
            self.missed = rate
        else:
            self.held = rate
        self._rate = self._following(rate)

    def _following(self, rate: float) -> float | None:
        if self.held is not None and self.missed is not None:
            is_close = self.missed / self.held <= CLOSE * 1.001  # rates are rounded
            return None if is_close else _in_bounds(math.sqrt(self.held * self.missed))
        stride, self._stride = self._stride, min(self._stride**2, self._longest)
        return _in_bounds(rate / stride if self.held is None else rate * stride)


async def along(rates: Iterable[float], measure: Callable[[float], Awaitable[Step | None]]) -> list[Step]:
    """The rates one after the other, up to the first that the site does not keep up with."""
    steps: list[Step] = []
    for rate in rates:
        for _ in range(TRIES):
            step = await measure(rate)
            if step is None:
                return steps
            steps.append(step)
            if not step.is_past_knee:
                break
        else:
            break
    return steps


async def climb(
    measure: Callable[[float], Awaitable[Step | None]], first_per_s: float = FIRST_PER_S
) -> list[Step]:
    """Find the knee. `measure` answers None for a rate that cannot be asked. The steps are by rate."""
    steps: list[Step] = []
    climbing = Climb(first_per_s)
    while (rate := climbing.next()) is not None:
        step = await measure(rate)
        if step is None:
            break
        steps.append(step)
        climbing.saw(is_past_knee=step.is_past_knee)
    return sorted(steps, key=lambda each: each.rate_per_s)


def _in_bounds(rate: float) -> float | None:
    return float(f"{rate:.4g}") if SLOWEST_PER_S <= rate <= FASTEST_PER_S else None
