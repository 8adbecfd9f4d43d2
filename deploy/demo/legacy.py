"""Writes neutral demo rows into the monolith's schema by COPY: a batch of companies per transaction."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from itertools import accumulate
from random import Random
from typing import TYPE_CHECKING, Any

from asyncpg import Range

from deploy.demo.identifiers import new_id
from deploy.demo.places import TIME_ZONE
from deploy.demo.rows import CURRENCY
from legacy.qr_tokens import make_token

if TYPE_CHECKING:
    from collections.abc import Iterable

    from common.database import Connection
    from common.keyring import KeyRing
    from deploy.demo.rows import Booking, Company, Ticket, User

QR_VALID_AROUND = timedelta(hours=24)

# In the order that foreign keys want.
COLUMNS: dict[str, tuple[str, ...]] = {
    table: tuple(columns.split())
    for table, columns in {
        "companies": (
            "id name slug contact_email contact_phone time_zone currency refund_policy created_at updated_at"
        ),
        "users": ("id email password_hash role company_id full_name phone locale created_at updated_at"),
        "layouts": "id company_id name decks classes seats capacity created_at",
        "buses": "id company_id plate name layout_id created_at updated_at",
        "drivers": "id company_id name phone licence user_id created_at updated_at",
        "stops": "id company_id code name city place lat lon time_zone created_at updated_at",
        "routes": "id company_id code name distance_km currency created_at updated_at",
        "route_stops": "route_id seq stop_id arrive_s depart_s leg_fare fare_sum",
        "trips": (
            "id company_id route_id layout_id bus_id driver_id service_date departs_at arrives_at "
            "delay_min busy status cancel_reason created_at updated_at"
        ),
        "bookings": (
            "id reference user_id trip_id company_id from_seq to_seq status total currency "
            "refund_due refund_reason payment_id contact_email contact_phone expires_at "
            "created_at updated_at"
        ),
        "tickets": (
            "id booking_id trip_id seat seat_class deck from_seq to_seq passenger_name "
            "passenger_age passenger_gender price refund_due status qr_code scanned_at scanned_by "
            "updated_at"
        ),
        "seat_claims": "ticket_id booking_id trip_id seat segment status expires_at",
        "waitlist": "id trip_id user_id from_seq to_seq seats created_at",
        "scans": "id ticket_id trip_id nonce result recorded scanned_by scanned_at recorded_at",
        "payments": (
            "id booking_id user_id company_id provider status amount currency card_brand "
            "card_last4 attempted_at created_at updated_at"
        ),
        "refunds": ("id payment_id amount status reason booking_due attempted_at created_at updated_at"),
        "ledger": "id at debit credit amount currency payment_id refund_id memo",
    }.items()
}


def money(minor: int) -> Decimal:
    """Paise as the monolith's numeric rupees."""
    return Decimal(minor) / 100


