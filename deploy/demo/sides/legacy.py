"""The monolith's database: everything once, with money in numeric and codes beside the seats."""

from __future__ import annotations

from datetime import timedelta
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from deploy.demo.copying import (
    NULL,
    YES,
    Table,
    day,
    document,
    float8,
    instant,
    int2,
    int4,
    numeric,
    sized,
    span,
    stretch,
    text,
)
from deploy.demo.places import TIME_ZONE
from deploy.demo.rows import CURRENCY
from deploy.demo.sides.mirrored import after, is_sold
from legacy.qr_tokens import make_token
from legacy.rules.codes import valid_times

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deploy.demo.copying import Rows
    from deploy.demo.rows import Booking, Company, Ticket, User
    from deploy.demo.sides.given import Given

COMPANIES: Final = Table(
    "companies",
    "id:uuid name:text slug:text contact_email:text contact_phone:text time_zone:text currency:bpchar "
    "refund_policy:jsonb created_at:timestamptz updated_at:timestamptz",
)
USERS: Final = Table(
    "users",
    "id:uuid email:citext password_hash:text role:text company_id:uuid? full_name:text phone:text "
    "locale:text created_at:timestamptz updated_at:timestamptz",
)
TRAVELLERS: Final = Table(
    "travellers", "id:uuid user_id:uuid name:text age:int2 gender:text created_at:timestamptz"
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
    "id:uuid company_id:uuid code:text name:text distance_km:int4 currency:bpchar created_at:timestamptz "
    "updated_at:timestamptz",
)
ROUTE_STOPS: Final = Table(
    "route_stops",
    "route_id:uuid seq:int2 stop_id:uuid arrive_s:int4 depart_s:int4 leg_fare:numeric fare_sum:numeric",
)
TRIPS: Final = Table(
    "trips",
    "id:uuid company_id:uuid route_id:uuid layout_id:uuid bus_id:uuid driver_id:uuid service_date:date "
    "departs_at:timestamptz arrives_at:timestamptz delay_min:int4 busy:tstzrange status:text "
    "cancel_reason:text created_at:timestamptz updated_at:timestamptz",
)
BOOKINGS: Final = Table(
    "bookings",
    "id:uuid reference:text user_id:uuid trip_id:uuid company_id:uuid from_seq:int2 to_seq:int2 status:text "
    "total:numeric currency:bpchar refund_due:numeric refund_reason:text payment_id:uuid? contact_email:text "
    "contact_phone:text expires_at:timestamptz created_at:timestamptz updated_at:timestamptz",
)
TICKETS: Final = Table(
    "tickets",
    "id:uuid booking_id:uuid trip_id:uuid seat:text seat_class:text deck:text from_seq:int2 to_seq:int2 "
    "passenger_name:text passenger_age:int2 passenger_gender:text price:numeric refund_due:numeric "
    "status:text qr_code:text scanned_at:timestamptz? scanned_by:uuid? updated_at:timestamptz",
)
SEAT_CLAIMS: Final = Table(
    "seat_claims",
    "ticket_id:uuid booking_id:uuid trip_id:uuid seat:text segment:int4range status:text "
    "expires_at:timestamptz",
)
WAITLIST: Final = Table(
    "waitlist",
    "id:uuid trip_id:uuid user_id:uuid from_seq:int2 to_seq:int2 seats:int2 created_at:timestamptz",
)
SCANS: Final = Table(
    "scans",
    "id:uuid ticket_id:uuid trip_id:uuid nonce:text result:text recorded:bool scanned_by:uuid "
    "scanned_at:timestamptz recorded_at:timestamptz",
)
PAYMENTS: Final = Table(
    "payments",
    "id:uuid booking_id:uuid user_id:uuid company_id:uuid provider:text status:text amount:numeric "
    "currency:bpchar card_brand:text card_last4:text attempted_at:timestamptz created_at:timestamptz "
    "updated_at:timestamptz",
)
REFUNDS: Final = Table(
    "refunds",
    "id:uuid payment_id:uuid amount:numeric status:text reason:text booking_due:bool "
    "attempted_at:timestamptz created_at:timestamptz updated_at:timestamptz",
)
LEDGER: Final = Table(
    "ledger",
    "id:uuid at:timestamptz debit:text credit:text amount:numeric currency:bpchar payment_id:uuid "
    "refund_id:uuid? memo:text",
)
TABLES: Final = (
    COMPANIES, USERS, TRAVELLERS, LAYOUTS, BUSES, DRIVERS, STOPS, ROUTES, ROUTE_STOPS, TRIPS, BOOKINGS,
    TICKETS, SEAT_CLAIMS, WAITLIST, SCANS, PAYMENTS, REFUNDS, LEDGER,
)  # fmt: skip


