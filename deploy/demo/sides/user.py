"""user-service's database: profiles and travellers, and what its dashboards count.

Companies come last of all: what a company's days add up to is counted when it comes, and not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deploy.demo.copying import NO, YES, Table, document, instant, int2, int4, int8, text
from deploy.demo.places import TIME_ZONE
from deploy.demo.rows import CURRENCY
from deploy.demo.sides.mirrored import SETTLED, UNHEARD, calls_of, is_sold, is_told

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deploy.demo.copying import Rows
    from deploy.demo.rows import Booking, Company, User
    from deploy.demo.sides.given import Given

PROFILES: Final = Table(
    "profiles", "user_id:uuid full_name:text phone:text locale:text updated_at:timestamptz"
)
TRAVELLERS: Final = Table(
    "travellers", "id:uuid user_id:uuid name:text age:int2 gender:text created_at:timestamptz"
)
ACCOUNTS: Final = Table("accounts", "id:uuid email:text role:text status:text source_seq:int8")
LAYOUTS: Final = Table("layouts", "id:uuid capacity:int2 source_seq:int8")
STOPS: Final = Table("stops", "id:uuid name:text city:text time_zone:text source_seq:int8")
ROUTES: Final = Table("routes", "id:uuid company_id:uuid name:text calls:jsonb source_seq:int8")
TRIPS: Final = Table(
    "trips",
    "id:uuid company_id:uuid route_id:uuid layout_id:uuid departs_at:timestamptz delay_min:int4 status:text "
    "source_seq:int8",
)
BOOKINGS: Final = Table(
    "bookings",
    "id:uuid reference:text user_id:uuid trip_id:uuid company_id:uuid route_id:uuid from_seq:int2 "
    "to_seq:int2 status:text total_minor:int8 refund_due_minor:int8 currency:text payment_id:uuid "
    "journey:jsonb created_at:timestamptz source_seq:int8",
)
TICKETS: Final = Table(
    "tickets",
    "id:uuid booking_id:uuid trip_id:uuid seat:text from_seq:int2 to_seq:int2 status:text sold:bool "
    "source_seq:int8",
)
CHECK_INS: Final = Table("check_ins", "ticket_id:uuid trip_id:uuid source_seq:int8")
REFUNDS: Final = Table(
    "refunds",
    "id:uuid booking_id:uuid company_id:uuid amount_minor:int8 currency:text status:text "
    "created_at:timestamptz source_seq:int8",
)
COMPANIES: Final = Table(
    "companies", "id:uuid name:text time_zone:text currency:text status:text source_seq:int8"
)
TABLES: Final = (
    PROFILES, TRAVELLERS, ACCOUNTS, LAYOUTS, STOPS, ROUTES, TRIPS, BOOKINGS, TICKETS, CHECK_INS, REFUNDS,
    COMPANIES,
)  # fmt: skip


def add(rows: Rows, company: Company, given: Given) -> None:
    mine, zone = company.id.bytes, text(TIME_ZONE)
    _add_accounts(rows, (*company.staff, *company.passengers))
    rows.put(
        TRAVELLERS,
        ((each.id.bytes, each.user_id.bytes, text(each.name), int2(each.age), text(each.gender),
          instant(each.created_at)) for each in company.travellers),
    )  # fmt: skip
    rows.put(LAYOUTS, ((each.id.bytes, int2(len(each.seats)), UNHEARD) for each in company.layouts))
    rows.put(
        STOPS,
        ((stop.id.bytes, text(stop.name), text(stop.city), zone, UNHEARD) for stop in company.stops),
    )
    rows.put(
        ROUTES,
        ((route.id.bytes, mine, text(route.name), document(calls_of(route)), UNHEARD)
         for route in company.routes),
    )  # fmt: skip
    rows.put(
        TRIPS,
        ((trip.id.bytes, mine, trip.route_id.bytes, trip.layout_id.bytes, instant(trip.departs_at),
          int4(trip.delay_min), text(trip.status), UNHEARD) for trip in company.trips),
    )  # fmt: skip
    for booking in company.bookings:
        if is_told(booking.status):
            _add_booking(rows, company, booking, given)
    rows.put(COMPANIES, [(mine, text(company.name), zone, text(CURRENCY), text("active"), UNHEARD)])


def add_account(rows: Rows, user: User, _password_hash: str) -> None:
    _add_accounts(rows, (user,))


def _add_accounts(rows: Rows, users: Iterable[User]) -> None:
    active = text("active")
    for user in users:
        rows.put(
            PROFILES,
            [(user.id.bytes, text(user.full_name), text(user.phone), text(user.locale),
              instant(user.created_at))],
        )  # fmt: skip
        rows.put(ACCOUNTS, [(user.id.bytes, text(user.email), text(user.role), active, UNHEARD)])


def _add_booking(rows: Rows, company: Company, booking: Booking, given: Given) -> None:
    booking_id, trip_id, mine = booking.id.bytes, booking.trip.id.bytes, company.id.bytes
    from_seq, to_seq, status = int2(booking.from_seq), int2(booking.to_seq), text(booking.status)
    sold, refund = YES if is_sold(booking.status) else NO, booking.refund
    if booking.status in SETTLED and booking.payment:
        rows.put(
            BOOKINGS,
            [(booking_id, text(booking.reference), booking.user.id.bytes, trip_id, mine,
              booking.trip.route_id.bytes, from_seq, to_seq, status, int8(booking.total),
              int8(booking.refund_due), text(CURRENCY), booking.payment.id.bytes,
              given.journeys.of(booking), instant(booking.created_at), UNHEARD)],
        )  # fmt: skip
    rows.put(
        TICKETS,
        ((ticket.id.bytes, booking_id, trip_id, text(ticket.seat), from_seq, to_seq, status, sold, UNHEARD)
         for ticket in booking.tickets),
    )  # fmt: skip
    rows.put(
        CHECK_INS,
        ((ticket.id.bytes, trip_id, UNHEARD) for ticket in booking.tickets if ticket.scanned_at),
    )
    if refund:
        rows.put(
            REFUNDS,
            [(refund.id.bytes, booking_id, mine, int8(refund.amount), text(CURRENCY), text("succeeded"),
              instant(refund.at), UNHEARD)],
        )  # fmt: skip
