"""What others hear of bookings and tickets, and what selling hears of everybody else.

`translate` is pure. What is heard is stored by its sequence number: twice, late or out of order, the newest
stays. What follows from it (a booking is paid for, a departure is called off) a sweep does, so that it is
done whether or not the event was the first to tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from common.events import EventType, Handler, Message
from services.ticketing.domain.bookings import Status
from services.ticketing.names import BOARDED, CALL_OFF, CONFIRM, WITHDRAW
from services.ticketing.repository import mirrors

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from common.database import Connection
    from common.events import Change, Event

BOOKING: Final = "ticketing.booking."
TICKET: Final = "ticketing.ticket."
BOOKING_FIELDS: Final[Mapping[str, str]] = {
    "id": "the booking's id",
    "reference": "eight letters and digits that people read to each other",
    "user_id": "who booked",
    "trip_id": "the departure",
    "company_id": "whose departure it is",
    "from_seq": "the stop where it is boarded",
    "to_seq": "the stop where it is left",
    "status": "held, confirmed, cancelled or expired: the last part of the type",
    "total_minor": "what is, or was, to be paid, in minor units of the currency",
    "currency": "ISO 4217",
    "refund_due_minor": "all that the passenger is owed back, in minor units",
    "refund_reason": "why, in words, or null while nothing is owed",
    "payment_id": "the payment that it was settled with, or null",
    "seats": "how many are held or confirmed; of a booking that is over, as many as it had last",
    "expires_at": "instant at which a hold ends",
    "created_at": "instant",
    "updated_at": "instant of the last change",
    "journey": (
        "what was sold, as it was called then: {route_id, route_name, company_name, from: {seq, stop_id, "
        "name, city, time_zone, departs_at}, to: {seq, stop_id, name, city, time_zone, arrives_at}, "
        "departs_at and arrives_at of the whole trip}, by the timetable"
    ),
}
TICKET_FIELDS: Final[Mapping[str, str]] = {
    "id": "the ticket's id",
    "booking_id": "the booking that it is of",
    "trip_id": "the departure",
    "company_id": "whose departure it is",
    "user_id": "who booked",
    "seat": "the seat's name",
    "seat_class": "the code of its class",
    "deck": "lower or upper",
    "from_seq": "the stop where it is boarded",
    "to_seq": "the stop where it is left",
    "passenger_name": "who rides",
    "passenger_age": "in years, or null",
    "passenger_gender": "female, male, other or null",
    "price_minor": "in minor units of the booking's currency",
    "refund_due_minor": "what its cancellation gave back, in minor units",
    "status": "confirmed, cancelled or expired: the last part of the type",
    "sold": "whether it was good once: paid for, or free",
    "qr_serial": "how often its code was made anew: codes of a lower serial are good no more",
    "updated_at": "instant of the last change",
}
_BOOKING_IS: Final[Mapping[Status, str]] = {
    Status.HELD: "Seats are held, and wait to be paid for.",
    Status.CONFIRMED: "The seats are sold.",
    Status.CANCELLED: "The seats were given back, or the departure was cancelled.",
    Status.EXPIRED: "It was not paid for in time.",
}
_TICKET_IS: Final[Mapping[Status, str]] = {
    Status.CONFIRMED: "It is good for a ride; or its code was made anew.",
    Status.CANCELLED: "It was given back, or its departure was cancelled.",
    Status.EXPIRED: "It was never paid for.",
}
PUBLISHES: Final = (
    *(EventType(BOOKING + status, 1, said, BOOKING_FIELDS) for status, said in _BOOKING_IS.items()),
    *(EventType(TICKET + status, 1, said, TICKET_FIELDS) for status, said in _TICKET_IS.items()),
)


def translate(change: Change) -> Message | None:
    """A booking or a ticket as it is now; nothing is said of tickets that are only held."""
    row = change.row
    if row is None:
        return None
    if change.table == "bookings":
        return Message(BOOKING + row["status"], row["id"], {name: row[name] for name in BOOKING_FIELDS})
    if change.table == "tickets" and row["status"] != Status.HELD:
        return Message(TICKET + row["status"], row["id"], {name: row[name] for name in TICKET_FIELDS})
    return None


def newest(events: Iterable[Event]) -> Iterable[Event]:
    """The last of each subject: a statement cannot write a row twice."""
    last: dict[str, Event] = {}
    for event in events:
        known = last.get(event.subject)
        if known is None or known.seq <= event.seq:
            last[event.subject] = event
    return last.values()


async def _store(
    conn: Connection, events: Iterable[Event], store: Callable[[Connection, mirrors.Rows], Awaitable[None]]
) -> None:
    await store(conn, [{**event.data, "source_seq": event.seq} for event in newest(events)])


async def store_companies(conn: Connection, events: Sequence[Event]) -> None:
    await _store(conn, events, mirrors.store_companies)


async def store_layouts(conn: Connection, events: Sequence[Event]) -> None:
    await _store(conn, events, mirrors.store_layouts)


async def store_buses(conn: Connection, events: Sequence[Event]) -> None:
    await _store(conn, events, mirrors.store_buses)


async def store_drivers(conn: Connection, events: Sequence[Event]) -> None:
    await _store(conn, events, mirrors.store_drivers)


async def store_stops(conn: Connection, events: Sequence[Event]) -> None:
    """Stops as they are now, and those that are no more."""
    gone, there = _sorted_out(events)
    await mirrors.remove_stops(conn, gone)
    await _store(conn, there, mirrors.store_stops)


async def store_routes(conn: Connection, events: Sequence[Event]) -> None:
    """Routes as they are now, and those that are no more."""
    gone, there = _sorted_out(events)
    await mirrors.remove_routes(conn, gone)
    await _store(conn, there, mirrors.store_routes)


def _sorted_out(events: Iterable[Event]) -> tuple[list[tuple[UUID, int]], list[Event]]:
    """What was removed, by id with its number, and what is there."""
    last = list(newest(events))
    gone = [(UUID(each.data["id"]), each.seq) for each in last if each.type.endswith(".removed")]
    return gone, [each for each in last if not each.type.endswith(".removed")]


async def store_trips(conn: Connection, events: Sequence[Event]) -> None:
    await _store(conn, events, mirrors.store_trips)


async def store_accounts(conn: Connection, events: Sequence[Event]) -> None:
    await _store(conn, events, mirrors.store_accounts)


async def store_profiles(conn: Connection, events: Sequence[Event]) -> None:
    await _store(conn, events, mirrors.store_profiles)


async def store_payments(conn: Connection, events: Sequence[Event]) -> None:
    await _store(conn, events, mirrors.store_payments)


async def store_check_ins(conn: Connection, events: Sequence[Event]) -> None:
    await _store(conn, events, mirrors.store_check_ins)


# What is read through (service/trips.py) is written in the same order.
HANDLERS: Final = (
    Handler(("company.company.changed",), store_companies),
    Handler(("company.layout.changed",), store_layouts, wakes=(WITHDRAW,)),
    Handler(("company.bus.changed",), store_buses),
    Handler(("company.driver.changed",), store_drivers),
    Handler(("company.stop.changed", "company.stop.removed"), store_stops),
    Handler(("company.route.changed", "company.route.removed"), store_routes),
    Handler(("company.trip.changed",), store_trips, wakes=(CALL_OFF, WITHDRAW)),
    Handler(("auth.user.changed",), store_accounts),
    Handler(("user.profile.changed",), store_profiles),
    # of the others nothing follows here, and from this one no payment comes back
    Handler(("payment.payment.succeeded",), store_payments, wakes=(CONFIRM,)),
    Handler(("qr.check_in.recorded",), store_check_ins, wakes=(BOARDED,)),
)
