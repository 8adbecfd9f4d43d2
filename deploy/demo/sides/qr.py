"""qr-service's database: scans, and what it keeps of tickets and departures. Codes are made when asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deploy.demo.copying import YES, Table, document, int2, sized, text
from deploy.demo.identifiers import nonce_of
from deploy.demo.places import TIME_ZONE
from deploy.demo.sides.mirrored import UNHEARD, calls_of, is_told

if TYPE_CHECKING:
    from deploy.demo.copying import Rows
    from deploy.demo.rows import Company
    from deploy.demo.sides.given import Given
    from deploy.demo.sides.written import Sale

COMPANIES: Final = Table("companies", "id name time_zone source_seq")
BUSES: Final = Table("buses", "id plate source_seq")
STOPS: Final = Table("stops", "id name city time_zone source_seq")
ROUTES: Final = Table("routes", "id name calls source_seq")
TRIPS: Final = Table(
    "trips", "id company_id route_id bus_id departs_at arrives_at delay_min status source_seq"
)
BOOKINGS: Final = Table("bookings", "id reference user_id company_id journey source_seq")
TICKETS: Final = Table(
    "tickets",
    "id booking_id trip_id company_id user_id seat deck from_seq to_seq passenger_name status qr_serial "
    "source_seq",
)
SCANS: Final = Table(
    "scans", "id ticket_id trip_id company_id nonce result recorded scanned_by scanned_at recorded_at"
)
TABLES: Final = (COMPANIES, BUSES, STOPS, ROUTES, TRIPS, BOOKINGS, TICKETS, SCANS)


def add(rows: Rows, company: Company, given: Given) -> None:
    mine, zone = company.id, text(TIME_ZONE)
    rows.put(COMPANIES, [(mine, text(company.name), zone, UNHEARD)])
    rows.put(BUSES, ((bus.id, text(bus.plate), UNHEARD) for bus in company.buses))
    rows.put(
        STOPS,
        ((stop.id, text(stop.name), text(stop.city), zone, UNHEARD) for stop in company.stops),
    )
    rows.put(
        ROUTES,
        ((route.id, text(route.name), document(calls_of(route)), UNHEARD) for route in company.routes),
    )
    rows.put(
        TRIPS,
        ((each.id, mine, each.route_id, each.bus_id, each.departs_at, each.arrives_at, each.delay_min,
          each.status, UNHEARD) for each in given.departures),
    )  # fmt: skip
    _add_sales(rows, company, given, [sale for sale in given.sales if is_told(sale.booking.status)])


def _add_sales(rows: Rows, company: Company, given: Given, sales: list[Sale]) -> None:
    mine, inspector, serial, ok = company.id, company.staff[1].id, int2(0), text("ok")
    rows.put(
        BOOKINGS,
        ((sale.id, sale.reference, sale.user_id, mine, given.journeys.of(sale.booking), UNHEARD)
         for sale in sales),
    )  # fmt: skip
    rows.put(
        TICKETS,
        ((ticket.id, sale.id, sale.trip_id, mine, sale.user_id, ticket.seat, ticket.deck, sale.from_seq,
          sale.to_seq, ticket.passenger_name, sale.status, serial, UNHEARD)
         for sale in sales for ticket in sale.tickets),
    )  # fmt: skip
    rows.put(
        SCANS,
        ((ticket.scan_id, ticket.id, sale.trip_id, mine, sized(nonce_of(ticket.scan_id)), ok, YES, inspector,
          ticket.scanned_at, ticket.scanned_at)
         for sale in sales for ticket in sale.tickets if ticket.scan_id),
    )  # fmt: skip
