"""The turns of a comparison, in their order, and how long they take. No I/O.

The machine drifts while it is measured: it warms up, somebody else uses it, tables grow. So no side is
measured in one go. The order of the two turns round from one round to the next (legacy, service, service,
legacy, …): whatever drifts evenly weighs on both alike.

Where reads are split, legacy alone writes. So all of that comes last, when nothing that is compared comes
after it: legacy would work on more rows than the services.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from loadtests.compare.asked import GATHERED_ANEW, routes_of, share_of, window_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from loadtests.compare.sizes import Phase, Size

LOCUST_STARTS_S: Final = 3.0
"""Until a program is imported, connected, and has written down what it found."""
SIDE_CHANGES_S: Final = 0.15
"""Until every proxy acts on other flags, and pools have connected."""
WINDOW_TAKES_S: Final = 0.05
"""Besides its seconds: to begin with, and for the last answers."""
GATHERED_S: Final = 0.5
"""To find free seats and people for a window of journeys or bookings, and to give them up behind it."""
SOLD_AND_GIVEN_UP_S: Final = 0.0045
"""Likewise, for each booking."""
BOOKED_PER_S: Final = 650
"""About; what a step of bookings takes besides its seconds hangs on it."""
LOGS_IN_S: Final = 0.02
HOLDS_EACH: Final = 3
FIRST_CLIMB_STEPS: Final = 6
LATER_CLIMB_STEPS: Final = 4.5
"""On each side, a second try of what was missed included; later climbs begin where the first has ended.

One more than a knee that stays where it is would need: a machine's does not.
"""
TAIL_S: Final = 1.0
"""After a window without a warm-up: for what is still being heard elsewhere."""
CASTS_AFTER_S: Final = 10 * 60
"""Access tokens live for 15 minutes; no turn takes longer than what is left of them."""
CAST_TAKES_S: Final = 1.0
"""Besides what people take to log in, 15 a second, as the pools do."""
CAST_LOGS_IN_S: Final = 1 / 15
STAFF_PER_SCALE: Final = 12
"""An operator and two inspectors of each of four companies, and of twice as many at most."""

How: TypeAlias = Literal["", "full", "climb"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One measurement on one side; `what` is a route's name or a curve's, and `how` that is measured.

    It takes about so many `seconds`, of which `window_s` count. A climb is on both `sides`, step by step.
    """

    phase: Phase
    side: str
    round: int
    seconds: float
    what: str = ""
    per_s: float = 0.0
    window_s: float = 0.0
    how: How = ""
    sides: tuple[str, ...] = ()


def turns(size: Size, phases: Sequence[Phase], sides: Sequence[str], reads: Sequence[str]) -> list[Turn]:
    """All of them. `sides` are the placements that can be measured, `reads` the declared routes that read."""
    planned: list[Turn] = []
    whole = [side for side in sides if side != "split"]
    if "idle" in phases:
        planned.append(Turn("idle", "", 1, size.idle_s))
    if "mix" in phases:
        planned += _mix(size, whole, size.mix.rounds)
    if "routes" in phases:
        planned += _routes(size, whole, reads)
    if "journey" in phases:
        planned += _journey(size, whole)
    if "curves" in phases:
        planned += _curves(size, whole)
    if "mix" in phases and "split" in sides:
        planned += _mix(size, ["split"], 1)
    return list(_with_casts(planned, cast_s(size)))


def alternating(sides: Sequence[str], rounds: int) -> Iterator[tuple[int, str]]:
    """Rounds counted from 1, every other in the opposite order."""
    for number in range(rounds):
        for side in sides if number % 2 == 0 else reversed(sides):
            yield number + 1, side


def total_s(planned: Sequence[Turn]) -> float:
    return sum(turn.seconds for turn in planned)


def cast_s(size: Size) -> float:
    """To gather the people of one side."""
    people = size.cast + STAFF_PER_SCALE * min(size.scale, 2)
    return CAST_TAKES_S + people * CAST_LOGS_IN_S


