"""company-service's database: companies and what they run, and what it keeps of staff and tickets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deploy.demo.copying import NULL, Table, document, float8, instant, int2, int4, int8, text
from deploy.demo.places import TIME_ZONE
from deploy.demo.rows import CURRENCY
from deploy.demo.sides.mirrored import UNHEARD, calls_of, is_told
from deploy.demo.sides.written import busy

if TYPE_CHECKING:
    from deploy.demo.copying import Rows
    from deploy.demo.rows import Company
    from deploy.demo.sides.given import Given

COMPANIES: Final = Table(
    "companies",
    "id name slug contact_email contact_phone time_zone currency refund_policy created_at updated_at",
)
LAYOUTS: Final = Table("layouts", "id company_id name decks classes seats capacity created_at")
BUSES: Final = Table("buses", "id company_id plate name layout_id created_at updated_at")
DRIVERS: Final = Table("drivers", "id company_id name phone licence user_id created_at updated_at")
STOPS: Final = Table("stops", "id company_id code name city place lat lon time_zone created_at updated_at")
ROUTES: Final = Table("routes", "id company_id code name distance_km currency calls created_at updated_at")
TRIPS: Final = Table(
    "trips",
    "id company_id route_id layout_id bus_id driver_id service_date departs_at arrives_at delay_min busy "
    "status cancel_reason created_at updated_at",
)
USERS: Final = Table("users", "id company_id role status email full_name source_seq profile_seq")
TICKETS: Final = Table("tickets", "id trip_id company_id seat passenger_name status source_seq")
CHECK_INS: Final = Table("check_ins", "id ticket_id trip_id scanned_at scanned_by source_seq")
TABLES: Final = (COMPANIES, LAYOUTS, BUSES, DRIVERS, STOPS, ROUTES, TRIPS, USERS, TICKETS, CHECK_INS)


def add(rows: Rows, company: Company, given: Given) -> None:
    mine, at = company.id, instant(company.created_at)
    currency, zone = text(CURRENCY), text(TIME_ZONE)
    rows.put(
        COMPANIES,
        [(mine, text(company.name), text(company.slug), text(company.contact_email),
          text(company.contact_phone), zone, currency, document(company.refund_policy), at, at)],
    )  # fmt: skip
    rows.put(
        LAYOUTS,
        ((each.id, mine, text(each.name), document(each.decks), document(each.classes),
          document(each.seats), int2(len(each.seats)), at) for each in company.layouts),
    )  # fmt: skip
    rows.put(
        BUSES,
        ((bus.id, mine, text(bus.plate), text(bus.name), bus.layout_id, at, at)
         for bus in company.buses),
    )  # fmt: skip
    rows.put(
        DRIVERS,
        ((each.id, mine, text(each.name), text(each.phone), text(each.licence),
          each.user_id or NULL, at, at) for each in company.drivers),
    )  # fmt: skip
    rows.put(
        STOPS,
        ((stop.id, mine, text(stop.code), text(stop.name), text(stop.city), text(stop.place),
          float8(stop.lat), float8(stop.lon), zone, at, at) for stop in company.stops),
    )  # fmt: skip
    rows.put(
        ROUTES,
        ((route.id, mine, text(route.code), text(route.name), int4(route.distance_km), currency,
          document(calls_of(route)), at, at) for route in company.routes),
    )  # fmt: skip
    rows.put(
        TRIPS,
        ((each.id, mine, each.route_id, each.layout_id, each.bus_id, each.driver_id, each.service_date,
          each.departs_at, each.arrives_at, each.delay_min, busy(each.trip), each.status, each.cancel_reason,
          each.created_at, each.created_at) for each in given.departures),
    )  # fmt: skip
    _add_heard(rows, company, given)


def _add_heard(rows: Rows, company: Company, given: Given) -> None:
    """Staff, sold tickets and check-ins."""
    mine, active, inspector = company.id, text("active"), company.staff[1].id
    rows.put(
        USERS,
        ((user.id, mine, text(user.role), active, text(user.email), text(user.full_name), UNHEARD,
          int8(0)) for user in company.staff),
    )  # fmt: skip
    told = [sale for sale in given.sales if is_told(sale.booking.status)]
    rows.put(
        TICKETS,
        ((ticket.id, sale.trip_id, mine, ticket.seat, ticket.passenger_name, sale.status, UNHEARD)
         for sale in told for ticket in sale.tickets),
    )  # fmt: skip
    rows.put(
        CHECK_INS,
        ((ticket.scan_id, ticket.id, sale.trip_id, ticket.scanned_at, inspector, UNHEARD)
         for sale in told for ticket in sale.tickets if ticket.scan_id),
    )  # fmt: skip
