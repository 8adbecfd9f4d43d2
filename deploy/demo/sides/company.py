"""company-service's database: companies and what they run, and what it keeps of staff and tickets."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from deploy.demo.copying import (
    NULL,
    Table,
    day,
    document,
    float8,
    instant,
    int2,
    int4,
    int8,
    sized,
    span,
    text,
)
from deploy.demo.places import TIME_ZONE
from deploy.demo.rows import CURRENCY
from deploy.demo.sides.mirrored import UNHEARD, calls_of, is_told

if TYPE_CHECKING:
    from deploy.demo.copying import Rows
    from deploy.demo.rows import Company
    from deploy.demo.sides.given import Given

COMPANIES: Final = Table(
    "companies",
    "id:uuid name:text slug:text contact_email:text contact_phone:text time_zone:text currency:text "
    "refund_policy:jsonb created_at:timestamptz updated_at:timestamptz",
)
LAYOUTS: Final = Table(
    "layouts",
    "id:uuid company_id:uuid name:text decks:jsonb classes:jsonb seats:jsonb capacity:int2 "
    "created_at:timestamptz",
)
BUSES: Final = Table(
    "buses",
    "id:uuid company_id:uuid plate:text name:text layout_id:uuid created_at:timestamptz "
    "updated_at:timestamptz",
)
DRIVERS: Final = Table(
    "drivers",
    "id:uuid company_id:uuid name:text phone:text licence:text user_id:uuid? created_at:timestamptz "
    "updated_at:timestamptz",
)
STOPS: Final = Table(
    "stops",
    "id:uuid company_id:uuid code:text name:text city:text place:text lat:float8 lon:float8 time_zone:text "
    "created_at:timestamptz updated_at:timestamptz",
)
ROUTES: Final = Table(
    "routes",
    "id:uuid company_id:uuid code:text name:text distance_km:int4 currency:text calls:jsonb "
    "created_at:timestamptz updated_at:timestamptz",
)
TRIPS: Final = Table(
    "trips",
    "id:uuid company_id:uuid route_id:uuid layout_id:uuid bus_id:uuid driver_id:uuid service_date:date "
    "departs_at:timestamptz arrives_at:timestamptz delay_min:int4 busy:tstzrange status:text "
    "cancel_reason:text created_at:timestamptz updated_at:timestamptz",
)
USERS: Final = Table(
    "users",
    "id:uuid company_id:uuid role:text status:text email:text full_name:text source_seq:int8 "
    "profile_seq:int8",
)
TICKETS: Final = Table(
    "tickets",
    "id:uuid trip_id:uuid company_id:uuid seat:text passenger_name:text status:text source_seq:int8",
)
CHECK_INS: Final = Table(
    "check_ins",
    "id:uuid ticket_id:uuid trip_id:uuid scanned_at:timestamptz scanned_by:uuid source_seq:int8",
)
TABLES: Final = (COMPANIES, LAYOUTS, BUSES, DRIVERS, STOPS, ROUTES, TRIPS, USERS, TICKETS, CHECK_INS)


def add(rows: Rows, company: Company, _given: Given) -> None:
    mine, at = company.id.bytes, instant(company.created_at)
    currency, zone = text(CURRENCY), text(TIME_ZONE)
    rows.put(
        COMPANIES,
        [(mine, text(company.name), text(company.slug), text(company.contact_email),
          text(company.contact_phone), zone, currency, document(company.refund_policy), at, at)],
    )  # fmt: skip
    rows.put(
        LAYOUTS,
        ((each.id.bytes, mine, text(each.name), document(each.decks), document(each.classes),
          document(each.seats), int2(len(each.seats)), at) for each in company.layouts),
    )  # fmt: skip
    rows.put(
        BUSES,
        ((bus.id.bytes, mine, text(bus.plate), text(bus.name), bus.layout_id.bytes, at, at)
         for bus in company.buses),
    )  # fmt: skip
    rows.put(
        DRIVERS,
        ((each.id.bytes, mine, text(each.name), text(each.phone), text(each.licence),
          sized(each.user_id.bytes) if each.user_id else NULL, at, at) for each in company.drivers),
    )  # fmt: skip
    rows.put(
        STOPS,
        ((stop.id.bytes, mine, text(stop.code), text(stop.name), text(stop.city), text(stop.place),
          float8(stop.lat), float8(stop.lon), zone, at, at) for stop in company.stops),
    )  # fmt: skip
    rows.put(
        ROUTES,
        ((route.id.bytes, mine, text(route.code), text(route.name), int4(route.distance_km), currency,
          document(calls_of(route)), at, at) for route in company.routes),
    )  # fmt: skip
    rows.put(
        TRIPS,
        ((trip.id.bytes, mine, trip.route_id.bytes, trip.layout_id.bytes, trip.bus_id.bytes,
          trip.driver_id.bytes, day(trip.service_date), instant(trip.departs_at), instant(trip.arrives_at),
          int4(trip.delay_min),
          span(trip.departs_at, trip.arrives_at + timedelta(minutes=trip.delay_min)),
          text(trip.status), text(trip.cancel_reason), instant(trip.created_at), instant(trip.created_at))
         for trip in company.trips),
    )  # fmt: skip
    _add_heard(rows, company)


def _add_heard(rows: Rows, company: Company) -> None:
    """Staff, sold tickets and check-ins."""
    mine, active, inspector = company.id.bytes, text("active"), company.staff[1].id.bytes
    rows.put(
        USERS,
        ((user.id.bytes, mine, text(user.role), active, text(user.email), text(user.full_name), UNHEARD,
          int8(0)) for user in company.staff),
    )  # fmt: skip
    for booking in company.bookings:
        if not is_told(booking.status):
            continue
        trip_id = booking.trip.id.bytes
        rows.put(
            TICKETS,
            ((ticket.id.bytes, trip_id, mine, text(ticket.seat), text(ticket.passenger_name),
              text(ticket.status), UNHEARD) for ticket in booking.tickets),
        )  # fmt: skip
        rows.put(
            CHECK_INS,
            ((ticket.scan_id.bytes, ticket.id.bytes, trip_id, instant(ticket.scanned_at), inspector, UNHEARD)
             for ticket in booking.tickets if ticket.scan_id and ticket.scanned_at),
        )  # fmt: skip
