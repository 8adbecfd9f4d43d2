"""Who got which seat in this run, as the people know it: no seat-leg may be two bookings' at a time.

The database says so, too; this is the same question asked from outside. It errs on the quiet side: a hold
that is about to end, and one whose cancellation is on its way, count as given back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

GRACE_S: Final = 5.0
"""The site's clock may be another machine's."""


@dataclass(slots=True)
class Claim:
    """A seat on `[from_seq, to_seq)`; `until` ends a hold, in seconds since 1970; None if it is sold."""

    trip_id: str
    seat: str
    from_seq: int
    to_seq: int
    booking_id: str
    until: float | None
    since: float = 0.0

    def is_live(self, now: float) -> bool:
        return self.until is None or self.until - GRACE_S > now

    def meets(self, other: Claim) -> bool:
        """Whether both cannot be true at once."""
        return (
            self.booking_id != other.booking_id
            and (self.trip_id, self.seat) == (other.trip_id, other.seat)
            and self.from_seq < other.to_seq
            and other.from_seq < self.to_seq
        )


class Claims:
    def __init__(self) -> None:
        self._by_seat: dict[tuple[str, str], list[Claim]] = {}
        self._by_booking: dict[str, list[Claim]] = {}

    def take(self, claim: Claim, now: float) -> Claim | None:
        """Write a claim down; answers the other one that it meets, if there is one."""
        claim.since = now
        there = self._by_seat.setdefault((claim.trip_id, claim.seat), [])
        there[:] = [each for each in there if each.is_live(now)]
        other = next((each for each in there if each.meets(claim)), None)
        there.append(claim)
        self._by_booking.setdefault(claim.booking_id, []).append(claim)
        return other

    def sell(self, booking_id: str) -> None:
        """Its hold does not end any more."""
        for claim in self._by_booking.get(booking_id, ()):
            claim.until = None

    def give_back(self, booking_id: str, seats: Iterable[str] | None = None) -> None:
        """Some seats of a booking, or all; called before the site is asked to."""
        ends = None if seats is None else set(seats)
        for claim in self._by_booking.get(booking_id, ()):
            if ends is None or claim.seat in ends:
                claim.until = 0.0

    def live(self, now: float) -> list[Claim]:
        return [claim for there in self._by_seat.values() for claim in there if claim.is_live(now)]


def sold_twice(claims: Iterable[Claim], told_at: float) -> list[tuple[Claim, Claim]]:
    """Pairs that meet, among the live claims of several processes, of which the first told at `told_at`.

    What was taken since may have been given back by whom had told before.
    """
    by_seat: dict[tuple[str, str], list[Claim]] = {}
    pairs = []
    for claim in claims:
        if claim.since < told_at - GRACE_S:
            there = by_seat.setdefault((claim.trip_id, claim.seat), [])
            pairs += [(other, claim) for other in there if other.meets(claim)]
            there.append(claim)
    return pairs
