"""The seats of a departure on a stretch: what is free, held or sold, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from common.database import ACQUIRE_TIMEOUT_S, POOL
from common.money import money
from common.problems import NotFound
from services.ticketing.domain.bookings import Status
from services.ticketing.domain.fares import step_of
from services.ticketing.repository import seats as repository
from services.ticketing.service.seatings import seating_of
from services.ticketing.service.state import leaves_at
from services.ticketing.service.stretches import check_stretch
from services.ticketing.service.trips import learn_trip

if TYPE_CHECKING:
    from uuid import UUID

    from aiohttp import web

    from common.database import Pool
    from services.ticketing.domain.seating import Seating
    from services.ticketing.repository import Row


@dataclass(frozen=True, slots=True)
class Seats:
    """A departure's seats from one stop to another."""

    trip: Row
    seating: Seating
    prices: dict[str, int]
    sold: frozenset[str]
    held: frozenset[str]

    def state(self, seat: str) -> str:
        return "sold" if seat in self.sold else "held" if seat in self.held else "free"

    @property
    def seats_left(self) -> int:
        return sum(self.seating.free(self.sold | self.held).values())

    @property
    def on_sale(self) -> bool:
        return bool(self.trip["status"] == "scheduled" and leaves_at(self.trip) > self.trip["now"])


async def read_seats(
    request: web.Request,
    trip_id: UUID,
    from_seq: int | None,
    to_seq: int | None,
    *,
    names: tuple[str, str] = ("from", "to"),
) -> Seats:
    """Raises NotFound, or ValidationFailed on `names` for what is no stretch of the trip."""
    pool = request.app[POOL]
    found = await _find(pool, trip_id, from_seq, to_seq)
    if found is None and await learn_trip(request, trip_id):
        found = await _find(pool, trip_id, from_seq, to_seq)
    if found is None:
        raise NotFound
    trip, seating = found
    check_stretch(trip["from_seq"], trip["last_seq"] if to_seq is None else to_seq, trip["last_seq"], *names)
    return Seats(
        trip,
        seating,
        seating.prices(trip["sum_from"], trip["sum_to"], step_of(trip["currency"])),
        frozenset(seat for seat, status in trip["taken"] if status == Status.CONFIRMED),
        frozenset(seat for seat, status in trip["taken"] if status == Status.HELD),
    )


async def _find(
    pool: Pool, trip_id: UUID, from_seq: int | None, to_seq: int | None
) -> tuple[Row, Seating] | None:
    """None if the trip has not been heard of, or its layout has not."""
    async with pool.acquire(timeout=ACQUIRE_TIMEOUT_S) as conn:
        trip = await repository.get_stretch(conn, trip_id, from_seq, to_seq)
        if trip is None:
            return None
        seating = await seating_of(conn, trip["layout_id"])
    return None if seating is None else (trip, seating)


def seat_map_wire(found: Seats) -> dict[str, Any]:
    currency = found.trip["currency"]
    prices = {code: money(price, currency) for code, price in found.prices.items()}
    return {
        "trip_id": found.trip["trip_id"],
        "from": found.trip["from_seq"],
        "to": found.trip["to_seq"],
        "status": found.trip["status"],
        "currency": currency,
        "decks": found.seating.decks,
        "classes": found.seating.classes,
        "seats": [
            {
                "seat": seat.name,
                "deck": seat.deck,
                "row": seat.row,
                "column": seat.column,
                "class": seat.seat_class,
                "price": prices[seat.seat_class],
                "state": found.state(seat.name),
            }
            for seat in found.seating.seats.values()
        ],
        "seats_left": found.seats_left,
    }