def add(rows: Rows, company: Company, given: Given) -> None:
    mine, at = company.id.bytes, instant(company.created_at)
    currency, zone = text(CURRENCY), text(TIME_ZONE)
    rows.put(
        COMPANIES,
        [(mine, text(company.name), text(company.slug), text(company.contact_email),
          text(company.contact_phone), zone, currency, document(company.refund_policy), at, at)],
    )  # fmt: skip
    _add_accounts(rows, (*company.staff, *company.passengers), given.password_hash)
    rows.put(
        TRAVELLERS,
        ((each.id.bytes, each.user_id.bytes, text(each.name), int2(each.age), text(each.gender),
          instant(each.created_at)) for each in company.travellers),
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
    for route in company.routes:
        route_id = route.id.bytes
        rows.put(
            ROUTES,
            [(route_id, mine, text(route.code), text(route.name), int4(route.distance_km), currency, at, at)],
        )
        sums = accumulate(stop.leg_fare for stop in route.stops)
        rows.put(
            ROUTE_STOPS,
            ((route_id, int2(seq), call.stop_id.bytes, int4(call.arrive_s), int4(call.depart_s),
              numeric(call.leg_fare), numeric(fare_sum))
             for seq, (call, fare_sum) in enumerate(zip(route.stops, sums, strict=True))),
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
    codes, owed = Codes(company, given), text(f"company:{company.id}")
    for booking in company.bookings:
        _add_booking(rows, company, booking, codes)
        _add_money(rows, company, booking, owed)
    rows.put(
        WAITLIST,
        ((each.id.bytes, each.trip_id.bytes, each.user_id.bytes, int2(each.from_seq), int2(each.to_seq),
          int2(each.seats), instant(each.created_at)) for each in company.waiting),
    )  # fmt: skip


def add_account(rows: Rows, user: User, password_hash: str) -> None:
    _add_accounts(rows, (user,), password_hash)


def _add_accounts(rows: Rows, users: Iterable[User], password_hash: str) -> None:
    """An account and its profile: one row here."""
    hash_ = text(password_hash)
    rows.put(
        USERS,
        ((user.id.bytes, text(user.email), hash_, text(user.role),
          sized(user.company_id.bytes) if user.company_id else NULL, text(user.full_name), text(user.phone),
          text(user.locale), instant(user.created_at), instant(user.created_at)) for user in users),
    )  # fmt: skip


def _add_booking(rows: Rows, company: Company, booking: Booking, codes: Codes) -> None:
    booking_id, trip_id, payment = booking.id.bytes, booking.trip.id.bytes, booking.payment
    from_seq, to_seq = int2(booking.from_seq), int2(booking.to_seq)
    status, expires_at = text(booking.status), instant(booking.expires_at)
    updated_at, inspector = instant(booking.updated_at), company.staff[1].id.bytes
    rows.put(
        BOOKINGS,
        [(booking_id, text(booking.reference), booking.user.id.bytes, trip_id, company.id.bytes, from_seq,
          to_seq, status, numeric(booking.total), text(CURRENCY), numeric(booking.refund_due),
          text(booking.refund_reason), sized(payment.id.bytes) if payment else NULL, text(booking.user.email),
          text(booking.user.phone), expires_at, instant(booking.created_at), updated_at)],
    )  # fmt: skip
    rows.put(
        TICKETS,
        ((ticket.id.bytes, booking_id, trip_id, text(ticket.seat), text(ticket.seat_class), text(ticket.deck),
          from_seq, to_seq, text(ticket.passenger_name), int2(ticket.age), text(ticket.gender),
          numeric(ticket.price), numeric(ticket.refund_due), status, codes.of(booking, ticket),
          sized(instant(ticket.scanned_at)) if ticket.scanned_at else NULL,
          sized(inspector) if ticket.scanned_at else NULL, updated_at) for ticket in booking.tickets),
    )  # fmt: skip
    segment = stretch(booking.from_seq, booking.to_seq)
    rows.put(
        SEAT_CLAIMS,
        ((ticket.id.bytes, booking_id, trip_id, text(ticket.seat), segment, status, expires_at)
         for ticket in booking.tickets),
    )  # fmt: skip
    ok = text("ok")
    rows.put(
        SCANS,
        ((ticket.scan_id.bytes, ticket.id.bytes, trip_id, text(ticket.scan_id.hex), ok, YES, inspector,
          instant(ticket.scanned_at), instant(ticket.scanned_at))
         for ticket in booking.tickets if ticket.scan_id and ticket.scanned_at),
    )  # fmt: skip


def _add_money(rows: Rows, company: Company, booking: Booking, owed: bytes) -> None:
    payment, refund = booking.payment, booking.refund
    if payment is None:
        return
    payment_id, at, currency = payment.id.bytes, instant(payment.at), text(CURRENCY)
    provider, amount = text("provider:sandbox"), numeric(payment.amount)
    rows.put(
        PAYMENTS,
        [(payment_id, booking.id.bytes, booking.user.id.bytes, company.id.bytes, text("sandbox"),
          text(payment.status), amount, currency, text(payment.card_brand), text(payment.card_last4), at,
          instant(booking.created_at), at)],
    )  # fmt: skip
    rows.put(
        LEDGER,
        [(payment.entry_id.bytes, at, provider, owed, amount, currency, payment_id, NULL,
          text(f"captured for {booking.reference}"))],
    )  # fmt: skip
    if refund is None:
        return
    refunded_at, amount = instant(refund.at), numeric(refund.amount)
    rows.put(
        REFUNDS,
        [(refund.id.bytes, payment_id, amount, text("succeeded"), text(refund.reason), YES, refunded_at,
          refunded_at, refunded_at)],
    )  # fmt: skip
    rows.put(
        LEDGER,
        [(refund.entry_id.bytes, refunded_at, owed, provider, amount, currency, payment_id,
          sized(refund.id.bytes), text(f"refunded for {booking.reference}"))],
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
            ticket_id=ticket.id,
            trip_id=trip.id,
            seat=ticket.seat,
            from_seq=booking.from_seq,
            to_seq=booking.to_seq,
            serial=0,
            not_before=not_before,
            expires_at=expires_at,
        )
        return sized(token.encode())
