"""The turns of a comparison, in their order, and how long they take. No I/O.

The machine drifts while it is measured: it warms up, somebody else uses it, tables grow. So no side is
measured in one go. The order of the two turns round from one turn to the next (legacy, service, service,
legacy, …), and for each route from one round to the next: whatever drifts evenly weighs on both alike.

Where reads are split, legacy alone writes. So all of that comes last, when nothing that is compared comes
after it: legacy would work on more rows than the services.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Final

from loadtests.compare.asked import routes_of, share_of, times_as_long

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loadtests.compare.sizes import Phase, Size

LOCUST_STARTS_S: Final = 3.0
"""Until a program is imported, connected, and has written down what it found."""
OPEN_LOOP_STARTS_S: Final = 0.7
"""Likewise, with what it asks the site beforehand, and a change of sides."""
TAIL_S: Final = 1.0
"""After a window without a warm-up: for what is still being heard elsewhere."""
CASTS_AFTER_S: Final = 8 * 60
"""Access tokens live for 15 minutes; no turn takes longer than what is left of them."""
CAST_TAKES_S: Final = 0.07
"""For each person to be found and logged in."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One measurement on one side; `what` is a route's name or a curve's.

    It takes so many `seconds`, of which `window_s` count.
    """

    phase: Phase
    side: str
    round: int
    seconds: float
    what: str = ""
    per_s: float = 0.0
    window_s: float = 0.0


def turns(size: Size, phases: Sequence[Phase], sides: Sequence[str], reads: Sequence[str]) -> list[Turn]:
    """All of them. `sides` are the placements that can be measured, `reads` the declared routes that read."""
    planned: list[Turn] = []
    whole = [side for side in sides if side != "split"]
    if "idle" in phases:
        planned.append(Turn("idle", "", 1, size.idle_s))
    if "mix" in phases:
        planned += _mix(size, whole)
    if "routes" in phases:
        planned += _routes(size, whole, reads)
    if "journey" in phases:
        planned += _journey(size, whole)
    if "curves" in phases:
        planned += _curves(size, whole)
    if "mix" in phases and "split" in sides:
        planned += _mix(size, ["split"])
    return planned


def alternating(sides: Sequence[str], rounds: int) -> Iterator[tuple[int, str]]:
    """Rounds counted from 1, every other in the opposite order."""
    for number in range(rounds):
        for side in sides if number % 2 == 0 else reversed(sides):
            yield number + 1, side


def total_s(planned: Sequence[Turn], cast: int) -> float:
    """Of all turns, and of the people who log in: for each round of the mix, and at times on each side."""
    took = sum(turn.seconds for turn in planned)
    casts = sum(turn.phase == "mix" for turn in planned)
    others = [turn for turn in planned if turn.phase != "mix"]
    sides = {turn.side for turn in others if turn.side}
    casts += len(sides) * int(sum(turn.seconds for turn in others) / CASTS_AFTER_S + (casts == 0))
    return took + casts * cast * CAST_TAKES_S


def _mix(size: Size, sides: Sequence[str]) -> Iterator[Turn]:
    took = LOCUST_STARTS_S + size.mix.warm_s + size.mix.seconds + TAIL_S
    for number, side in alternating(sides, size.mix.rounds):
        yield Turn("mix", side, number, took)


def _routes(size: Size, whole: Sequence[str], reads: Sequence[str]) -> Iterator[Turn]:
    """Each route on one side and then at once on the other: what is compared lies seconds apart."""
    paced = size.routes
    asked = routes_of(size, reads)
    for number, (place, route) in product(range(paced.rounds), enumerate(asked)):
        window_s, per_s = paced.seconds * times_as_long(route, reads), paced.per_s * share_of(route)
        took = OPEN_LOOP_STARTS_S + paced.warm_s + window_s
        for side in whole if (place + number) % 2 == 0 else reversed(whole):
            yield Turn("routes", side, number + 1, took, route, per_s, window_s)


def _journey(size: Size, whole: Sequence[str]) -> Iterator[Turn]:
    paced = size.journey
    took = OPEN_LOOP_STARTS_S + paced.warm_s + paced.seconds + TAIL_S
    for number, side in alternating(whole, paced.rounds):
        yield Turn("journey", side, number, took, per_s=paced.per_s, window_s=paced.seconds)


def _curves(size: Size, whole: Sequence[str]) -> Iterator[Turn]:
    took = OPEN_LOOP_STARTS_S + len(size.curves.rates) * (size.curves.warm_s + size.curves.step_s)
    for what in size.curves.whats:
        for number, side in alternating(whole, size.curves.rounds):
            yield Turn("curves", side, number, took, what)
