"""qr-service's database: scans, and what it keeps of tickets and departures. Codes are made when asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deploy.demo.copying import YES, Table, document, instant, int2, int4, text
from deploy.demo.places import TIME_ZONE
from deploy.demo.sides.mirrored import UNHEARD, calls_of, is_told

if TYPE_CHECKING:
    from deploy.demo.copying import Rows
    from deploy.demo.rows import Booking, Company
    from deploy.demo.sides.given import Given

COMPANIES: Final = Table("companies", "id:uuid name:text time_zone:text source_seq:int8")
BUSES: Final = Table("buses", "id:uuid plate:text source_seq:int8")
STOPS: Final = Table("stops", "id:uuid name:text city:text time_zone:text source_seq:int8")
ROUTES: Final = Table("routes", "id:uuid name:text calls:jsonb source_seq:int8")
TRIPS: Final = Table(
    "trips",
    "id:uuid company_id:uuid route_id:uuid bus_id:uuid departs_at:timestamptz arrives_at:timestamptz "
    "delay_min:int4 status:text source_seq:int8",
)
BOOKINGS: Final = Table(
    "bookings", "id:uuid reference:text user_id:uuid company_id:uuid journey:jsonb source_seq:int8"
)
TICKETS: Final = Table(
    "tickets",
    "id:uuid booking_id:uuid trip_id:uuid company_id:uuid user_id:uuid seat:text deck:text from_seq:int2 "
    "to_seq:int2 passenger_name:text status:text qr_serial:int2 source_seq:int8",
)
SCANS: Final = Table(
    "scans",
    "id:uuid ticket_id:uuid trip_id:uuid company_id:uuid nonce:text result:text recorded:bool "
    "scanned_by:uuid scanned_at:timestamptz recorded_at:timestamptz",
)
TABLES: Final = (COMPANIES, BUSES, STOPS, ROUTES, TRIPS, BOOKINGS, TICKETS, SCANS)


def add(rows: Rows, company: Company, given: Given) -> None:
    mine, zone = company.id.bytes, text(TIME_ZONE)
    rows.put(COMPANIES, [(mine, text(company.name), zone, UNHEARD)])
    rows.put(BUSES, ((bus.id.bytes, text(bus.plate), UNHEARD) for bus in company.buses))
    rows.put(
        STOPS,
        ((stop.id.bytes, text(stop.name), text(stop.city), zone, UNHEARD) for stop in company.stops),
    )
    rows.put(
        ROUTES,
        ((route.id.bytes, text(route.name), document(calls_of(route)), UNHEARD) for route in company.routes),
    )
    rows.put(
        TRIPS,
        ((trip.id.bytes, mine, trip.route_id.bytes, trip.bus_id.bytes, instant(trip.departs_at),
          instant(trip.arrives_at), int4(trip.delay_min), text(trip.status), UNHEARD)
         for trip in company.trips),
    )  # fmt: skip
    for booking in company.bookings:
        if is_told(booking.status):
            _add_booking(rows, company, booking, given)


def _add_booking(rows: Rows, company: Company, booking: Booking, given: Given) -> None:
    booking_id, trip_id, mine = booking.id.bytes, booking.trip.id.bytes, company.id.bytes
    user_id, inspector = booking.user.id.bytes, company.staff[1].id.bytes
    from_seq, to_seq, status = int2(booking.from_seq), int2(booking.to_seq), text(booking.status)
    serial, ok = int2(0), text("ok")
    rows.put(
        BOOKINGS,
        [(booking_id, text(booking.reference), user_id, mine, given.journeys.of(booking), UNHEARD)],
    )
    rows.put(
        TICKETS,
        ((ticket.id.bytes, booking_id, trip_id, mine, user_id, text(ticket.seat), text(ticket.deck), from_seq,
          to_seq, text(ticket.passenger_name), status, serial, UNHEARD) for ticket in booking.tickets),
    )  # fmt: skip
    rows.put(
        SCANS,
        ((ticket.scan_id.bytes, ticket.id.bytes, trip_id, mine, text(ticket.scan_id.hex), ok, YES, inspector,
          instant(ticket.scanned_at), instant(ticket.scanned_at))
         for ticket in booking.tickets if ticket.scan_id and ticket.scanned_at),
    )  # fmt: skip
