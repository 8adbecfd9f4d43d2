"""user-service's database: profiles and travellers, and what its dashboards count.

Companies come last of all: what a company's days add up to is counted when it comes, and not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deploy.demo.copying import Table, document, instant, int2, int8, text
from deploy.demo.places import TIME_ZONE
from deploy.demo.rows import CURRENCY
from deploy.demo.sides.mirrored import SETTLED, UNHEARD, calls_of, is_told

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deploy.demo.copying import Rows
    from deploy.demo.rows import Company, User
    from deploy.demo.sides.given import Given
    from deploy.demo.sides.written import Sale

PROFILES: Final = Table("profiles", "user_id full_name phone locale updated_at")
TRAVELLERS: Final = Table("travellers", "id user_id name age gender created_at")
ACCOUNTS: Final = Table("accounts", "id email role status source_seq")
LAYOUTS: Final = Table("layouts", "id capacity source_seq")
STOPS: Final = Table("stops", "id name city time_zone source_seq")
ROUTES: Final = Table("routes", "id company_id name calls source_seq")
TRIPS: Final = Table("trips", "id company_id route_id layout_id departs_at delay_min status source_seq")
BOOKINGS: Final = Table(
    "bookings",
    "id reference user_id trip_id company_id route_id from_seq to_seq status total_minor refund_due_minor "
    "currency payment_id journey created_at source_seq",
)
TICKETS: Final = Table("tickets", "id booking_id trip_id seat from_seq to_seq status sold source_seq")
CHECK_INS: Final = Table("check_ins", "ticket_id trip_id source_seq")
REFUNDS: Final = Table(
    "refunds", "id booking_id company_id amount_minor currency status created_at source_seq"
)
COMPANIES: Final = Table("companies", "id name time_zone currency status source_seq")
TABLES: Final = (
    PROFILES, TRAVELLERS, ACCOUNTS, LAYOUTS, STOPS, ROUTES, TRIPS, BOOKINGS, TICKETS, CHECK_INS, REFUNDS,
    COMPANIES,
)  # fmt: skip


def add(rows: Rows, company: Company, given: Given) -> None:
    mine, zone = company.id, text(TIME_ZONE)
    _add_accounts(rows, (*company.staff, *company.passengers))
    rows.put(
        TRAVELLERS,
        ((each.id, each.user_id, text(each.name), int2(each.age), text(each.gender),
          instant(each.created_at)) for each in company.travellers),
    )  # fmt: skip
    rows.put(LAYOUTS, ((each.id, int2(len(each.seats)), UNHEARD) for each in company.layouts))
    rows.put(
        STOPS,
        ((stop.id, text(stop.name), text(stop.city), zone, UNHEARD) for stop in company.stops),
    )
    rows.put(
        ROUTES,
        ((route.id, mine, text(route.name), document(calls_of(route)), UNHEARD)
         for route in company.routes),
    )  # fmt: skip
    rows.put(
        TRIPS,
        ((each.id, mine, each.route_id, each.layout_id, each.departs_at, each.delay_min, each.status, UNHEARD)
         for each in given.departures),
    )  # fmt: skip
    _add_sales(rows, mine, given, [sale for sale in given.sales if is_told(sale.booking.status)])
    rows.put(COMPANIES, [(mine, text(company.name), zone, text(CURRENCY), text("active"), UNHEARD)])


def add_account(rows: Rows, user: User, _password_hash: str) -> None:
    _add_accounts(rows, (user,))


def _add_accounts(rows: Rows, users: Iterable[User]) -> None:
    active = text("active")
    for user in users:
        rows.put(
            PROFILES,
            [(user.id, text(user.full_name), text(user.phone), text(user.locale),
              instant(user.created_at))],
        )  # fmt: skip
        rows.put(ACCOUNTS, [(user.id, text(user.email), text(user.role), active, UNHEARD)])


def _add_sales(rows: Rows, mine: bytes, given: Given, sales: list[Sale]) -> None:
    currency, succeeded = text(CURRENCY), text("succeeded")
    rows.put(
        BOOKINGS,
        ((sale.id, sale.reference, sale.user_id, sale.trip_id, mine, sale.booking.trip.route_id,
          sale.from_seq, sale.to_seq, sale.status, sale.total_minor, sale.refund_due_minor, currency,
          sale.payment_id, given.journeys.of(sale.booking), sale.created_at, UNHEARD)
         for sale in sales if sale.booking.status in SETTLED and sale.booking.payment),
    )  # fmt: skip
    rows.put(
        TICKETS,
        ((ticket.id, sale.id, sale.trip_id, ticket.seat, sale.from_seq, sale.to_seq, sale.status, sale.sold,
          UNHEARD) for sale in sales for ticket in sale.tickets),
    )  # fmt: skip
    rows.put(
        CHECK_INS,
        ((ticket.id, sale.trip_id, UNHEARD) for sale in sales for ticket in sale.tickets if ticket.scan_id),
    )
    rows.put(
        REFUNDS,
        ((refund.id, sale.id, mine, int8(refund.amount), currency, succeeded, instant(refund.at), UNHEARD)
         for sale in sales if (refund := sale.booking.refund)),
    )  # fmt: skip
