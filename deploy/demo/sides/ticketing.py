"""ticketing-service's database: what is sold, and what it keeps of departures, people and payments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deploy.demo.copying import (
    NO,
    NULL,
    YES,
    Table,
    day,
    document,
    float8,
    instant,
    int2,
    int4,
    int8,
    sized,
    stretch,
    text,
)
from deploy.demo.places import TIME_ZONE
from deploy.demo.rows import CURRENCY
from deploy.demo.sides.mirrored import UNHEARD, calls_of, is_sold

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deploy.demo.copying import Rows
    from deploy.demo.rows import Booking, Company, User
    from deploy.demo.sides.given import Given

COMPANIES: Final = Table(
    "companies",
    "id:uuid name:text time_zone:text currency:text status:text refund_policy:jsonb source_seq:int8",
)
LAYOUTS: Final = Table(
    "layouts",
    "id:uuid company_id:uuid decks:jsonb classes:jsonb seats:jsonb capacity:int2 source_seq:int8",
)
BUSES: Final = Table("buses", "id:uuid plate:text source_seq:int8")
DRIVERS: Final = Table("drivers", "id:uuid name:text source_seq:int8")
STOPS: Final = Table(
    "stops",
    "id:uuid company_id:uuid name:text city:text place:text lat:float8 lon:float8 time_zone:text "
    "source_seq:int8",
)
ROUTES: Final = Table("routes", "id:uuid company_id:uuid name:text currency:text calls:jsonb source_seq:int8")
TRIPS: Final = Table(
    "trips",
    "id:uuid company_id:uuid route_id:uuid layout_id:uuid bus_id:uuid driver_id:uuid service_date:date "
    "departs_at:timestamptz arrives_at:timestamptz delay_min:int4 status:text cancel_reason:text "
    "updated_at:timestamptz heard_at:timestamptz source_seq:int8",
)
ACCOUNTS: Final = Table("accounts", "id:uuid email:text phone:text locale:text source_seq:int8")
PROFILES: Final = Table("profiles", "user_id:uuid phone:text locale:text source_seq:int8")
BOOKINGS: Final = Table(
    "bookings",
    "id:uuid reference:text user_id:uuid trip_id:uuid company_id:uuid from_seq:int2 to_seq:int2 status:text "
    "seats:int2 total_minor:int8 currency:text refund_due_minor:int8 refund_reason:text payment_id:uuid? "
    "contact_email:text contact_phone:text journey:jsonb expires_at:timestamptz created_at:timestamptz "
    "updated_at:timestamptz",
)
TICKETS: Final = Table(
    "tickets",
    "id:uuid booking_id:uuid trip_id:uuid company_id:uuid user_id:uuid seat:text seat_class:text deck:text "
    "from_seq:int2 to_seq:int2 passenger_name:text passenger_age:int2 passenger_gender:text "
    "price_minor:int8 refund_due_minor:int8 status:text sold:bool updated_at:timestamptz",
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
PAYMENTS: Final = Table(
    "payments",
    "id:uuid booking_id:uuid status:text amount_minor:int8 heard_at:timestamptz source_seq:int8",
)
CHECK_INS: Final = Table("check_ins", "ticket_id:uuid checked_in_at:timestamptz source_seq:int8")
TABLES: Final = (
    COMPANIES, LAYOUTS, BUSES, DRIVERS, STOPS, ROUTES, TRIPS, ACCOUNTS, PROFILES, BOOKINGS, TICKETS,
    SEAT_CLAIMS, WAITLIST, PAYMENTS, CHECK_INS,
)  # fmt: skip


def add(rows: Rows, company: Company, given: Given) -> None:
    _add_heard(rows, company)
    for booking in company.bookings:
        _add_booking(rows, company, booking, given)
    rows.put(
        WAITLIST,
        ((each.id.bytes, each.trip_id.bytes, each.user_id.bytes, int2(each.from_seq), int2(each.to_seq),
          int2(each.seats), instant(each.created_at)) for each in company.waiting),
    )  # fmt: skip


def add_account(rows: Rows, user: User, _password_hash: str) -> None:
    _add_accounts(rows, (user,))


def _add_heard(rows: Rows, company: Company) -> None:
    """What the company runs, and who may book it."""
    mine, currency, zone = company.id.bytes, text(CURRENCY), text(TIME_ZONE)
    rows.put(
        COMPANIES,
        [(mine, text(company.name), zone, currency, text("active"), document(company.refund_policy),
          UNHEARD)],
    )  # fmt: skip
    rows.put(
        LAYOUTS,
        ((each.id.bytes, mine, document(each.decks), document(each.classes), document(each.seats),
          int2(len(each.seats)), UNHEARD) for each in company.layouts),
    )  # fmt: skip
    rows.put(BUSES, ((bus.id.bytes, text(bus.plate), UNHEARD) for bus in company.buses))
    rows.put(DRIVERS, ((each.id.bytes, text(each.name), UNHEARD) for each in company.drivers))
    rows.put(
        STOPS,
        ((stop.id.bytes, mine, text(stop.name), text(stop.city), text(stop.place), float8(stop.lat),
          float8(stop.lon), zone, UNHEARD) for stop in company.stops),
    )  # fmt: skip
    rows.put(
        ROUTES,
        ((route.id.bytes, mine, text(route.name), currency, document(calls_of(route)), UNHEARD)
         for route in company.routes),
    )  # fmt: skip
    rows.put(
        TRIPS,
        ((trip.id.bytes, mine, trip.route_id.bytes, trip.layout_id.bytes, trip.bus_id.bytes,
          trip.driver_id.bytes, day(trip.service_date), instant(trip.departs_at), instant(trip.arrives_at),
          int4(trip.delay_min), text(trip.status), text(trip.cancel_reason), instant(trip.created_at),
          instant(trip.created_at), UNHEARD) for trip in company.trips),
    )  # fmt: skip
    _add_accounts(rows, (*company.staff, *company.passengers))


def _add_accounts(rows: Rows, users: Iterable[User]) -> None:
    for user in users:
        phone, locale = text(user.phone), text(user.locale)
        rows.put(ACCOUNTS, [(user.id.bytes, text(user.email), phone, locale, UNHEARD)])
        rows.put(PROFILES, [(user.id.bytes, phone, locale, UNHEARD)])


def _add_booking(rows: Rows, company: Company, booking: Booking, given: Given) -> None:
    booking_id, trip_id, mine = booking.id.bytes, booking.trip.id.bytes, company.id.bytes
    user, user_id, payment = booking.user, booking.user.id.bytes, booking.payment
    from_seq, to_seq = int2(booking.from_seq), int2(booking.to_seq)
    status, expires_at = text(booking.status), instant(booking.expires_at)
    updated_at = instant(booking.updated_at)
    rows.put(
        BOOKINGS,
        [(booking_id, text(booking.reference), user_id, trip_id, mine, from_seq, to_seq, status,
          int2(len(booking.tickets)), int8(booking.total), text(CURRENCY), int8(booking.refund_due),
          text(booking.refund_reason), sized(payment.id.bytes) if payment else NULL, text(user.email),
          text(user.phone), given.journeys.of(booking), expires_at, instant(booking.created_at),
          updated_at)],
    )  # fmt: skip
    sold = YES if is_sold(booking.status) else NO
    rows.put(
        TICKETS,
        ((ticket.id.bytes, booking_id, trip_id, mine, user_id, text(ticket.seat), text(ticket.seat_class),
          text(ticket.deck), from_seq, to_seq, text(ticket.passenger_name), int2(ticket.age),
          text(ticket.gender), int8(ticket.price), int8(ticket.refund_due), status, sold, updated_at)
         for ticket in booking.tickets),
    )  # fmt: skip
    segment = stretch(booking.from_seq, booking.to_seq)
    rows.put(
        SEAT_CLAIMS,
        ((ticket.id.bytes, booking_id, trip_id, text(ticket.seat), segment, status, expires_at)
         for ticket in booking.tickets),
    )  # fmt: skip
    rows.put(
        CHECK_INS,
        ((ticket.id.bytes, instant(ticket.scanned_at), UNHEARD)
         for ticket in booking.tickets if ticket.scanned_at),
    )  # fmt: skip
    if payment:
        rows.put(
            PAYMENTS,
            [(payment.id.bytes, booking_id, text(payment.status), int8(payment.amount), instant(payment.at),
              UNHEARD)],
        )  # fmt: skip
