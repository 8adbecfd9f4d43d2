"""ticketing-service's database: what is sold, and what it keeps of departures, people and payments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deploy.demo.copying import Table, document, float8, instant, int2, int8, text
from deploy.demo.places import TIME_ZONE
from deploy.demo.rows import CURRENCY
from deploy.demo.sides.mirrored import UNHEARD, calls_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deploy.demo.copying import Rows
    from deploy.demo.rows import Company, User
    from deploy.demo.sides.given import Given

COMPANIES: Final = Table("companies", "id name time_zone currency status refund_policy source_seq")
LAYOUTS: Final = Table("layouts", "id company_id decks classes seats capacity source_seq")
BUSES: Final = Table("buses", "id plate source_seq")
DRIVERS: Final = Table("drivers", "id name source_seq")
STOPS: Final = Table("stops", "id company_id name city place lat lon time_zone source_seq")
ROUTES: Final = Table("routes", "id company_id name currency calls source_seq")
TRIPS: Final = Table(
    "trips",
    "id company_id route_id layout_id bus_id driver_id service_date departs_at arrives_at delay_min status "
    "cancel_reason updated_at heard_at source_seq",
)
ACCOUNTS: Final = Table("accounts", "id email phone locale source_seq")
PROFILES: Final = Table("profiles", "user_id phone locale source_seq")
BOOKINGS: Final = Table(
    "bookings",
    "id reference user_id trip_id company_id from_seq to_seq status seats total_minor currency "
    "refund_due_minor refund_reason payment_id contact_email contact_phone journey expires_at created_at "
    "updated_at",
)
TICKETS: Final = Table(
    "tickets",
    "id booking_id trip_id company_id user_id seat seat_class deck from_seq to_seq passenger_name "
    "passenger_age passenger_gender price_minor refund_due_minor status sold updated_at",
)
SEAT_CLAIMS: Final = Table("seat_claims", "ticket_id booking_id trip_id seat segment status expires_at")
WAITLIST: Final = Table("waitlist", "id trip_id user_id from_seq to_seq seats created_at")
PAYMENTS: Final = Table("payments", "id booking_id status amount_minor heard_at source_seq")
CHECK_INS: Final = Table("check_ins", "ticket_id checked_in_at source_seq")
TABLES: Final = (
    COMPANIES, LAYOUTS, BUSES, DRIVERS, STOPS, ROUTES, TRIPS, ACCOUNTS, PROFILES, BOOKINGS, TICKETS,
    SEAT_CLAIMS, WAITLIST, PAYMENTS, CHECK_INS,
)  # fmt: skip


def add(rows: Rows, company: Company, given: Given) -> None:
    _add_heard(rows, company, given)
    _add_sales(rows, company.id, given)
    rows.put(
        WAITLIST,
        ((each.id, each.trip_id, each.user_id, int2(each.from_seq), int2(each.to_seq),
          int2(each.seats), instant(each.created_at)) for each in company.waiting),
    )  # fmt: skip


def add_account(rows: Rows, user: User, _password_hash: str) -> None:
    _add_accounts(rows, (user,))


def _add_heard(rows: Rows, company: Company, given: Given) -> None:
    """What the company runs, and who may book it."""
    mine, currency, zone = company.id, text(CURRENCY), text(TIME_ZONE)
    rows.put(
        COMPANIES,
        [(mine, text(company.name), zone, currency, text("active"), document(company.refund_policy),
          UNHEARD)],
    )  # fmt: skip
    rows.put(
        LAYOUTS,
        ((each.id, mine, document(each.decks), document(each.classes), document(each.seats),
          int2(len(each.seats)), UNHEARD) for each in company.layouts),
    )  # fmt: skip
    rows.put(BUSES, ((bus.id, text(bus.plate), UNHEARD) for bus in company.buses))
    rows.put(DRIVERS, ((each.id, text(each.name), UNHEARD) for each in company.drivers))
    rows.put(
        STOPS,
        ((stop.id, mine, text(stop.name), text(stop.city), text(stop.place), float8(stop.lat),
          float8(stop.lon), zone, UNHEARD) for stop in company.stops),
    )  # fmt: skip
    rows.put(
        ROUTES,
        ((route.id, mine, text(route.name), currency, document(calls_of(route)), UNHEARD)
         for route in company.routes),
    )  # fmt: skip
    rows.put(
        TRIPS,
        ((each.id, mine, each.route_id, each.layout_id, each.bus_id, each.driver_id, each.service_date,
          each.departs_at, each.arrives_at, each.delay_min, each.status, each.cancel_reason,
          each.created_at, each.created_at, UNHEARD) for each in given.departures),
    )  # fmt: skip
    _add_accounts(rows, (*company.staff, *company.passengers))


def _add_accounts(rows: Rows, users: Iterable[User]) -> None:
    for user in users:
        phone, locale = text(user.phone), text(user.locale)
        rows.put(ACCOUNTS, [(user.id, text(user.email), phone, locale, UNHEARD)])
        rows.put(PROFILES, [(user.id, phone, locale, UNHEARD)])


def _add_sales(rows: Rows, mine: bytes, given: Given) -> None:
    sales, currency = given.sales, text(CURRENCY)
    rows.put(
        BOOKINGS,
        ((sale.id, sale.reference, sale.user_id, sale.trip_id, mine, sale.from_seq, sale.to_seq, sale.status,
          int2(len(sale.tickets)), sale.total_minor, currency, sale.refund_due_minor, sale.refund_reason,
          sale.payment_id, text(sale.booking.user.email), text(sale.booking.user.phone),
          given.journeys.of(sale.booking), sale.expires_at, sale.created_at, sale.updated_at)
         for sale in sales),
    )  # fmt: skip
    rows.put(
        TICKETS,
        ((ticket.id, sale.id, sale.trip_id, mine, sale.user_id, ticket.seat, ticket.seat_class, ticket.deck,
          sale.from_seq, sale.to_seq, ticket.passenger_name, ticket.age, ticket.gender,
          int8(ticket.ticket.price), int8(ticket.ticket.refund_due), sale.status, sale.sold, sale.updated_at)
         for sale in sales for ticket in sale.tickets),
    )  # fmt: skip
    rows.put(
        SEAT_CLAIMS,
        ((ticket.id, sale.id, sale.trip_id, ticket.seat, sale.segment, sale.status, sale.expires_at)
         for sale in sales for ticket in sale.tickets),
    )  # fmt: skip
    rows.put(
        CHECK_INS,
        ((ticket.id, ticket.scanned_at, UNHEARD)
         for sale in sales for ticket in sale.tickets if ticket.scan_id),
    )  # fmt: skip
    rows.put(
        PAYMENTS,
        ((payment.id, sale.id, text(payment.status), int8(payment.amount), instant(payment.at), UNHEARD)
         for sale in sales if (payment := sale.booking.payment)),
    )  # fmt: skip