class LegacyRows:
    """Collects the records of some companies, table by table, and copies them in."""

    def __init__(self, password_hash: str, qr_keys: KeyRing) -> None:
        self._password_hash, self._qr_keys = password_hash, qr_keys
        self._records: dict[str, list[tuple[Any, ...]]] = defaultdict(list)

    def add_user(self, user: User) -> None:
        """An account and its profile: one row here."""
        self._records["users"].append(
            (user.id, user.email, self._password_hash, user.role, user.company_id, user.full_name,
             user.phone, user.locale, user.created_at, user.created_at)
        )  # fmt: skip

    def add(self, company: Company) -> None:
        """Everything of one company."""
        at = company.created_at
        put = self._records
        put["companies"].append(
            (company.id, company.name, company.slug, company.contact_email, company.contact_phone,
             TIME_ZONE, CURRENCY, company.refund_policy, at, at)
        )  # fmt: skip
        for user in (*company.staff, *company.passengers):
            self.add_user(user)
        put["layouts"].extend(
            (each.id, company.id, each.name, each.decks, each.classes, each.seats, len(each.seats), at)
            for each in company.layouts
        )
        put["buses"].extend(
            (bus.id, company.id, bus.plate, bus.name, bus.layout_id, at, at) for bus in company.buses
        )
        put["drivers"].extend(
            (each.id, company.id, each.name, each.phone, each.licence, each.user_id, at, at)
            for each in company.drivers
        )
        put["stops"].extend(
            (
                stop.id,
                company.id,
                stop.code,
                stop.name,
                stop.city,
                stop.place,
                stop.lat,
                stop.lon,
                TIME_ZONE,
                at,
                at,
            )
            for stop in company.stops
        )
        for route in company.routes:
            put["routes"].append(
                (route.id, company.id, route.code, route.name, route.distance_km, CURRENCY, at, at)
            )
            sums = accumulate(stop.leg_fare for stop in route.stops)
            put["route_stops"].extend(
                (
                    route.id,
                    seq,
                    stop.stop_id,
                    stop.arrive_s,
                    stop.depart_s,
                    money(stop.leg_fare),
                    money(fare_sum),
                )
                for seq, (stop, fare_sum) in enumerate(zip(route.stops, sums, strict=True))
            )
        put["trips"].extend(
            (trip.id, company.id, trip.route_id, trip.layout_id, trip.bus_id, trip.driver_id,
             trip.service_date, trip.departs_at, trip.arrives_at, trip.delay_min, Range(trip.departs_at,
             trip.arrives_at + timedelta(minutes=trip.delay_min)), trip.status, trip.cancel_reason,
             trip.created_at, trip.created_at)
            for trip in company.trips
        )  # fmt: skip
        for booking in company.bookings:
            self._add_booking(company, booking)
        put["waitlist"].extend(tuple(each) for each in company.waiting)

    def _add_booking(self, company: Company, booking: Booking) -> None:
        payment, refund = booking.payment, booking.refund
        put = self._records
        reason = None
        if booking.refund_due:
            reason = "trip cancelled" if booking.trip.status == "cancelled" else "cancelled by passenger"
        put["bookings"].append(
            (booking.id, booking.reference, booking.user.id, booking.trip.id, company.id,
             booking.from_seq, booking.to_seq, booking.status, money(booking.total), CURRENCY,
             money(booking.refund_due), reason, payment.id if payment else None, booking.user.email,
             booking.user.phone, booking.expires_at, booking.created_at, booking.updated_at)
        )  # fmt: skip
        for ticket in booking.tickets:
            self._add_ticket(company, booking, ticket)
        if payment is None:
            return
        random = Random(booking.id.int)  # ruff: ignore[suspicious-non-cryptographic-random-usage] — ids of the rows that only this schema has
        put["payments"].append(
            (payment.id, booking.id, booking.user.id, company.id, "sandbox", payment.status,
             money(payment.amount), CURRENCY, payment.card_brand, payment.card_last4, payment.at,
             booking.created_at, payment.at)
        )  # fmt: skip
        owed = f"company:{company.id}"
        put["ledger"].append(
            (new_id(random, payment.at), payment.at, "provider:sandbox", owed, money(payment.amount),
             CURRENCY, payment.id, None, f"captured for {booking.reference}")
        )  # fmt: skip
        if refund:
            put["refunds"].append(
                (
                    refund.id,
                    payment.id,
                    money(refund.amount),
                    "succeeded",
                    reason,
                    True,
                    refund.at,
                    refund.at,
                    refund.at,
                )
            )
            put["ledger"].append(
                (new_id(random, refund.at), refund.at, owed, "provider:sandbox", money(refund.amount),
                 CURRENCY, payment.id, refund.id, f"refunded for {booking.reference}")
            )  # fmt: skip

    def _add_ticket(self, company: Company, booking: Booking, ticket: Ticket) -> None:
        put = self._records
        inspector = company.staff[1].id
        put["tickets"].append(
            (ticket.id, booking.id, booking.trip.id, ticket.seat, ticket.seat_class, ticket.deck,
             booking.from_seq, booking.to_seq, ticket.passenger_name, ticket.age, ticket.gender,
             money(ticket.price), money(ticket.refund_due), ticket.status, self._qr_code(company,
             booking, ticket), ticket.scanned_at, inspector if ticket.scanned_at else None,
             booking.updated_at)
        )  # fmt: skip
        put["seat_claims"].append(
            (ticket.id, booking.id, booking.trip.id, ticket.seat, Range(booking.from_seq,
             booking.to_seq), ticket.status, booking.expires_at)
        )  # fmt: skip
        if ticket.scanned_at:
            scan_id = new_id(Random(ticket.id.int), ticket.scanned_at)  # ruff: ignore[suspicious-non-cryptographic-random-usage] — see above
            put["scans"].append(
                (scan_id, ticket.id, booking.trip.id, scan_id.hex, "ok", True, inspector,
                 ticket.scanned_at, ticket.scanned_at)
            )  # fmt: skip

    def _qr_code(self, company: Company, booking: Booking, ticket: Ticket) -> str | None:
        if ticket.status != "confirmed":
            return None
        stops = next(route.stops for route in company.routes if route.id == booking.trip.route_id)
        boarding = booking.trip.departs_at + timedelta(seconds=stops[booking.from_seq].depart_s)
        alighting = booking.trip.departs_at + timedelta(seconds=stops[booking.to_seq].arrive_s)
        return make_token(
            self._qr_keys,
            ticket_id=ticket.id,
            trip_id=booking.trip.id,
            seat=ticket.seat,
            from_seq=booking.from_seq,
            to_seq=booking.to_seq,
            serial=0,
            not_before=boarding - QR_VALID_AROUND,
            expires_at=alighting + QR_VALID_AROUND,
        )

    async def copy_into(self, conn: Connection) -> None:
        """Copy all that was added, and forget it. The caller holds the transaction."""
        for table, columns in COLUMNS.items():
            await conn.copy_records_to_table(table, records=self._records[table], columns=columns)
        self._records.clear()


async def existing_slugs(conn: Connection) -> frozenset[str]:
    """The companies that are there already."""
    return frozenset(row["slug"] for row in await conn.fetch("SELECT slug FROM companies"))


async def has_admin(conn: Connection, email: str) -> bool:
    """Whether the demo's admin is there."""
    return bool(await conn.fetchval("SELECT EXISTS (SELECT FROM users WHERE email = $1)", email))


async def analyze(conn: Connection, tables: Iterable[str] = tuple(COLUMNS)) -> None:
    """Refresh the planner's statistics: after a bulk load they are far off."""
    for table in tables:
        await conn.execute(f"ANALYZE {table}")
