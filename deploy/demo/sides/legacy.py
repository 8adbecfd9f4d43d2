"""The monolith's database: everything once, with money in numeric and codes beside the seats."""

from __future__ import annotations

from datetime import timedelta
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from deploy.demo.copying import NULL, YES, Table, document, float8, instant, int2, int4, numeric, sized, text
from deploy.demo.identifiers import nonce_of, uuid_of
from deploy.demo.places import TIME_ZONE
from deploy.demo.rows import CURRENCY
from deploy.demo.sides.mirrored import after, is_sold
from deploy.demo.sides.written import busy
from legacy.qr_tokens import make_token
from legacy.rules.codes import valid_times

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deploy.demo.copying import Rows
    from deploy.demo.rows import Booking, Company, Ticket, User
    from deploy.demo.sides.given import Given

COMPANIES: Final = Table(
    "companies",
    "id name slug contact_email contact_phone time_zone currency refund_policy created_at updated_at",
)
USERS: Final = Table(
    "users", "id email password_hash role company_id full_name phone locale created_at updated_at"
)
TRAVELLERS: Final = Table("travellers", "id user_id name age gender created_at")
LAYOUTS: Final = Table("layouts", "id company_id name decks classes seats capacity created_at")
BUSES: Final = Table("buses", "id company_id plate name layout_id created_at updated_at")
DRIVERS: Final = Table("drivers", "id company_id name phone licence user_id created_at updated_at")
STOPS: Final = Table("stops", "id company_id code name city place lat lon time_zone created_at updated_at")
ROUTES: Final = Table("routes", "id company_id code name distance_km currency created_at updated_at")
ROUTE_STOPS: Final = Table("route_stops", "route_id seq stop_id arrive_s depart_s leg_fare fare_sum")
TRIPS: Final = Table(
    "trips",
    "id company_id route_id layout_id bus_id driver_id service_date departs_at arrives_at delay_min busy "
    "status cancel_reason created_at updated_at",
)
BOOKINGS: Final = Table(
    "bookings",
    "id reference user_id trip_id company_id from_seq to_seq status total currency refund_due refund_reason "
    "payment_id contact_email contact_phone expires_at created_at updated_at",
)
TICKETS: Final = Table(
    "tickets",
    "id booking_id trip_id seat seat_class deck from_seq to_seq passenger_name passenger_age "
    "passenger_gender price refund_due status qr_code scanned_at scanned_by updated_at",
)
SEAT_CLAIMS: Final = Table("seat_claims", "ticket_id booking_id trip_id seat segment status expires_at")
WAITLIST: Final = Table("waitlist", "id trip_id user_id from_seq to_seq seats created_at")
SCANS: Final = Table("scans", "id ticket_id trip_id nonce result recorded scanned_by scanned_at recorded_at")
PAYMENTS: Final = Table(
    "payments",
    "id booking_id user_id company_id provider status amount currency card_brand card_last4 attempted_at "
    "created_at updated_at",
)
REFUNDS: Final = Table(
    "refunds", "id payment_id amount status reason booking_due attempted_at created_at updated_at"
)
LEDGER: Final = Table("ledger", "id at debit credit amount currency payment_id refund_id memo")
TABLES: Final = (
    COMPANIES, USERS, TRAVELLERS, LAYOUTS, BUSES, DRIVERS, STOPS, ROUTES, ROUTE_STOPS, TRIPS, BOOKINGS,
    TICKETS, SEAT_CLAIMS, WAITLIST, SCANS, PAYMENTS, REFUNDS, LEDGER,
)  # fmt: skip


