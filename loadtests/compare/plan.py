"""The turns of a comparison, in their order, and how long they take. No I/O.

The machine drifts while it is measured: it warms up, somebody else uses it, tables grow. So no side is
measured in one go. The order of the sides turns round from one turn to the next (legacy, service, service,
legacy, …), and with it whatever drifts evenly weighs on both alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loadtests.compare.sizes import Phase, Size

LOCUST_STARTS_S: Final = 3.0
"""Until a program is imported, connected, and has written down what it found."""
OPEN_LOOP_STARTS_S: Final = 1.0
TAIL_S: Final = 1.0
CASTS_AFTER_S: Final = 8 * 60
"""Access tokens live for 15 minutes; no turn takes longer than what is left of them."""
CAST_TAKES_S: Final = 0.08
"""For each person to be found and logged in."""
FEW_ROUTES: Final = (
    "GET /",
    "GET /api/search",
    "GET /api/trips/{id}/seats",
    "GET /api/bookings/{id}",
    "GET /api/tickets/{id}/qr",
    "POST /api/qr/verify",
    "GET /api/companies/{id}/dashboard",
)
SMOKE_ROUTES: Final = ("GET /api/search", "GET /api/trips/{id}/seats")
WRITES: Final = {
    "POST /api/bookings": 1.0,
    "POST /api/payments": 0.5,
    "POST /api/check-ins": 0.5,
    "POST /api/auth/login": 0.2,
}
"""The important ones, and at which share of the reads' rate: a password costs 30 ms of a core on purpose."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One measurement on one side; `what` is a route's name or a curve's."""

    phase: Phase
    side: str
    round: int
    seconds: float
    what: str = ""
    per_s: float = 0.0


def turns(size: Size, phases: Sequence[Phase], sides: Sequence[str], reads: Sequence[str]) -> list[Turn]:
    """All of them. `sides` are the placements that can be measured, `reads` the declared routes that read."""
    planned: list[Turn] = []
    if "idle" in phases:
        planned.append(Turn("idle", "", 1, size.idle_s))
    whole = [side for side in sides if side != "split"]
    if "mix" in phases:
        planned += _mix(size, whole, ["split"] if "split" in sides else [])
    if "routes" in phases:
        planned += _routes(size, whole, reads)
    if "journey" in phases:
        paced = size.journey
        took = OPEN_LOOP_STARTS_S + paced.warm_s + paced.seconds + TAIL_S
        planned += [
            Turn("journey", side, number, took, per_s=paced.per_s)
            for number, side in alternating(whole, paced.rounds)
        ]
    if "curves" in phases:
        planned += _curves(size, whole)
    return planned


def alternating(sides: Sequence[str], rounds: int) -> Iterator[tuple[int, str]]:
    """Rounds counted from 1, every other in the opposite order."""
    for number in range(rounds):
        for side in sides if number % 2 == 0 else reversed(sides):
            yield number + 1, side


def total_s(planned: Sequence[Turn], sides: Sequence[str], cast: int) -> float:
    """Of all the turns, with the people who log in on each side every few minutes."""
    took = sum(turn.seconds for turn in planned)
    whole = sum(side != "split" for side in sides)
    return took + (1 + int(took / CASTS_AFTER_S)) * whole * cast * CAST_TAKES_S


def _mix(size: Size, whole: Sequence[str], split: Sequence[str]) -> Iterator[Turn]:
    took = LOCUST_STARTS_S + size.mix.warm_s + size.mix.seconds + TAIL_S
    for number in range(1, size.mix.rounds + 1):
        for side in [*(whole if number % 2 else reversed(whole)), *split]:
            yield Turn("mix", side, number, took)


def _routes(size: Size, whole: Sequence[str], reads: Sequence[str]) -> Iterator[Turn]:
    """Each route on one side and then at once on the other: what is compared lies seconds apart."""
    paced = size.routes
    wanted = [*reads, *WRITES] if size.every_route else FEW_ROUTES if size.name == "quick" else SMOKE_ROUTES
    took = OPEN_LOOP_STARTS_S + paced.warm_s + paced.seconds
    number_of_turns = 0
    for number in range(1, paced.rounds + 1):
        for route in wanted:
            for side in whole if number_of_turns % 2 == 0 else reversed(whole):
                yield Turn("routes", side, number, took, route, paced.per_s * WRITES.get(route, 1.0))
            number_of_turns += 1


def _curves(size: Size, whole: Sequence[str]) -> Iterator[Turn]:
    took = OPEN_LOOP_STARTS_S + len(size.curves.rates) * size.curves.step_s
    for what in size.curves.whats:
        for number, side in alternating(whole, size.curves.rounds):
            yield Turn("curves", side, number, took, what)
