"""What a test of the service starts from: others' things told by their events, its own made by SQL.

Everything has a default, so a test names only what it is about. Money is in minor units, instants are aware,
seats are called as in `seats_2_2`: 1A to 1D, 2A, …
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate, count
from typing import TYPE_CHECKING, Any

import orjson
from asyncpg import Range

from common.database import transaction
from common.encoding import dump_json
from common.events import Event
from common.ids import uuid7
from common.principals import ACCESS_COOKIE, Principal, Role
from common.tokens import AUDIENCE, ISSUER, KeyRing, issue_access_token
from services.ticketing.events import HANDLERS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from common.database import Pool

POLICY = {"steps": [{"hours_before": 24, "percent": 90}, {"hours_before": 4, "percent": 50}]}
SEATER = {"code": "seater", "name": "Seater", "fare_percent": 100}
FRONT = {"code": "front", "name": "Front row", "fare_percent": 120}
_NUMBERS = count(1)
_APPLY = {each: handler.apply for handler in HANDLERS for each in handler.types}


@dataclass(frozen=True, slots=True)
class Company:
    id: UUID
    name: str
    currency: str
    told: dict[str, Any]


@dataclass(frozen=True, slots=True)
class User:
    id: UUID
    email: str
    role: Role
    company_id: UUID | None

    @property
    def principal(self) -> Principal:
        return Principal(self.id, self.role, self.company_id, uuid7())


@dataclass(frozen=True, slots=True)
class Layout:
    id: UUID
    company: Company
    seats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Route:
    id: UUID
    company: Company
    stop_ids: tuple[UUID, ...]
    told: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Trip:
    id: UUID
    company: Company
    route: Route
    layout: Layout
    departs_at: datetime
    arrives_at: datetime
    told: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Booking:
    id: UUID
    reference: str
    user: User
    trip: Trip
    ticket_ids: tuple[UUID, ...]
    total: int
    status: str


def seats_2_2(rows: int, front_rows: int = 0) -> list[dict[str, Any]]:
    """Rows of four with an aisle in the middle, the first `front_rows` of the class `front`."""
    return [
        {
            "seat": f"{row}{letter}",
            "deck": "lower",
            "row": row,
            "column": column,
            "class": "front" if row <= front_rows else "seater",
        }
        for row in range(1, rows + 1)
        for letter, column in zip("ABCD", (1, 2, 4, 5), strict=True)
    ]


def event(kind: str, data: dict[str, Any], seq: int) -> Event:
    """As the consumer hands it on: JSON's types only."""
    source, _, _ = kind.partition(".")
    subject = str(data.get("id") or data["user_id"])
    return Event(source, seq, kind, 1, subject, datetime.now(UTC), orjson.loads(dump_json(data)))


