"""Makes the rows that a test of company-service starts from, quickly and by SQL.

Everything has a default, so a test names only what it is about. Fares are in minor units, instants are aware,
seats are called as in `seats_2_2`: 1A to 1D, 2A, …
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate, count
from typing import TYPE_CHECKING, Any

from common.ids import uuid7
from common.principals import ACCESS_COOKIE, Role
from common.tokens import AUDIENCE, ISSUER, KeyRing, issue_access_token

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from common.database import Pool

POLICY = {"steps": [{"hours_before": 24, "percent": 90}, {"hours_before": 4, "percent": 50}]}
SEATER = {"code": "seater", "name": "Seater", "fare_percent": 100}
FRONT = {"code": "front", "name": "Front row", "fare_percent": 120}
_NUMBERS = count(1)


@dataclass(frozen=True, slots=True)
class Company:
    id: UUID
    name: str
    currency: str


@dataclass(frozen=True, slots=True)
class User:
    id: UUID
    email: str
    role: Role
    company_id: UUID | None


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
    cities: tuple[str, ...]
    depart_s: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Trip:
    id: UUID
    company: Company
    route: Route
    layout: Layout
    departs_at: datetime
    arrives_at: datetime


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


class World:
    """A factory over one database. Each method inserts a row, and those it needs, and says what it made."""

    def __init__(self, pool: Pool, keys: KeyRing, origin: str = "http://banyan.test") -> None:
        self.pool = pool
        self._keys = keys
        self._origin = origin

    def bearer(self, user: User, **claims: Any) -> dict[str, str]:
        """Headers of an API client."""
        return {"Authorization": f"Bearer {self.token(user, **claims)}"}

    def browser(self, user: User) -> dict[str, str]:
        """Headers of a browser: the cookie, and the Origin that posted forms carry."""
        return {
            "Cookie": f"{ACCESS_COOKIE}={self.token(user)}",
            "Origin": self._origin,
            "Accept": "text/html",
        }

    def token(self, user: User, *, now: datetime | None = None, session_id: UUID | None = None) -> str:
        return issue_access_token(
            self._keys,
            user_id=user.id,
            role=user.role,
            company_id=user.company_id,
            session_id=session_id or uuid7(),
            issuer=ISSUER,
            audience=AUDIENCE,
            now=now or datetime.now(UTC),
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
        made = Company(uuid7(), name or f"Company {number}", currency)
        await self.pool.execute(
            """
            INSERT INTO companies (id, name, slug, contact_email, time_zone, currency, refund_policy)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            """,
            made.id,
            made.name,
            f"company-{number}-{made.id.hex[-6:]}",
            f"office{number}@example.com",
            time_zone,
            currency,
            policy or POLICY,
        )
        return made

    def user(self, role: Role | str = Role.PASSENGER, company: Company | None = None) -> User:
        """Somebody with a token. A staff role needs its company."""
        return User(uuid7(), f"user{next(_NUMBERS)}@example.com", Role(role), company.id if company else None)

    def operator(self, company: Company) -> dict[str, str]:
        """Headers of one of the company's operators."""
        return self.bearer(self.user(Role.OPERATOR, company))

    def admin(self) -> dict[str, str]:
        return self.bearer(self.user(Role.ADMIN))

    async def staff(self, company: Company, role: Role = Role.DRIVER) -> User:
        """One of the company's staff whose event has come."""
        made = self.user(role, company)
        await self.pool.execute(
            """
            INSERT INTO users (id, company_id, role, status, email, full_name, source_seq)
            VALUES ($1, $2, $3, 'active', $4, 'Ravi Kumar', 1)
            """,
            made.id,
            company.id,
            role.value,
            made.email,
        )
        return made

    async def layout(self, company: Company, *, rows: int = 3, front_rows: int = 0) -> Layout:
        seats = seats_2_2(rows, front_rows)
        made = Layout(uuid7(), company, tuple(seat["seat"] for seat in seats))
        await self.pool.execute(
            """
            INSERT INTO layouts (id, company_id, name, decks, classes, seats, capacity)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            """,
            made.id,
            company.id,
            f"2+2, {rows} rows",
            [{"deck": "lower", "rows": rows, "columns": 5}],
            [FRONT, SEATER] if front_rows else [SEATER],
            seats,
            len(seats),
        )
        return made

    async def bus(self, layout: Layout, *, plate: str | None = None) -> UUID:
        made = uuid7()
        await self.pool.execute(
            "INSERT INTO buses (id, company_id, plate, layout_id) VALUES ($1, $2, $3, $4)",
            made,
            layout.company.id,
            plate or f"KA 01 {next(_NUMBERS):04d} {made.hex[-4:]}",
            layout.id,
        )
        return made

    async def driver(self, company: Company, *, name: str = "Ravi Kumar", user: User | None = None) -> UUID:
        made = uuid7()
        await self.pool.execute(
            "INSERT INTO drivers (id, company_id, name, licence, user_id) VALUES ($1, $2, $3, $4, $5)",
            made,
            company.id,
            name,
            f"DL-{next(_NUMBERS)}-{made.hex[-6:]}",
            user.id if user else None,
        )
        return made

    async def stop(
        self,
        company: Company,
        city: str,
        *,
        name: str | None = None,
        time_zone: str = "Asia/Kolkata",
        lat: float = 12.97,
        lon: float = 77.59,
    ) -> UUID:
        made = uuid7()
        await self.pool.execute(
            """
            INSERT INTO stops (id, company_id, code, name, city, place, lat, lon, time_zone)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            """,
            made,
            company.id,
            f"S{next(_NUMBERS)}",
            name or f"{city} Bus Stand",
            city,
            city.lower().replace(" ", "-"),
            lat,
            lon,
            time_zone,
        )
        return made

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
        fares = [0, *(leg_fares or [10_000] * (len(cities) - 1))]
        arrive = [seq * (leg_s + wait_s) - (wait_s if seq else 0) for seq in range(len(cities))]
        depart = [at + (wait_s if 0 < seq < len(cities) - 1 else 0) for seq, at in enumerate(arrive)]
        made = Route(uuid7(), company, tuple(ids), tuple(cities), tuple(depart))
        calls = [
            {
                "seq": seq,
                "stop_id": str(stop_id),
                "arrive_s": arrives,
                "depart_s": departs,
                "leg_fare_minor": fare,
                "fare_sum_minor": fare_sum,
            }
            for seq, (stop_id, arrives, departs, fare, fare_sum) in enumerate(
                zip(ids, arrive, depart, fares, accumulate(fares), strict=True)
            )
        ]
        await self.pool.execute(
            "INSERT INTO routes (id, company_id, name, currency, calls) VALUES ($1, $2, $3, $4, $5)",
            made.id,
            company.id,
            f"{cities[0]} to {cities[-1]}",
            company.currency,
            calls,
        )
        return made

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
    ) -> Trip:
        """A departure, in two days if nothing else is said, with a route and a layout of its own."""
        company = company or (route.company if route else layout.company if layout else await self.company())
        route = route or await self.route(company)
        layout = layout or await self.layout(company, rows=rows)
        departs_at = departs_at or datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
        takes_s = await self.pool.fetchval(
            "SELECT (calls -> -1 ->> 'arrive_s')::int FROM routes WHERE id = $1", route.id
        )
        made = Trip(uuid7(), company, route, layout, departs_at, departs_at + timedelta(seconds=takes_s))
        await self.pool.execute(
            """
            INSERT INTO trips (id, company_id, route_id, layout_id, bus_id, driver_id, service_date,
                               departs_at, arrives_at, delay_min, busy, status)
            VALUES ($1, $2, $3, $4, $5, $6, ($7::timestamptz AT TIME ZONE 'Asia/Kolkata')::date, $7, $8, $9,
                    tstzrange($7, $8::timestamptz + make_interval(mins => $9)), $10)
            """,
            made.id,
            company.id,
            route.id,
            layout.id,
            bus_id,
            driver_id,
            departs_at,
            made.arrives_at,
            delay_min,
            status,
        )
        return made

    async def ticket(self, trip: Trip, seat: str, *, status: str = "confirmed") -> UUID:
        """A ticket whose event has come."""
        made = uuid7()
        await self.pool.execute(
            """
            INSERT INTO tickets (id, trip_id, company_id, seat, passenger_name, status, source_seq)
            VALUES ($1, $2, $3, $4, 'Asha Rao', $5, 1)
            """,
            made,
            trip.id,
            trip.company.id,
            seat,
            status,
        )
        return made
