"""What others hear of profiles, and what profiles and dashboards hear of everything else.

`translate` is pure. What is heard is stored by its sequence number: twice, late or out of order, the newest
stays. Which days the dashboards have to add up anew is marked in the same transaction, by the database's own
hand (migrations/0003).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from common.events import EventType, Handler, Message
from common.instants import parse_instant
from services.user.repository import mirrors
from services.user.service import profiles

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from common.database import Connection
    from common.events import Change, Event

    Store = Callable[[Connection, Sequence[Mapping[str, Any]]], Awaitable[None]]
    Apply = Callable[[Connection, Sequence[Event]], Awaitable[None]]

PROFILE_CHANGED: Final = EventType(
    "user.profile.changed",
    1,
    "A profile was made, or its owner changed it.",
    {
        "user_id": "the user's id",
        "full_name": "what they are called",
        "phone": "E.164, or null",
        "locale": "the language they are written to in: en or hi",
        "updated_at": "instant of the last change",
    },
)
PUBLISHES: Final = (PROFILE_CHANGED,)
BOOKINGS: Final = ("ticketing.booking.confirmed", "ticketing.booking.cancelled")
TICKETS: Final = ("ticketing.ticket.confirmed", "ticketing.ticket.cancelled", "ticketing.ticket.expired")


def translate(change: Change) -> Message | None:
    """A profile as it is now; travellers are nobody else's."""
    row = change.row
    if change.table != "profiles" or row is None:
        return None
    data = {name: row[name] for name in PROFILE_CHANGED.fields}
    return Message(PROFILE_CHANGED.type, row["user_id"], data)


async def store_accounts(conn: Connection, events: Sequence[Event]) -> None:
    """Accounts as they are now; and a profile for each that has none yet, of what it was opened with.

    Later the profile is its owner's: nothing that is heard of the account changes it.
    """
    rows = newest(events)
    await mirrors.store_accounts(conn, rows)
    await profiles.open_profiles(
        conn,
        [
            (
                UUID(row["id"]),
                row["full_name"],
                row["phone"],
                row["locale"],
                parse_instant(row["created_at"]),
            )
            for row in rows
        ],
    )


def stored_by(store: Store) -> Apply:
    """Applies events by writing the newest of each subject."""

    async def apply(conn: Connection, events: Sequence[Event]) -> None:
        await store(conn, newest(events))

    return apply


def counted_by(store: Store) -> Apply:
    """The same for what the dashboards count."""

    async def apply(conn: Connection, events: Sequence[Event]) -> None:
        await mirrors.take_turn_to_count(conn)
        await store(conn, newest(events))

    return apply


async def store_sales(conn: Connection, events: Sequence[Event]) -> None:
    """Bookings and their tickets, which are told of together, in one turn."""
    await mirrors.take_turn_to_count(conn)
    for store, types in ((mirrors.store_bookings, BOOKINGS), (mirrors.store_tickets, TICKETS)):
        if rows := newest([event for event in events if event.type in types]):
            await store(conn, rows)


async def store_check_ins(conn: Connection, events: Sequence[Event]) -> None:
    """A check-in is its own subject; what is counted is the ticket."""
    first = {row["ticket_id"]: row for row in reversed(newest(events))}
    await mirrors.take_turn_to_count(conn)
    await mirrors.store_check_ins(conn, list(first.values()))


def newest(events: Sequence[Event]) -> list[dict[str, Any]]:
    """What the last event of each subject says, and its number as `source_seq`."""
    last: dict[str, Event] = {}
    for event in events:
        known = last.get(event.subject)
        if known is None or known.seq <= event.seq:
            last[event.subject] = event
    return [{**event.data, "source_seq": event.seq} for event in last.values()]


HANDLERS: Final = (
    Handler(("auth.user.changed",), store_accounts, is_news=True),
    Handler(("company.company.changed",), counted_by(mirrors.store_companies)),
    Handler(("company.layout.changed",), counted_by(mirrors.store_layouts)),
    Handler(("company.stop.changed", "company.stop.removed"), stored_by(mirrors.store_stops)),
    Handler(("company.route.changed", "company.route.removed"), stored_by(mirrors.store_routes)),
    Handler(("company.trip.changed",), counted_by(mirrors.store_trips)),
    Handler((*BOOKINGS, *TICKETS), store_sales),
    Handler(("qr.check_in.recorded",), store_check_ins),
    Handler(
        ("payment.refund.pending", "payment.refund.succeeded", "payment.refund.failed"),
        counted_by(mirrors.store_refunds),
    ),
)