def add(rows: Rows, company: Company, given: Given) -> None:
    mine, at = company.id, instant(company.created_at)
    currency, zone = text(CURRENCY), text(TIME_ZONE)
    rows.put(
        COMPANIES,
        [(mine, text(company.name), text(company.slug), text(company.contact_email),
          text(company.contact_phone), zone, currency, document(company.refund_policy), at, at)],
    )  # fmt: skip
    _add_accounts(rows, (*company.staff, *company.passengers), given.password_hash)
    rows.put(
        TRAVELLERS,
        ((each.id, each.user_id, text(each.name), int2(each.age), text(each.gender),
          instant(each.created_at)) for each in company.travellers),
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
    for route in company.routes:
        route_id = route.id
        rows.put(
            ROUTES,
            [(route_id, mine, text(route.code), text(route.name), int4(route.distance_km), currency, at, at)],
        )
        sums = accumulate(stop.leg_fare for stop in route.stops)
        rows.put(
            ROUTE_STOPS,
            ((route_id, int2(seq), call.stop_id, int4(call.arrive_s), int4(call.depart_s),
              numeric(call.leg_fare), numeric(fare_sum))
             for seq, (call, fare_sum) in enumerate(zip(route.stops, sums, strict=True))),
        )  # fmt: skip
    rows.put(
        TRIPS,
        ((each.id, mine, each.route_id, each.layout_id, each.bus_id, each.driver_id, each.service_date,
          each.departs_at, each.arrives_at, each.delay_min, busy(each.trip), each.status, each.cancel_reason,
          each.created_at, each.created_at) for each in given.departures),
    )  # fmt: skip
    _add_sales(rows, company, given)
    owed = text(f"company:{uuid_of(company.id)}")
    for sale in given.sales:
        _add_money(rows, company, sale.booking, owed)
    rows.put(
        WAITLIST,
        ((each.id, each.trip_id, each.user_id, int2(each.from_seq), int2(each.to_seq),
          int2(each.seats), instant(each.created_at)) for each in company.waiting),
    )  # fmt: skip


def add_account(rows: Rows, user: User, password_hash: str) -> None:
    _add_accounts(rows, (user,), password_hash)


def _add_accounts(rows: Rows, users: Iterable[User], password_hash: str) -> None:
    """An account and its profile: one row here."""
    hash_ = text(password_hash)
    rows.put(
        USERS,
        ((user.id, text(user.email), hash_, text(user.role),
          user.company_id or NULL, text(user.full_name), text(user.phone),
          text(user.locale), instant(user.created_at), instant(user.created_at)) for user in users),
    )  # fmt: skip


def _add_sales(rows: Rows, company: Company, given: Given) -> None:
    codes, sales, mine, currency = Codes(company, given), given.sales, company.id, text(CURRENCY)
    inspector, ok = company.staff[1].id, text("ok")
    rows.put(
        BOOKINGS,
        ((sale.id, sale.reference, sale.user_id, sale.trip_id, mine, sale.from_seq, sale.to_seq, sale.status,
          numeric(sale.booking.total), currency, numeric(sale.booking.refund_due), sale.refund_reason,
          sale.payment_id, text(sale.booking.user.email), text(sale.booking.user.phone), sale.expires_at,
          sale.created_at, sale.updated_at) for sale in sales),
    )  # fmt: skip
    rows.put(
        TICKETS,
        ((ticket.id, sale.id, sale.trip_id, ticket.seat, ticket.seat_class, ticket.deck, sale.from_seq,
          sale.to_seq, ticket.passenger_name, ticket.age, ticket.gender, numeric(ticket.ticket.price),
          numeric(ticket.ticket.refund_due), sale.status, codes.of(sale.booking, ticket.ticket),
          ticket.scanned_at, inspector if ticket.scan_id else NULL, sale.updated_at)
         for sale in sales for ticket in sale.tickets),
    )  # fmt: skip
    rows.put(
        SEAT_CLAIMS,
        ((ticket.id, sale.id, sale.trip_id, ticket.seat, sale.segment, sale.status, sale.expires_at)
         for sale in sales for ticket in sale.tickets),
    )  # fmt: skip
    rows.put(
        SCANS,
        ((ticket.scan_id, ticket.id, sale.trip_id, sized(nonce_of(ticket.scan_id)), ok, YES, inspector,
          ticket.scanned_at, ticket.scanned_at)
         for sale in sales for ticket in sale.tickets if ticket.scan_id),
    )  # fmt: skip


def _add_money(rows: Rows, company: Company, booking: Booking, owed: bytes) -> None:
    payment, refund = booking.payment, booking.refund
    if payment is None:
        return
    payment_id, at, currency = payment.id, instant(payment.at), text(CURRENCY)
    provider, amount = text("provider:sandbox"), numeric(payment.amount)
    rows.put(
        PAYMENTS,
        [(payment_id, booking.id, booking.user.id, company.id, text("sandbox"),
          text(payment.status), amount, currency, text(payment.card_brand), text(payment.card_last4), at,
          instant(booking.created_at), at)],
    )  # fmt: skip
    rows.put(
        LEDGER,
        [(payment.entry_id, at, provider, owed, amount, currency, payment_id, NULL,
          sized(f"captured for {booking.reference}".encode()))],
    )  # fmt: skip
    if refund is None:
        return
    refunded_at, amount = instant(refund.at), numeric(refund.amount)
    rows.put(
        REFUNDS,
        [(refund.id, payment_id, amount, text("succeeded"), text(refund.reason), YES, refunded_at,
          refunded_at, refunded_at)],
    )  # fmt: skip
    rows.put(
        LEDGER,
        [(refund.entry_id, refunded_at, owed, provider, amount, currency, payment_id,
          refund.id, sized(f"refunded for {booking.reference}".encode()))],
    )  # fmt: skip


class Codes:
    """The codes of a company's tickets: of those that are good, and were when they were cancelled.

    That of a ride that is over would be good for nothing; whoever asks for it has it made again. A big load
    leaves it at that for all that are good: signing them would take as long as everything else.
    """

    def __init__(self, company: Company, given: Given) -> None:
        self._routes = {route.id: route for route in company.routes}
        self._keys, self._sign = given.qr_keys, given.sign
        self._over = company.made_for - timedelta(days=1)

    def of(self, booking: Booking, ticket: Ticket) -> bytes:
        trip = booking.trip
        if not is_sold(ticket.status):
            return NULL
        if ticket.status == "confirmed" and (not self._sign or trip.arrives_at < self._over):
            return NULL
        stops = self._routes[trip.route_id].stops
        not_before, expires_at = valid_times(
            after(trip.departs_at, stops[booking.from_seq].depart_s), trip.arrives_at
        )
        token = make_token(
            self._keys,
            ticket_id=uuid_of(ticket.id),
            trip_id=uuid_of(trip.id),
            seat=ticket.seat,
            from_seq=booking.from_seq,
            to_seq=booking.to_seq,
            serial=0,
            not_before=not_before,
            expires_at=expires_at,
        )
        return sized(token.encode())
