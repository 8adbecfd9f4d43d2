"""Other services' things, as user-service hears of them: each method tells what it made, by an event.

Fares are in minor units; seats are called 1A, 1B, …; a route has four stops, two hours apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from common.events import Event
from common.ids import uuid7
from common.principals import ACCESS_COOKIE, Role
from common.tokens import AUDIENCE, ISSUER, KeyRing, issue_access_token
from services.user.events import HANDLERS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from common.database import Pool

PUBLIC_URL = "http://banyan.test"
CITIES = ("Bengaluru", "Mysuru", "Madikeri", "Mangaluru")
LEG_S = 7200
APPLY = {event_type: handler.apply for handler in HANDLERS for event_type in handler.types}
_NUMBERS = count(1)


def text(at: datetime) -> str:
    """As to_jsonb writes it."""
    return at.isoformat()


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
class Trip:
    id: UUID
    company: Company
    route_id: UUID
    layout_id: UUID
    departs_at: datetime
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Booking:
    id: UUID
    reference: str
    trip: Trip
    data: dict[str, Any]
    tickets: tuple[dict[str, Any], ...]


class World:
    """Tells one database of things. `said` is all that was told, in order."""

    def __init__(self, pool: Pool, keys: KeyRing) -> None:
        self.pool = pool
        self.said: list[Event] = []
        self._keys = keys

    def bearer(self, user: User) -> dict[str, str]:
        """Headers of an API client."""
        return {"Authorization": f"Bearer {self.token(user)}"}

    def browser(self, user: User) -> dict[str, str]:
        """Headers of a browser: the cookie, and the Origin that posted forms carry."""
        cookie = f"{ACCESS_COOKIE}={self.token(user)}"
        return {"Cookie": cookie, "Origin": PUBLIC_URL, "Accept": "text/html"}

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

    async def tell(self, event_type: str, subject: UUID | str, data: dict[str, Any]) -> Event:
        """Let the service hear an event, as its consumer would."""
        now = datetime.now(UTC)
        event = Event(
            event_type.partition(".")[0], next(_NUMBERS), event_type, 1, str(subject), now, dict(data)
        )
        self.said.append(event)
        await self.hear([event])
        return event

    async def hear(self, events: Sequence[Event], pool: Pool | None = None) -> None:
        """Apply events of one type, in one transaction."""
        async with (pool or self.pool).acquire() as conn, conn.transaction():
            await APPLY[events[0].type](conn, events)

    def stranger(self, role: Role | str = Role.PASSENGER, company: Company | None = None) -> User:
        """Somebody of whom nothing has been heard yet."""
        user_id = uuid7()
        return User(user_id, f"user{next(_NUMBERS)}@example.com", Role(role), company.id if company else None)

    async def user(
        self, role: Role | str = Role.PASSENGER, company: Company | None = None, name: str = "Asha Rao"
    ) -> User:
        made = self.stranger(role, company)
        await self.tell("auth.user.changed", made.id, self.account(made, full_name=name))
        return made

    def account(self, user: User, **changes: Any) -> dict[str, Any]:
        """What is told of an account."""
        return {
            "id": str(user.id),
            "email": user.email,
            "role": user.role.value,
            "company_id": str(user.company_id) if user.company_id else None,
            "status": "active",
            "full_name": "Asha Rao",
            "phone": None,
            "locale": "en",
            "created_at": "2026-01-05T04:30:00.25+00:00",
            "updated_at": "2026-01-05T04:30:00.25+00:00",
            **changes,
        }

    async def company(
        self, name: str | None = None, *, currency: str = "INR", time_zone: str = "Asia/Kolkata"
    ) -> Company:
        number = next(_NUMBERS)
        made = Company(uuid7(), name or f"Company {number}", currency)
        await self.tell_company(made, time_zone=time_zone)
        return made

    async def tell_company(self, company: Company, **changes: Any) -> None:
        data = {
            "id": str(company.id),
            "name": company.name,
            "slug": f"company-{company.id.hex[-8:]}",
            "contact_email": "office@example.com",
            "contact_phone": None,
            "time_zone": "Asia/Kolkata",
            "currency": company.currency,
            "status": "active",
            "refund_policy": {"steps": []},
            "created_at": "2026-01-01T00:00:00+00:00",
            "updated_at": "2026-01-01T00:00:00+00:00",
            **changes,
        }
        await self.tell("company.company.changed", company.id, data)

    async def route(self, company: Company, time_zone: str = "Asia/Kolkata") -> UUID:
        calls = []
        for seq, city in enumerate(CITIES):
            stop_id = str(uuid7())
            stop = {
                "id": stop_id,
                "company_id": str(company.id),
                "code": None,
                "name": f"{city} Bus Stand",
                "city": city,
                "place": city.lower(),
                "lat": 12.97,
                "lon": 77.59,
                "time_zone": time_zone,
            }
            await self.tell("company.stop.changed", stop_id, stop)
            calls.append(
                {
                    "seq": seq,
                    "stop_id": stop_id,
                    "arrive_s": seq * LEG_S,
                    "depart_s": seq * LEG_S,
                    "leg_fare_minor": 10000 if seq else 0,
                    "fare_sum_minor": seq * 10000,
                }
            )
        made = uuid7()
        data = {
            "id": str(made),
            "company_id": str(company.id),
            "code": None,
            "name": f"{CITIES[0]} to {CITIES[-1]}",
            "status": "active",
            "currency": company.currency,
            "calls": calls,
        }
        await self.tell("company.route.changed", made, data)
        return made

    async def layout(self, company: Company, capacity: int = 12) -> UUID:
        made = uuid7()
        data = {"id": str(made), "company_id": str(company.id), "capacity": capacity}
        await self.tell("company.layout.changed", made, data)
        return made

    async def trip(
        self,
        company: Company | None = None,
        *,
        like: Trip | None = None,
        departs_at: datetime | None = None,
        status: str = "scheduled",
        delay_min: int = 0,
    ) -> Trip:
        """A departure with twelve seats, in two days if nothing else is said; `like` shares its route."""
        company = like.company if like else company or await self.company()
        route_id = like.route_id if like else await self.route(company)
        layout_id = like.layout_id if like else await self.layout(company)
        at = departs_at or datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
        trip_id = uuid7()
        data = {
            "id": str(trip_id),
            "company_id": str(company.id),
            "route_id": str(route_id),
            "layout_id": str(layout_id),
            "departs_at": text(at),
            "arrives_at": text(at + timedelta(seconds=3 * LEG_S)),
            "delay_min": delay_min,
            "status": status,
        }
        await self.tell("company.trip.changed", trip_id, data)
        return Trip(trip_id, company, route_id, layout_id, at, data)

    async def booking(
        self,
        trip: Trip,
        user: User | None = None,
        *,
        seats: Sequence[str] = ("1A",),
        from_seq: int = 0,
        to_seq: int = 3,
        made_at: datetime | None = None,
        journey: dict[str, Any] | None = None,
    ) -> Booking:
        """Paid for and confirmed, at 100.00 a leg."""
        booking_id = uuid7()
        each = 10000 * (to_seq - from_seq)
        of = {
            "trip_id": str(trip.id),
            "company_id": str(trip.company.id),
            "from_seq": from_seq,
            "to_seq": to_seq,
            "user_id": str(user.id if user else uuid7()),
            "refund_due_minor": 0,
        }
        data = {
            **of,
            "id": str(booking_id),
            "reference": f"W{booking_id.hex[-7:].upper()}",
            "status": "confirmed",
            "total_minor": each * len(seats),
            "currency": trip.company.currency,
            "refund_reason": None,
            "payment_id": str(uuid7()),
            "seats": len(seats),
            "created_at": text(made_at or datetime.now(UTC)),
            "journey": journey,
        }
        tickets = tuple(
            {
                **of,
                "id": str(uuid7()),
                "booking_id": str(booking_id),
                "seat": seat,
                "status": "confirmed",
                "sold": True,
                "price_minor": each,
            }
            for seat in seats
        )
        await self.tell("ticketing.booking.confirmed", booking_id, data)
        for ticket in tickets:
            await self.tell("ticketing.ticket.confirmed", ticket["id"], ticket)
        return Booking(booking_id, data["reference"], trip, data, tickets)

    async def cancel(self, booking: Booking, refund_minor: int = 0) -> None:
        """All of it, after it was paid for, with a refund that has been paid out."""
        data = {**booking.data, "status": "cancelled", "refund_due_minor": refund_minor}
        await self.tell("ticketing.booking.cancelled", booking.id, data)
        for ticket in booking.tickets:
            await self.tell("ticketing.ticket.cancelled", ticket["id"], {**ticket, "status": "cancelled"})
        if refund_minor:
            await self.refund(booking, refund_minor)

    async def give_up(self, trip: Trip, user: User | None = None, seat: str = "3D") -> Booking:
        """Held, and cancelled before it was paid for."""
        booking = Booking(uuid7(), "WGIVENUP", trip, {}, ())
        made = await self._unsold(booking.id, trip, user, seat)
        await self.tell("ticketing.booking.cancelled", booking.id, made[0])
        await self.tell("ticketing.ticket.cancelled", made[1]["id"], made[1])
        return booking

    async def _unsold(
        self, booking_id: UUID, trip: Trip, user: User | None, seat: str
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        of = {
            "trip_id": str(trip.id),
            "company_id": str(trip.company.id),
            "from_seq": 0,
            "to_seq": 3,
            "user_id": str(user.id if user else uuid7()),
            "status": "cancelled",
            "refund_due_minor": 0,
        }
        booking = {
            **of,
            "id": str(booking_id),
            "reference": f"G{booking_id.hex[-7:].upper()}",
            "total_minor": 30000,
            "currency": trip.company.currency,
            "payment_id": None,
            "created_at": text(datetime.now(UTC)),
            "journey": None,
        }
        return booking, {**of, "id": str(uuid7()), "booking_id": str(booking_id), "seat": seat, "sold": False}

    async def refund(self, booking: Booking, amount_minor: int, status: str = "succeeded") -> UUID:
        made = uuid7()
        data = {
            "id": str(made),
            "payment_id": booking.data["payment_id"],
            "booking_id": str(booking.id),
            "company_id": str(booking.trip.company.id),
            "amount_minor": amount_minor,
            "currency": booking.trip.company.currency,
            "status": status,
            "created_at": text(datetime.now(UTC)),
        }
        await self.tell(f"payment.refund.{status}", made, data)
        return made

    async def check_in(self, booking: Booking, ticket: int = 0) -> None:
        made = uuid7()
        data = {
            "id": str(made),
            "ticket_id": booking.tickets[ticket]["id"],
            "trip_id": str(booking.trip.id),
            "company_id": str(booking.trip.company.id),
            "scanned_at": text(datetime.now(UTC)),
        }
        await self.tell("qr.check_in.recorded", made, data)
