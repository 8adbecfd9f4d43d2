"""Where a site stops keeping up: the rate is raised step by step, then the step across the knee is halved.

Pure: what a step measures is somebody else's business.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from loadtests.openloop.tally import percentile

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from loadtests.openloop.window import Measured

KEEPS_UP: Final = 0.97
"""Of what is asked, so much is answered within the window, as long as the site keeps up."""
SLOWEST_P99_MS: Final = 1000.0
FIRST_PER_S: Final = 20.0
FASTER: Final = 1.5
SLOWER: Final = 0.25
HALVINGS: Final = 2
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


async def along(rates: Iterable[float], measure: Callable[[float], Awaitable[Step | None]]) -> list[Step]:
    """One step for each rate, up to the first that the site does not keep up with."""
    steps: list[Step] = []
    for rate in rates:
        step = await measure(rate)
        if step is None:
            break
        steps.append(step)
        if step.is_past_knee:
            break
    return steps


async def climb(
    measure: Callable[[float], Awaitable[Step | None]], first_per_s: float = FIRST_PER_S
) -> list[Step]:
    """Faster until the knee, then twice the middle between the last good rate and the first that is none.

    `measure` answers None for a rate that cannot be asked; then the climb ends. The steps are by rate.
    """
    steps: list[Step] = []
    good, bad, rate = -math.inf, math.inf, first_per_s
    halvings = 0
    while SLOWEST_PER_S <= rate <= FASTEST_PER_S and halvings <= HALVINGS:
        step = await measure(rate)
        if step is None:
            break
        steps.append(step)
        if step.is_past_knee:
            bad = min(bad, rate)
        else:
            good = max(good, rate)
        if good == -math.inf:
            rate *= SLOWER
        elif bad == math.inf:
            rate *= FASTER
        else:
            halvings += 1
            rate = round(math.sqrt(good * bad), 1)
    return sorted(steps, key=lambda each: each.rate_per_s)
