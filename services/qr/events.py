"""What others hear of check-ins, and what check-ins hear of tickets, departures and companies.

`translate` is pure. What is heard is stored by its sequence number: twice, late or out of order, the newest
stays.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from common.events import EventType, Handler, Message
from services.qr.repository import mirrors

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from common.database import Connection
    from common.events import Change, Event

CHECK_IN_RECORDED: Final = EventType(
    "qr.check_in.recorded",
    1,
    "A passenger was let on: the first scan of a ticket. Duplicates and refusals are not told.",
    {
        "id": "the check-in's id",
        "ticket_id": "whose code was scanned",
        "trip_id": "the departure",
        "company_id": "whose departure it is",
        "scanned_at": "instant, by the clock of the scanner; never later than recorded_at",
        "scanned_by": "the user who scanned",
        "recorded_at": "instant at which it was written here",
    },
)
PUBLISHES: Final = (CHECK_IN_RECORDED,)


def translate(change: Change) -> Message | None:
    """A check-in; of a scan that let nobody on, or the same passenger again, nothing."""
    row = change.row
    if change.table != "scans" or row is None or not row["recorded"] or row["duplicate"]:
        return None
    return Message(CHECK_IN_RECORDED.type, row["id"], {name: row[name] for name in CHECK_IN_RECORDED.fields})


def newest(events: Iterable[Event]) -> list[dict[str, Any]]:
    """The last of each subject, with its number and whether it is removed: no row can be written twice."""
    last: dict[str, Event] = {}
    for event in events:
        known = last.get(event.subject)
        if known is None or known.seq <= event.seq:
            last[event.subject] = event
    return [
        {**event.data, "seq": event.seq, "removed": event.type.endswith(".removed")}
        for event in last.values()
    ]


async def _store(
    store: Callable[[Connection, list[dict[str, Any]]], Awaitable[None]],
    conn: Connection,
    events: Sequence[Event],
) -> None:
    await store(conn, newest(events))


def _kept_by(store: Callable[[Connection, list[dict[str, Any]]], Awaitable[None]], *types: str) -> Handler:
    return Handler(types, partial(_store, store))


# What is read through (service/asking.py) is written in the same order.
HANDLERS: Final = (
    _kept_by(
        mirrors.store_tickets,
        "ticketing.ticket.confirmed",
        "ticketing.ticket.cancelled",
        "ticketing.ticket.expired",
    ),
    _kept_by(
        mirrors.store_bookings,
        "ticketing.booking.confirmed",
        "ticketing.booking.cancelled",
        "ticketing.booking.expired",
    ),
    _kept_by(mirrors.store_companies, "company.company.changed"),
    _kept_by(mirrors.store_stops, "company.stop.changed", "company.stop.removed"),
    _kept_by(mirrors.store_routes, "company.route.changed", "company.route.removed"),
    _kept_by(mirrors.store_buses, "company.bus.changed"),
    _kept_by(mirrors.store_trips, "company.trip.changed"),
)
