"""Holding seats: the first half of a sale, and where the crowd is.

One round trip, whatever the number of seats: the database's function `hold_seats` reads the trip, reckons the
prices, claims the seats and writes the booking, or does nothing. That no seat is sold twice is what the
exclusion constraint says; a seat that is taken is found by the claim itself and never by looking first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from common.ids import uuid7
from common.problems import ValidationFailed
from services.ticketing.domain.bookings import MOST_HOLDS, MOST_SEATS
from services.ticketing.domain.references import new_reference
from services.ticketing.errors import SeatsTaken, TooManyHolds, TripClosed
from services.ticketing.repository import bookings
from services.ticketing.repository import holds as repository
from services.ticketing.service import notices, state
from services.ticketing.service.stretches import check_stretch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from common.database import Connection
    from common.principals import Principal
    from services.ticketing.desk import Desk
    from services.ticketing.repository import Row


class UnknownTrip(Exception):  # ruff: ignore[error-suffix-on-exception-name] — the fact
    """The departure, or something of it, has not been heard of."""


class UnknownUser(Exception):  # ruff: ignore[error-suffix-on-exception-name] — the fact
    """Who wants the seats has not been heard of, and gave no contact."""


class FreeOfCharge(Exception):  # ruff: ignore[error-suffix-on-exception-name] — the fact
    """The seats cost nothing: they are confirmed at once, which takes a transaction."""


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
    conn: Connection, desk: Desk, by: Principal, order: Order, *, in_transaction: bool = True
) -> tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]:
    """Hold the seats for a while: the booking and its tickets as rows. What costs nothing is confirmed.

    Raises SeatsTaken, TripClosed, TooManyHolds, or ValidationFailed for a seat or stop that is not there; and
    UnknownTrip or UnknownUser for what is to be learned first, FreeOfCharge if that needs a transaction.
    """
    passengers = order.passengers
    booking_id, reference = uuid7(), new_reference()
    ids = [uuid7() for _ in passengers]
    made = await repository.hold_seats(
        conn,
        booking_id=booking_id,
        reference=reference,
        user_id=by.user_id,
        trip_id=order.trip_id,
        from_seq=order.from_seq,
        to_seq=order.to_seq,
        contact_email=order.contact_email,
        contact_phone=order.contact_phone,
        hold_s=desk.hold_s,
        free_too=in_transaction,
        most_holds=MOST_HOLDS,
        most_seats=MOST_SEATS,
        ticket_ids=ids,
        seats=[passenger.seat for passenger in passengers],
        names=[passenger.name for passenger in passengers],
        ages=[passenger.age for passenger in passengers],
        genders=[passenger.gender for passenger in passengers],
    )
    if made["outcome"] != "held":
        raise _refusal(made, order)
    if made["total"] == 0:
        return await _confirm_free(conn, desk, booking_id)
    booking = {
        **made,
        "id": booking_id,
        "reference": reference,
        "user_id": by.user_id,
        "trip_id": order.trip_id,
        "from_seq": order.from_seq,
        "to_seq": order.to_seq,
        "status": "held",
        "total_minor": made["total"],
        "refund_due_minor": 0,
        "payment_id": None,
        "expires_at": made["until"],
        "updated_at": made["created_at"],
        "now": made["created_at"],
    }
    tickets = [
        {
            "id": ticket_id,
            "booking_id": booking_id,
            "trip_id": order.trip_id,
            "seat": passenger.seat,
            "seat_class": seat_class,
            "deck": deck,
            "from_seq": order.from_seq,
            "to_seq": order.to_seq,
            "passenger_name": passenger.name,
            "passenger_age": passenger.age,
            "passenger_gender": passenger.gender,
            "price_minor": price_minor,
            "status": "held",
            "checked_in_at": None,
            "refund_due_minor": 0,
        }
        for ticket_id, passenger, seat_class, deck, price_minor in zip(
            ids, passengers, made["classes"], made["decks"], made["prices"], strict=True
        )
    ]
    return booking, tickets


def _refusal(made: Row, order: Order) -> Exception:
    """What the outcome is called."""
    outcome: str = made["outcome"]
    if outcome == "taken":
        return SeatsTaken("Choose other seats: nothing has been held for you.", seats=made["gone"])
    if outcome == "no-stretch":
        try:
            check_stretch(order.from_seq, order.to_seq, made["last_seq"], "from_seq", "to_seq")
        except ValidationFailed as problem:
            return problem
    if outcome == "no-seats":
        return ValidationFailed(_seat_errors(made["classes"], order))
    return _REFUSALS[outcome]()


_REFUSALS: Final[Mapping[str, Callable[[], Exception]]] = {
    "unknown-trip": UnknownTrip,
    "unknown-user": UnknownUser,
    "free": FreeOfCharge,
    "cancelled": lambda: TripClosed("The departure has been cancelled."),
    "left": lambda: TripClosed("The bus has left this stop."),
    "suspended": lambda: TripClosed("The company does not sell seats at the moment."),
    "many-holds": lambda: TooManyHolds(
        f"Pay for one of the {MOST_HOLDS} bookings that you hold, or give it up."
    ),
    "many-seats": lambda: TooManyHolds(f"One person may have {MOST_SEATS} seats of a departure at most."),
}


def _seat_errors(classes: Sequence[str | None], order: Order) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = {}
    seen: set[str] = set()
    for index, (passenger, seat_class) in enumerate(zip(order.passengers, classes, strict=True)):
        if seat_class is None:
            errors[f"passengers.{index}.seat"] = ["There is no such seat on this bus."]
        elif passenger.seat in seen:
            errors[f"passengers.{index}.seat"] = ["This seat is named twice."]
        seen.add(passenger.seat)
    return errors


async def _confirm_free(conn: Connection, desk: Desk, booking_id: UUID) -> tuple[Row, list[Row]]:
    row = await bookings.lock_booking(conn, booking_id)
    assert row is not None
    tickets = await bookings.list_tickets(conn, [booking_id])
    moved = state.booking_of(row, tickets).confirm()
    await state.save(conn, row, tickets, moved)
    await notices.tell_confirmed(conn, desk, row, tickets)
    return (await bookings.get_booking(conn, booking_id)), await bookings.list_tickets(conn, [booking_id])
