"""Holding seats: the first half of a sale, and where the crowd is.

Two round trips, whatever the number of seats: one that reads the trip and takes the locks, one that claims
the seats and writes the booking. That no seat is sold twice is what the exclusion constraint says; a seat
that is taken is found by the claim itself and never by looking first.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from common.ids import uuid7
from common.problems import Conflict, ValidationFailed
from legacy import booking_state, notices
from legacy.queries import bookings as queries
from legacy.rules.bookings import MOST_HOLDS, MOST_SEATS
from legacy.rules.references import new_reference
from legacy.seatings import seating_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from common.database import Connection
    from common.principals import Principal
    from legacy.desk import Desk
    from legacy.queries.bookings import Row
    from legacy.rules.seating import Seating


class SeatsTaken(Conflict):
    """`seats` names those of the wanted seats that somebody else has."""

    slug, title = "seats-taken", "Some of these seats have just been taken"


class TripClosed(Conflict):
    slug, title = "trip-closed", "Seats of this departure are not sold any more"


class TooManyHolds(Conflict):
    slug, title = "too-many-holds", "You hold too many seats already"


@dataclass(frozen=True, slots=True)
class Passenger:
    seat: str
    name: str
    age: int | None = None
    gender: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """Seats for passengers on a stretch of a trip; no contact means the account's."""

    trip_id: UUID
    from_seq: int
    to_seq: int
    passengers: tuple[Passenger, ...]
    contact_email: str | None = None
    contact_phone: str | None = None


async def hold_seats(
    conn: Connection, desk: Desk, by: Principal, order: Order
) -> tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]:
    """Hold the seats for a while: the booking and its tickets as rows. What costs nothing is confirmed.

    The caller's transaction must be rolled back if this raises: SeatsTaken, TripClosed, TooManyHolds, or
    ValidationFailed for a seat or stop that is not there.
    """
    seats = [passenger.seat for passenger in order.passengers]
    trip = await queries.open_trip(conn, order.trip_id, order.from_seq, order.to_seq, seats, by.user_id)
    if trip is None:
        raise ValidationFailed({"trip_id": ["There is no such departure."]})
    check_stretch(order.from_seq, order.to_seq, trip["last_seq"], "from_seq", "to_seq")
    check_open(trip)
    seating = await seating_of(conn, trip["layout_id"])
    tickets = _tickets(order, trip, seating)
    if trip["stale"]:
        await queries.expire_bookings(conn, trip["stale"])

    total = sum((ticket["price"] for ticket in tickets), Decimal(0))
    row: dict[str, Any] = {
        "id": uuid7(),
        "reference": new_reference(),
        "user_id": by.user_id,
        "from_seq": order.from_seq,
        "to_seq": order.to_seq,
        "total": total,
        "contact_email": order.contact_email or trip["user_email"],
        "contact_phone": order.contact_phone if order.contact_email else trip["user_phone"],
    }
    made = await queries.insert_held(
        conn,
        booking_id=row["id"],
        reference=row["reference"],
        user_id=by.user_id,
        trip_id=order.trip_id,
        company_id=trip["company_id"],
        from_seq=order.from_seq,
        to_seq=order.to_seq,
        total=total,
        currency=trip["currency"],
        contact_email=row["contact_email"],
        contact_phone=row["contact_phone"],
        hold_s=desk.hold_s,
        tickets=[tuple(ticket[name] for name in _TICKET_COLUMNS) for ticket in tickets],
        most_holds=MOST_HOLDS,
        most_seats=MOST_SEATS,
    )
    _check_claimed(made, seats)
    booking = {
        **dict(trip),
        **row,
        "status": "held",
        "refund_due": Decimal(0),
        "refund_reason": None,
        "payment_id": None,
        "expires_at": made["expires_at"],
        "created_at": made["created_at"],
        "updated_at": made["created_at"],
    }
    for ticket in tickets:
        ticket["booking_id"] = row["id"]
    if total == 0:
        return await _confirm_free(conn, desk, row["id"])
    return booking, tickets


def check_stretch(from_seq: int, to_seq: int, last_seq: int, from_name: str, to_name: str) -> None:
    """Raise ValidationFailed, naming the fields, unless it is a stretch of a route with that last stop."""
    if not 0 <= from_seq < last_seq:
        raise ValidationFailed({from_name: [f"The stops to board at are 0 to {last_seq - 1}."]})
    if not from_seq < to_seq <= last_seq:
        raise ValidationFailed({to_name: [f"The stops to get off at are {from_seq + 1} to {last_seq}."]})


def check_open(trip: Mapping[str, Any]) -> None:
    """Raise TripClosed unless seats from the boarding stop are still sold."""
    if trip["trip_status"] == "cancelled":
        raise TripClosed("The departure has been cancelled.")
    if booking_state.leaves_at(trip) <= trip["now"]:
        raise TripClosed("The bus has left this stop.")
    if trip["company_status"] != "active":
        raise TripClosed("The company does not sell seats at the moment.")


_TICKET_COLUMNS = (
    "id", "seat", "seat_class", "deck", "passenger_name", "passenger_age", "passenger_gender", "price",
)  # fmt: skip


def _tickets(order: Order, trip: Row, seating: Seating) -> list[dict[str, Any]]:
    prices = seating.prices(trip["sum_from"], trip["sum_to"], booking_state.decimals_of(trip))
    errors: dict[str, list[str]] = {}
    tickets: list[dict[str, Any]] = []
    seen: set[str] = set()
    for index, passenger in enumerate(order.passengers):
        seat = seating.seats.get(passenger.seat)
        if seat is None:
            errors[f"passengers.{index}.seat"] = ["There is no such seat on this bus."]
            continue
        if seat.name in seen:
            errors[f"passengers.{index}.seat"] = ["This seat is named twice."]
        seen.add(seat.name)
        tickets.append(
            {
                "id": uuid7(),
                "trip_id": order.trip_id,
                "seat": seat.name,
                "seat_class": seat.seat_class,
                "deck": seat.deck,
                "from_seq": order.from_seq,
                "to_seq": order.to_seq,
                "passenger_name": passenger.name,
                "passenger_age": passenger.age,
                "passenger_gender": passenger.gender,
                "price": prices[seat.seat_class],
                "status": "held",
                "refund_due": Decimal(0),
                "scanned_at": None,
                "qr_serial": 0,
            }
        )
    if errors:
        raise ValidationFailed(errors)
    return tickets


def _check_claimed(made: Row, seats: Sequence[str]) -> None:
    if made["holds"] >= MOST_HOLDS:
        raise TooManyHolds(f"Pay for one of the {MOST_HOLDS} bookings that you hold, or give it up.")
    if made["seats"] + len(seats) > MOST_SEATS:
        raise TooManyHolds(f"One person may have {MOST_SEATS} seats of a departure at most.")
    taken = sorted(set(seats) - set(made["claimed"]))
    if taken:
        raise SeatsTaken("Choose other seats: nothing has been held for you.", seats=taken)


async def _confirm_free(conn: Connection, desk: Desk, booking_id: UUID) -> tuple[Row, list[Row]]:
    row = await queries.lock_booking(conn, booking_id)
    assert row is not None
    tickets = await queries.lock_tickets(conn, booking_id)
    moved = booking_state.booking_of(row, tickets).confirm()
    await booking_state.save(conn, desk.codes, row, tickets, moved)
    await notices.tell_confirmed(conn, desk, row, tickets)
    return (await queries.get_booking(conn, booking_id)), await queries.list_tickets(conn, [booking_id])
