"""What company-service tells the others, and what it keeps of what it hears from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from common.events import EventType, Handler, Message
from services.company.repository import mirrors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from common.events import Change

_INSTANT = "instant"
_STATUS = "active or retired"

COMPANY: Final = EventType(
    "company.company.changed",
    1,
    "A company was taken in or changed.",
    {
        "id": "the company",
        "name": "text",
        "slug": "its name in addresses",
        "contact_email": "address",
        "contact_phone": "E.164, or null",
        "time_zone": "IANA, in which its days are counted",
        "currency": "ISO 4217, of its fares",
        "status": "active or suspended",
        "refund_policy": "{steps: [{hours_before, percent}]}, falling",
        "created_at": _INSTANT,
        "updated_at": _INSTANT,
    },
)
LAYOUT: Final = EventType(
    "company.layout.changed",
    1,
    "A seat layout was made; it never changes.",
    {
        "id": "the layout",
        "company_id": "whose it is",
        "name": "text",
        "decks": "[{deck, rows, columns}]",
        "classes": "[{code, name, fare_percent}]",
        "seats": "[{seat, deck, row, column, class}]",
        "capacity": "how many seats",
        "created_at": _INSTANT,
    },
)
BUS: Final = EventType(
    "company.bus.changed",
    1,
    "A bus was added, changed or retired.",
    {
        "id": "the bus",
        "company_id": "whose it is",
        "plate": "its registration",
        "name": "text, or null",
        "layout_id": "its seats",
        "status": _STATUS,
    },
)
DRIVER: Final = EventType(
    "company.driver.changed",
    1,
    "A driver was added, changed or retired.",
    {
        "id": "the driver",
        "company_id": "for whom they drive",
        "name": "text",
        "phone": "E.164, or null",
        "user_id": "the account they sign in with, or null",
        "status": _STATUS,
    },
)
STOP: Final = EventType(
    "company.stop.changed",
    1,
    "A stop was added or changed.",
    {
        "id": "the stop",
        "company_id": "whose it is",
        "code": "the company's own, or a feed's stop_id; or null",
        "name": "text",
        "city": "text",
        "place": "the city's slug, by which a search names it",
        "lat": "degrees north",
        "lon": "degrees east",
        "time_zone": "IANA",
    },
)
STOP_REMOVED: Final = EventType("company.stop.removed", 1, "A stop is no more.", {"id": "the stop"})
ROUTE: Final = EventType(
    "company.route.changed",
    1,
    "A route was made, changed or retired.",
    {
        "id": "the route",
        "company_id": "whose it is",
        "code": "text, or null",
        "name": "text",
        "status": _STATUS,
        "currency": "ISO 4217, of its fares",
        "calls": "[{seq, stop_id, arrive_s, depart_s, leg_fare_minor, fare_sum_minor}]: seconds after the "
        "departure at stop 0; the fare from the stop before, and from stop 0, in minor units",
    },
)
ROUTE_REMOVED: Final = EventType("company.route.removed", 1, "A route is no more.", {"id": "the route"})
TRIP: Final = EventType(
    "company.trip.changed",
    1,
    "A departure was published, changed or cancelled.",
    {
        "id": "the departure",
        "company_id": "who runs it",
        "route_id": "what it runs along",
        "layout_id": "the seats that are sold",
        "bus_id": "or null",
        "driver_id": "or null",
        "timetable_id": "what it was made from, or null",
        "service_date": "date at the first stop",
        "departs_at": "instant at the first stop, without delay",
        "arrives_at": "instant at the last stop, without delay",
        "delay_min": "minutes, on top of both",
        "status": "scheduled, or cancelled for good",
        "cancel_reason": "text, or null",
        "created_at": _INSTANT,
        "updated_at": _INSTANT,
    },
)

PUBLISHES: Final = (COMPANY, LAYOUT, BUS, DRIVER, STOP, STOP_REMOVED, ROUTE, ROUTE_REMOVED, TRIP)

_CHANGED: Final[Mapping[str, tuple[EventType, tuple[str, ...]]]] = {
    table: (event, tuple(event.fields))
    for table, event in {
        "companies": COMPANY,
        "layouts": LAYOUT,
        "buses": BUS,
        "drivers": DRIVER,
        "stops": STOP,
        "routes": ROUTE,
        "trips": TRIP,
    }.items()
}
_REMOVED: Final[Mapping[str, EventType]] = {"stops": STOP_REMOVED, "routes": ROUTE_REMOVED}


def translate(change: Change) -> Message | None:
    """What a changed row means to others; of what is gone only stops and routes are of interest."""
    if change.row is None:
        removed = _REMOVED.get(change.table)
        return None if removed is None else Message(removed.type, change.key, {"id": change.key})
    if change.table not in _CHANGED:
        return None
    event, fields = _CHANGED[change.table]
    row = change.row
    return Message(event.type, change.key, {name: row[name] for name in fields})


HANDLERS: Final = (
    Handler(("auth.user.changed",), mirrors.keep_staff),
    Handler(("user.profile.changed",), mirrors.keep_names_of_staff),
    Handler(
        ("ticketing.ticket.confirmed", "ticketing.ticket.cancelled", "ticketing.ticket.expired"),
        mirrors.keep_tickets,
    ),
    Handler(("qr.check_in.recorded",), mirrors.keep_check_ins),
)