def _with_casts(planned: Iterable[Turn], each_s: float) -> Iterator[Turn]:
    """The turns that gather people first take longer: all of the mix, and at times the others."""
    now, gathered = 0.0, dict[str, float]()
    for turn in planned:
        took = turn.seconds
        for side in filter(None, (turn.side, *turn.sides)):
            if turn.phase == "mix" or now - gathered.get(side, -math.inf) > CASTS_AFTER_S:
                gathered[side] = now
                took += each_s
        now += took
        yield replace(turn, seconds=took)


def _mix(size: Size, sides: Sequence[str], rounds: int) -> Iterator[Turn]:
    took = LOCUST_STARTS_S + size.mix.warm_s + size.mix.seconds + (0 if size.mix.warm_s else TAIL_S)
    for number, side in alternating(sides, rounds):
        yield Turn("mix", side, number, took)


def _routes(size: Size, whole: Sequence[str], reads: Sequence[str]) -> Iterator[Turn]:
    """Some rounds of a route at once, so that what is compared lies seconds apart; the others much later.

    The last side of a round is the first of the next, and what came first earlier comes second later.
    """
    paced = size.routes
    asked = routes_of(size, reads)
    for later, first in enumerate(range(0, paced.rounds, paced.in_a_row)):
        rounds = range(first + 1, min(first + paced.in_a_row, paced.rounds) + 1)
        for place, (route, number) in enumerate(product(asked, rounds)):
            per_s = paced.per_s * share_of(route)
            window_s = window_of(route, paced, reads)
            took = SIDE_CHANGES_S / 2 + WINDOW_TAKES_S + paced.warm_s + window_s
            if route in GATHERED_ANEW:
                took += GATHERED_S
            for side in reversed(whole) if (place + later) % 2 else whole:
                yield Turn("routes", side, number, took, route, per_s, window_s)


def _journey(size: Size, whole: Sequence[str]) -> Iterator[Turn]:
    paced = size.journey
    took = SIDE_CHANGES_S / 2 + GATHERED_S + paced.warm_s + paced.seconds + (0 if paced.warm_s else TAIL_S)
    for number, side in alternating(whole, paced.rounds):
        yield Turn("journey", side, number, took, per_s=paced.per_s, window_s=paced.seconds)


def _curves(size: Size, whole: Sequence[str]) -> Iterator[Turn]:
    """What a side answers when it is full comes first: it says where the climb begins."""
    curves = size.curves
    for what in curves.whats:
        is_sold = what == "booking"
        window_s, counts_s = SIDE_CHANGES_S / 2 + WINDOW_TAKES_S + curves.warm_s, curves.step_s_of(what)
        logged_in: set[str] = set()
        for number, side in alternating(whole, curves.full_rounds):
            took = window_s + curves.full_s + is_sold * _sales_s(curves.warm_s + curves.full_s)
            if is_sold and side not in logged_in:
                took += BOOKED_PER_S * (curves.warm_s + counts_s) / HOLDS_EACH * LOGS_IN_S
                logged_in.add(side)
            yield Turn("curves", side, number, took, what, window_s=curves.full_s, how="full")
        step_s = window_s + SIDE_CHANGES_S / 2 + counts_s
        step_s += is_sold * _sales_s(curves.warm_s + counts_s)
        for number in range(1, curves.rounds_of(what) + 1):
            steps = min(FIRST_CLIMB_STEPS if number == 1 else LATER_CLIMB_STEPS, curves.most_steps)
            sides = tuple(whole if number % 2 else reversed(whole))
            took = len(sides) * steps * step_s
            yield Turn("curves", "", number, took, what, window_s=counts_s, how="climb", sides=sides)


def _sales_s(seconds: float) -> float:
    """What comes before and after a window of bookings."""
    return GATHERED_S + BOOKED_PER_S * seconds * SOLD_AND_GIVEN_UP_S