class World:
    """A factory over one database. Each method makes or tells of a thing, and of those it needs."""

    def __init__(self, pool: Pool, keys: KeyRing, origin: str) -> None:
        self.pool = pool
        self._keys = keys
        self._origin = origin
        self.told: list[Event] = []

    async def tell(self, kind: str, *data: dict[str, Any]) -> None:
        """Let the service hear these things, each as later news than all that it has heard."""
        await self.hear([event(kind, each, next(_NUMBERS)) for each in data])

    async def hear(self, events: Sequence[Event]) -> None:
        """Let it hear events of one handler, in one batch."""
        self.told += events
        async with transaction(self.pool) as conn:
            await _APPLY[events[0].type](conn, events)

    async def change(self, thing: Company | Route | Trip, **changes: Any) -> None:
        """Tell of it again, changed."""
        kind = {Company: "company", Route: "route", Trip: "trip"}[type(thing)]
        await self.tell(f"company.{kind}.changed", {**thing.told, **changes})

    def bearer(self, user: User) -> dict[str, str]:
        """Headers of an API client."""
        return {"Authorization": f"Bearer {self.token(user)}"}

    def browser(self, user: User) -> dict[str, str]:
        """Headers of a browser: the cookie, and the Origin that posted forms carry."""
        return {
            "Cookie": f"{ACCESS_COOKIE}={self.token(user)}",
            "Origin": self._origin,
            "Accept": "text/html",
        }

    def token(self, user: User) -> str:
        return issue_access_token(
            self._keys,
            user_id=user.id,
            role=user.role,
            company_id=user.company_id,
            session_id=uuid7(),
            issuer=ISSUER,
            audience=AUDIENCE,
            now=datetime.now(UTC),
        )

    async def company(
        self,
        name: str | None = None,
        *,
        policy: dict[str, Any] | None = None,
        currency: str = "INR",
        time_zone: str = "Asia/Kolkata",
    ) -> Company:
        number = next(_NUMBERS)
        told = {
            "id": uuid7(),
            "name": name or f"Company {number}",
            "slug": f"company-{number}",
            "contact_email": f"office{number}@example.com",
            "contact_phone": None,
            "time_zone": time_zone,
            "currency": currency,
            "status": "active",
            "refund_policy": policy or POLICY,
            "created_at": datetime.now(UTC),
            "updated_at": datetime.now(UTC),
        }
        await self.tell("company.company.changed", told)
        return Company(told["id"], told["name"], currency, told)

    async def user(
        self,
        role: Role | str = Role.PASSENGER,
        company: Company | None = None,
        *,
        locale: str = "en",
        phone: str | None = None,
        known: bool = True,
    ) -> User:
        """A staff role needs its company. One that is not `known` has not been heard of yet."""
        made = User(uuid7(), f"user{next(_NUMBERS)}@example.com", Role(role), company.id if company else None)
        if known:
            await self.tell(
                "auth.user.changed",
                {
                    "id": made.id,
                    "email": made.email,
                    "role": made.role.value,
                    "company_id": made.company_id,
                    "status": "active",
                    "full_name": "Asha Rao",
                    "phone": phone,
                    "locale": locale,
                    "created_at": datetime.now(UTC),
                    "updated_at": datetime.now(UTC),
                },
            )
        return made

    async def layout(self, company: Company, *, rows: int = 3, front_rows: int = 0) -> Layout:
        seats = seats_2_2(rows, front_rows)
        made = Layout(uuid7(), company, tuple(seat["seat"] for seat in seats))
        await self.tell(
            "company.layout.changed",
            {
                "id": made.id,
                "company_id": company.id,
                "name": f"2+2, {rows} rows",
                "decks": [{"deck": "lower", "rows": rows, "columns": 5}],
                "classes": [FRONT, SEATER] if front_rows else [SEATER],
                "seats": seats,
                "capacity": len(seats),
                "created_at": datetime.now(UTC),
            },
        )
        return made

    async def bus(self, layout: Layout, *, plate: str | None = None) -> UUID:
        made = uuid7()
        await self.tell(
            "company.bus.changed",
            {
                "id": made,
                "company_id": layout.company.id,
                "plate": plate or f"KA 01 {next(_NUMBERS):04d}",
                "name": None,
                "layout_id": layout.id,
                "status": "active",
            },
        )
        return made

    async def driver(self, company: Company, *, name: str = "Ravi Kumar") -> UUID:
        made = uuid7()
        await self.tell(
            "company.driver.changed",
            {
                "id": made,
                "company_id": company.id,
                "name": name,
                "phone": None,
                "user_id": None,
                "status": "active",
            },
        )
        return made

    async def stop(
        self, company: Company, city: str, *, name: str | None = None, time_zone: str = "Asia/Kolkata"
    ) -> UUID:
        made = uuid7()
        await self.tell("company.stop.changed", self.stop_told(made, company, city, name, time_zone))
        return made

    @staticmethod
    def stop_told(
        stop_id: UUID,
        company: Company,
        city: str,
        name: str | None = None,
        time_zone: str = "Asia/Kolkata",
    ) -> dict[str, Any]:
        return {
            "id": stop_id,
            "company_id": company.id,
            "code": None,
            "name": name or f"{city} Bus Stand",
            "city": city,
            "place": city.lower().replace(" ", "-"),
            "lat": 12.97,
            "lon": 77.59,
            "time_zone": time_zone,
        }

    async def route(
        self,
        company: Company,
        cities: Sequence[str] = ("Bengaluru", "Mysuru", "Madikeri", "Mangaluru"),
        *,
        leg_fares: Sequence[int] | None = None,
        leg_s: int = 7200,
        wait_s: int = 600,
        stop_ids: Sequence[UUID] | None = None,
        time_zone: str = "Asia/Kolkata",
    ) -> Route:
        """Stops in these cities, two hours apart and 100.00 a leg; the bus waits ten minutes at each."""
        ids = stop_ids or [await self.stop(company, city, time_zone=time_zone) for city in cities]
        fares = [0, *(leg_fares or [10000] * (len(cities) - 1))]
        arrive = [seq * (leg_s + wait_s) - (wait_s if seq else 0) for seq in range(len(cities))]
        depart = [at + (wait_s if 0 < seq < len(cities) - 1 else 0) for seq, at in enumerate(arrive)]
        told = {
            "id": uuid7(),
            "company_id": company.id,
            "code": None,
            "name": f"{cities[0]} to {cities[-1]}",
            "status": "active",
            "currency": company.currency,
            "calls": [
                {
                    "seq": seq,
                    "stop_id": stop_id,
                    "arrive_s": arrives,
                    "depart_s": departs,
                    "leg_fare_minor": fare,
                    "fare_sum_minor": fare_sum,
                }
                for seq, (stop_id, arrives, departs, fare, fare_sum) in enumerate(
                    zip(ids, arrive, depart, fares, accumulate(fares), strict=True)
                )
            ],
        }
        await self.tell("company.route.changed", told)
        return Route(told["id"], company, tuple(ids), told)

    async def trip(
        self,
        company: Company | None = None,
        *,
        route: Route | None = None,
        layout: Layout | None = None,
        rows: int = 3,
        departs_at: datetime | None = None,
        bus_id: UUID | None = None,
        driver_id: UUID | None = None,
        status: str = "scheduled",
        delay_min: int = 0,
        known: bool = True,
    ) -> Trip:
        """A departure, in two days if nothing else is said, with a route and a layout of its own."""
        company = company or (route.company if route else layout.company if layout else await self.company())
        route = route or await self.route(company)
        layout = layout or await self.layout(company, rows=rows)
        departs_at = departs_at or datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
        arrives_at = departs_at + timedelta(seconds=route.told["calls"][-1]["arrive_s"])
        told = {
            "id": uuid7(),
            "company_id": company.id,
            "route_id": route.id,
            "layout_id": layout.id,
            "bus_id": bus_id,
            "driver_id": driver_id,
            "timetable_id": None,
            "service_date": (departs_at + timedelta(hours=5, minutes=30)).date(),
            "departs_at": departs_at,
            "arrives_at": arrives_at,
            "delay_min": delay_min,
            "status": status,
            "cancel_reason": None,
            "created_at": datetime.now(UTC),
            "updated_at": datetime.now(UTC),
        }
        if known:
            await self.tell("company.trip.changed", told)
        return Trip(told["id"], company, route, layout, departs_at, arrives_at, told)

    async def booking(
        self,
        trip: Trip,
        user: User | None = None,
        *,
        seats: Sequence[str] = ("1A",),
        from_seq: int = 0,
        to_seq: int | None = None,
        status: str = "confirmed",
        price: int | None = None,
        expires_at: datetime | None = None,
        payment_id: UUID | None = None,
    ) -> Booking:
        """With tickets and claims of the same status; no payment, see `payment`."""
        user = user or await self.user()
        to_seq = len(trip.route.stop_ids) - 1 if to_seq is None else to_seq
        each = 10000 * (to_seq - from_seq) if price is None else price
        expires_at = expires_at or datetime.now(UTC) + timedelta(minutes=10)
        booking_id = uuid7()
        tickets = [(uuid7(), seat) for seat in seats]
        made = Booking(
            booking_id,
            f"W{booking_id.hex[-7:].upper()}",
            user,
            trip,
            tuple(ticket_id for ticket_id, _ in tickets),
            each * len(seats),
            status,
        )
        async with self.pool.acquire() as conn, conn.transaction():
            await conn.execute(
                """
                INSERT INTO bookings (id, reference, user_id, trip_id, company_id, from_seq, to_seq, status,
                                      seats, total_minor, currency, payment_id, contact_email, expires_at,
                                      journey)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
                """,
                booking_id,
                made.reference,
                user.id,
                trip.id,
                trip.company.id,
                from_seq,
                to_seq,
                status,
                len(seats),
                made.total,
                trip.company.currency,
                payment_id,
                user.email,
                expires_at,
                journey_of(trip, from_seq, to_seq),
            )
            for ticket_id, seat in tickets:
                await conn.execute(
                    """
                    INSERT INTO tickets (id, booking_id, trip_id, company_id, user_id, seat, seat_class, deck,
                                         from_seq, to_seq, passenger_name, price_minor, status, sold)
                    VALUES ($1, $2, $3, $4, $5, $6, 'seater', 'lower', $7, $8, $9, $10, $11,
                            $11 = 'confirmed')
                    """,
                    ticket_id,
                    booking_id,
                    trip.id,
                    trip.company.id,
                    user.id,
                    seat,
                    from_seq,
                    to_seq,
                    f"Passenger {seat}",
                    each,
                    status,
                )
                await conn.execute(
                    """
                    INSERT INTO seat_claims (ticket_id, booking_id, trip_id, seat, segment, status,
                                             expires_at)
                    VALUES ($1, $2, $3, $4, $5, $6, $7)
                    """,
                    ticket_id,
                    booking_id,
                    trip.id,
                    seat,
                    Range(from_seq, to_seq),
                    status,
                    expires_at,
                )
        return made

    async def payment(
        self,
        booking: Booking,
        *,
        status: str = "succeeded",
        amount: int | None = None,
        payment_id: UUID | None = None,
    ) -> UUID:
        """News of a payment: the booking is not settled by it, a sweep does that.

        Only of one that has succeeded it is told, but others may be there: data that was copied in has them.
        """
        made = payment_id or uuid7()
        await self.tell(
            "payment.payment.succeeded",
            {
                "id": made,
                "booking_id": booking.id,
                "user_id": booking.user.id,
                "company_id": booking.trip.company.id,
                "provider": "sandbox",
                "status": status,
                "amount_minor": booking.total if amount is None else amount,
                "currency": booking.trip.company.currency,
                "created_at": datetime.now(UTC),
                "updated_at": datetime.now(UTC),
            },
        )
        return made

    async def check_in(self, ticket_id: UUID, trip: Trip) -> None:
        """News of somebody who boards."""
        await self.tell(
            "qr.check_in.recorded",
            {
                "id": uuid7(),
                "ticket_id": ticket_id,
                "trip_id": trip.id,
                "company_id": trip.company.id,
                "scanned_at": datetime.now(UTC),
                "scanned_by": uuid7(),
                "recorded_at": datetime.now(UTC),
            },
        )


def journey_of(trip: Trip, from_seq: int, to_seq: int) -> dict[str, Any]:
    """What a booking remembers of its trip."""
    calls = trip.route.told["calls"]
    told: dict[str, Any] = orjson.loads(
        dump_json(
            {
                "route_id": trip.route.id,
                "route_name": trip.route.told["name"],
                "company_name": trip.company.name,
                "departs_at": trip.departs_at,
                "arrives_at": trip.arrives_at,
                "from": {
                    "seq": from_seq,
                    "stop_id": trip.route.stop_ids[from_seq],
                    "name": "Sold from",
                    "city": "Sold city",
                    "time_zone": "Asia/Kolkata",
                    "departs_at": trip.departs_at + timedelta(seconds=calls[from_seq]["depart_s"]),
                },
                "to": {
                    "seq": to_seq,
                    "stop_id": trip.route.stop_ids[to_seq],
                    "name": "Sold to",
                    "city": "Sold city",
                    "time_zone": "Asia/Kolkata",
                    "arrives_at": trip.departs_at + timedelta(seconds=calls[to_seq]["arrive_s"]),
                },
            }
        )
    )
    return told
