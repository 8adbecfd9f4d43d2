"""Whatever payments need of others: bookings and companies as events tell of them, and who signs in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from common.events import Event
from common.ids import uuid7
from common.instants import format_instant
from common.principals import ACCESS_COOKIE, Role
from common.tokens import AUDIENCE, ISSUER, KeyRing, issue_access_token
from services.payment.events import HANDLERS

if TYPE_CHECKING:
    from uuid import UUID

    from common.database import Pool

_NUMBERS = count(1)
ZONE = "Asia/Kolkata"


@dataclass(frozen=True, slots=True)
class User:
    id: UUID
    role: Role
    company_id: UUID | None


@dataclass(frozen=True, slots=True)
class Company:
    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Booking:
    """A booking as ticketing has it: `data` is what its events say."""

    id: UUID
    user: User
    company: Company
    data: dict[str, Any] = field(repr=False)

    @property
    def reference(self) -> str:
        return str(self.data["reference"])

    def wire(self) -> dict[str, Any]:
        """The same as `GET /api/bookings/{id}` answers."""
        data = self.data
        place = data["journey"]["from"]
        end = data["journey"]["to"]
        held = data["status"] == "held"
        return {
            "id": data["id"],
            "reference": data["reference"],
            "user_id": data["user_id"],
            "trip_id": data["trip_id"],
            "company_id": data["company_id"],
            "company_name": data["journey"]["company_name"],
            "route_name": data["journey"]["route_name"],
            "from": place,
            "to": end,
            "status": data["status"],
            "expires_at": wire_instant(data["expires_at"]) if held else None,
            "total": {"amount": data["total_minor"], "currency": data["currency"]},
            "refund_due": {"amount": data["refund_due_minor"], "currency": data["currency"]},
            "payment_id": data["payment_id"],
            "tickets": [{"status": data["status"]}] * data["seats"],
            "created_at": wire_instant(data["created_at"]),
            "updated_at": wire_instant(data["updated_at"]),
        }


def wire_instant(text: str) -> str:
    return format_instant(datetime.fromisoformat(text))


class World:
    """Tells the service of bookings and companies, by its own handlers."""

    def __init__(self, pool: Pool, keys: KeyRing, origin: str) -> None:
        self.pool = pool
        self.origin = origin
        self._keys = keys

    def bearer(self, user: User) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(user)}"}

    def browser(self, user: User) -> dict[str, str]:
        """Headers of a browser: the cookie, and the Origin that posted forms carry."""
        return {
            "Cookie": f"{ACCESS_COOKIE}={self.token(user)}",
            "Origin": self.origin,
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

    def user(self, role: str = "passenger", company: Company | None = None) -> User:
        return User(uuid7(), Role(role), company.id if company else None)

    async def company(self) -> Company:
        company = Company(uuid7(), f"Neem Travels {next(_NUMBERS)}")
        await self.tell("company.company.changed", {"id": str(company.id), "name": company.name})
        return company

    async def booking(
        self,
        company: Company | None = None,
        user: User | None = None,
        *,
        told: bool = True,
        total_minor: int = 60_000,
        currency: str = "INR",
        expires_at: datetime | None = None,
        status: str = "held",
    ) -> Booking:
        """A held booking of two seats for 600.00; one that is not `told` only its owner knows."""
        company = company or await self.company()
        user = user or self.user()
        booking_id, now = uuid7(), datetime.now(UTC)
        departs_at = now + timedelta(days=3)
        place = {"stop_id": str(uuid7()), "name": "Majestic", "time_zone": ZONE}
        data = {
            "id": str(booking_id),
            "reference": f"BK{next(_NUMBERS):06d}",
            "user_id": str(user.id),
            "trip_id": str(uuid7()),
            "company_id": str(company.id),
            "from_seq": 0,
            "to_seq": 3,
            "status": status,
            "total_minor": total_minor,
            "currency": currency,
            "refund_due_minor": 0,
            "refund_reason": None,
            "payment_id": None,
            "seats": 2,
            "expires_at": (expires_at or now + timedelta(minutes=10)).isoformat(),
            "created_at": now.isoformat(),
            "updated_at": now.isoformat(),
            "journey": {
                "route_id": str(uuid7()),
                "route_name": "Bengaluru → Mysuru",
                "company_name": company.name,
                "from": {
                    **place,
                    "seq": 0,
                    "city": "Bengaluru",
                    "departs_at": format_instant(departs_at),
                },
                "to": {
                    **place,
                    "seq": 3,
                    "city": "Mysuru",
                    "arrives_at": format_instant(departs_at + timedelta(hours=4)),
                },
                "departs_at": format_instant(departs_at),
                "arrives_at": format_instant(departs_at + timedelta(hours=4)),
            },
        }
        booking = Booking(booking_id, user, company, data)
        if told:
            await self.tell_booking(booking)
        return booking

    async def tell_booking(self, booking: Booking, **changes: Any) -> None:
        """Ticketing has changed the booking, and says so."""
        change(booking, **changes)
        await self.tell(f"ticketing.booking.{booking.data['status']}", booking.data)

    async def tell(self, kind: str, data: dict[str, Any], seq: int | None = None) -> None:
        """One event of the next number."""
        await self.hear([event(kind, data, seq)])

    async def hear(self, events: list[Event]) -> None:
        """A batch, as the consumer applies it: by handler, all in one transaction."""
        async with self.pool.acquire() as conn, conn.transaction():
            for handler in HANDLERS:
                heard = [each for each in events if each.type in handler.types]
                if heard:
                    await handler.apply(conn, heard)


def event(kind: str, data: dict[str, Any], seq: int | None = None) -> Event:
    number = next(_NUMBERS) if seq is None else seq
    source = kind.partition(".")[0]
    return Event(source, number, kind, 1, data["id"], datetime.now(UTC), dict(data))


def change(booking: Booking, **changes: Any) -> None:
    """Ticketing has changed the booking; nobody has been told yet."""
    booking.data.update(changes, updated_at=datetime.now(UTC).isoformat())
