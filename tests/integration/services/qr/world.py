"""What others own, told to the service as they tell it: by events, through the handlers that hear them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from common.encoding import dump_json
from common.events import Event
from common.ids import uuid7
from common.instants import format_instant
from common.principals import ACCESS_COOKIE, Principal, Role
from common.tokens import AUDIENCE, ISSUER, KeyRing, issue_access_token
from services.qr.events import HANDLERS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from common.database import Pool

import orjson

HANDLER_OF = {event_type: handler for handler in HANDLERS for event_type in handler.types}
ZONE = "Asia/Kolkata"
CITIES = ("Bengaluru", "Mysuru", "Madikeri", "Mangaluru")
LEG_S, WAIT_S = 7200, 600


@dataclass(frozen=True, slots=True)
class Company:
    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class User:
    id: UUID
    role: Role
    company_id: UUID | None

    @property
    def principal(self) -> Principal:
        return Principal(self.id, self.role, self.company_id, uuid7())


@dataclass(frozen=True, slots=True)
class Trip:
    id: UUID
    company: Company
    route_id: UUID
    stop_ids: tuple[UUID, ...]
    bus_id: UUID
    departs_at: datetime
    arrives_at: datetime

    def calls(self) -> list[dict[str, Any]]:
        """The route's stops, ten minutes at each; as company tells them."""
        calls = []
        for seq, stop_id in enumerate(self.stop_ids):
            arrive_s = max(0, seq * (LEG_S + WAIT_S) - WAIT_S)
            last = seq in {0, len(self.stop_ids) - 1}
            calls.append(
                {
                    "seq": seq,
                    "stop_id": str(stop_id),
                    "arrive_s": arrive_s,
                    "depart_s": arrive_s + (0 if last else WAIT_S),
                    "leg_fare_minor": 10_000 if seq else 0,
                    "fare_sum_minor": 10_000 * seq,
                }
            )
        return calls

    def at(self, seq: int, when: str) -> datetime:
        return self.departs_at + timedelta(seconds=self.calls()[seq][when])


@dataclass(frozen=True, slots=True)
class Booking:
    id: UUID
    reference: str
    user: User
    trip: Trip
    seats: tuple[str, ...]
    ticket_ids: tuple[UUID, ...]


def event(event_type: str, seq: int, data: dict[str, Any]) -> Event:
    """As a consumer gets it: through JSON."""
    told: dict[str, Any] = orjson.loads(dump_json(data))
    return Event(event_type.partition(".")[0], seq, event_type, 1, str(told["id"]), datetime.now(UTC), told)


class World:
    """A factory over one database. Each method tells of a thing and of those it needs; says what it made."""

    def __init__(self, pool: Pool, keys: KeyRing, origin: str) -> None:
        self.pool = pool
        self._keys = keys
        self._origin = origin
        self._seqs = count(1)

    def next_seq(self) -> int:
        return next(self._seqs)

    async def tell(self, event_type: str, data: dict[str, Any], *, seq: int | None = None) -> int:
        """An event that reaches the service; answers its number."""
        number = self.next_seq() if seq is None else seq
        await self.tell_all([event(event_type, number, data)])
        return number

    async def tell_all(self, events: Sequence[Event]) -> None:
        """A batch: one transaction for each run of events that one handler hears."""
        async with self.pool.acquire() as conn:
            for handler in dict.fromkeys(HANDLER_OF[each.type] for each in events):
                async with conn.transaction():
                    await handler.apply(conn, [each for each in events if each.type in handler.types])

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

    def bearer(self, user: User) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(user)}"}

    def browser(self, user: User) -> dict[str, str]:
        """Headers of a browser: the cookie, and the Origin that posted forms carry."""
        return {
            "Cookie": f"{ACCESS_COOKIE}={self.token(user)}",
            "Origin": self._origin,
            "Accept": "text/html",
        }

    @staticmethod
    def user(role: Role | str = Role.PASSENGER, company: Company | None = None) -> User:
        return User(uuid7(), Role(role), company.id if company else None)

    async def company(self, name: str = "Kaveri Lines") -> Company:
        made = Company(uuid7(), name)
        await self.tell(
            "company.company.changed",
            {"id": made.id, "name": name, "slug": f"c-{made.id}", "time_zone": ZONE, "currency": "INR"},
        )
        return made

    async def trip(
        self,
        company: Company | None = None,
        *,
        departs_at: datetime | None = None,
        cities: Sequence[str] = CITIES,
        delay_min: int = 0,
        status: str = "scheduled",
        tell: bool = True,
    ) -> Trip:
        """A departure, in two days if nothing else is said, on a route of its own; told of or not."""
        company = company or await self.company()
        departs_at = departs_at or datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
        takes_s = (len(cities) - 1) * (LEG_S + WAIT_S) - WAIT_S
        made = Trip(
            uuid7(),
            company,
            uuid7(),
            tuple(uuid7() for _ in cities),
            uuid7(),
            departs_at,
            departs_at + timedelta(seconds=takes_s),
        )
        if tell:
            await self.tell_all(
                [event(name, self.next_seq(), data) for name, data in self.of_trip(made, cities)]
            )
            await self.tell("company.trip.changed", trip_data(made, delay_min=delay_min, status=status))
        return made

    @staticmethod
    def of_trip(trip: Trip, cities: Sequence[str] = CITIES) -> list[tuple[str, dict[str, Any]]]:
        """What a departure needs: its stops, its route and its bus."""
        stops = [
            (
                "company.stop.changed",
                {"id": stop_id, "company_id": trip.company.id, **stop_data(city)},
            )
            for stop_id, city in zip(trip.stop_ids, cities, strict=True)
        ]
        route = {
            "id": trip.route_id,
            "company_id": trip.company.id,
            "name": f"{cities[0]} to {cities[-1]}",
            "status": "active",
            "currency": "INR",
            "calls": trip.calls(),
        }
        bus = {"id": trip.bus_id, "company_id": trip.company.id, "plate": "KA 01 AB 1234", "status": "active"}
        return [*stops, ("company.route.changed", route), ("company.bus.changed", bus)]

    async def booking(
        self,
        trip: Trip,
        user: User | None = None,
        *,
        seats: Sequence[str] = ("1A",),
        from_seq: int = 0,
        to_seq: int = 3,
        status: str = "confirmed",
        tell: bool = True,
    ) -> Booking:
        made = Booking(
            booking_id := uuid7(),
            f"W{booking_id.hex[-7:].upper()}",
            user or self.user(),
            trip,
            tuple(seats),
            tuple(uuid7() for _ in seats),
        )
        if tell:
            await self.tell(f"ticketing.booking.{status}", booking_data(made, from_seq, to_seq, status))
            for place in range(len(seats)):
                await self.ticket(made, place, status=status, from_seq=from_seq, to_seq=to_seq)
        return made

    async def ticket(
        self, booking: Booking, place: int = 0, *, seq: int | None = None, **changes: Any
    ) -> int:
        """Tell of a ticket as it is now."""
        data = ticket_data(booking, place, **changes)
        return await self.tell(f"ticketing.ticket.{data['status']}", data, seq=seq)

    async def trip_changed(self, trip: Trip, **changes: Any) -> int:
        return await self.tell("company.trip.changed", trip_data(trip, **changes))


def stop_data(city: str) -> dict[str, Any]:
    return {
        "code": None,
        "name": f"{city} Bus Stand",
        "city": city,
        "place": city.lower(),
        "lat": 12.97,
        "lon": 77.59,
        "time_zone": ZONE,
    }


def trip_data(trip: Trip, **changes: Any) -> dict[str, Any]:
    return {
        "id": trip.id,
        "company_id": trip.company.id,
        "route_id": trip.route_id,
        "layout_id": uuid7(),
        "bus_id": trip.bus_id,
        "departs_at": trip.departs_at.isoformat(),
        "arrives_at": trip.arrives_at.isoformat(),
        "delay_min": 0,
        "status": "scheduled",
        **changes,
    }


def booking_data(booking: Booking, from_seq: int, to_seq: int, status: str) -> dict[str, Any]:
    trip = booking.trip
    return {
        "id": booking.id,
        "reference": booking.reference,
        "user_id": booking.user.id,
        "trip_id": trip.id,
        "company_id": trip.company.id,
        "from_seq": from_seq,
        "to_seq": to_seq,
        "status": status,
        "journey": {
            "route_id": trip.route_id,
            "route_name": f"{CITIES[0]} to {CITIES[-1]}",
            "company_name": trip.company.name,
            **ends(trip, from_seq, to_seq),
            "departs_at": format_instant(trip.departs_at),
            "arrives_at": format_instant(trip.arrives_at),
        },
    }


def ends(trip: Trip, from_seq: int, to_seq: int) -> dict[str, Any]:
    def end(seq: int) -> dict[str, Any]:
        return {
            "seq": seq,
            "stop_id": trip.stop_ids[seq],
            "name": f"{CITIES[seq]} Bus Stand",
            "city": CITIES[seq],
            "time_zone": ZONE,
        }

    return {
        "from": {**end(from_seq), "departs_at": format_instant(trip.at(from_seq, "depart_s"))},
        "to": {**end(to_seq), "arrives_at": format_instant(trip.at(to_seq, "arrive_s"))},
    }


def ticket_data(booking: Booking, place: int = 0, **changes: Any) -> dict[str, Any]:
    seat = booking.seats[place]
    return {
        "id": booking.ticket_ids[place],
        "booking_id": booking.id,
        "trip_id": booking.trip.id,
        "company_id": booking.trip.company.id,
        "user_id": booking.user.id,
        "seat": seat,
        "seat_class": "seater",
        "deck": "lower",
        "from_seq": 0,
        "to_seq": 3,
        "passenger_name": f"Passenger {seat}",
        "passenger_age": None,
        "passenger_gender": None,
        "price_minor": 30_000,
        "refund_due_minor": 0,
        "status": "confirmed",
        "sold": True,
        "qr_serial": 0,
        "updated_at": datetime.now(UTC),
        **changes,
    }


def ticket_document(booking: Booking, place: int = 0, **changes: Any) -> dict[str, Any]:
    """What GET /api/tickets/{id} answers, as its owner knows it."""
    told = ticket_data(booking, place)
    return {
        **{
            name: told[name] for name in ("id", "booking_id", "trip_id", "seat", "deck", "from_seq", "to_seq")
        },
        "class": "seater",
        "passenger": {"name": told["passenger_name"], "age": None, "gender": None},
        "price": {"amount": 30_000, "currency": "INR"},
        "status": "confirmed",
        "checked_in_at": None,
        "refund_due": {"amount": 0, "currency": "INR"},
        "serial": 0,
        "booking_reference": booking.reference,
        "booking_status": "confirmed",
        "company_name": booking.trip.company.name,
        "route_name": f"{CITIES[0]} to {CITIES[-1]}",
        **ends(booking.trip, 0, 3),
        "delay_min": 0,
        "trip_status": "scheduled",
        **changes,
    }


def plan_document(trip: Trip) -> dict[str, Any]:
    """What GET /api/trips/{id}/plan answers."""
    stops = zip(trip.calls(), trip.stop_ids, CITIES, strict=True)
    return {
        "trip": {**trip_data(trip), "bus_plate": "KA 01 AB 1234"},
        "company": {"id": trip.company.id, "name": trip.company.name, "time_zone": ZONE, "currency": "INR"},
        "route": {
            "id": trip.route_id,
            "name": f"{CITIES[0]} to {CITIES[-1]}",
            "currency": "INR",
            "calls": [
                {
                    "seq": call["seq"],
                    "stop": {"id": stop_id, **stop_data(city)},
                    "arrive_s": call["arrive_s"],
                    "depart_s": call["depart_s"],
                    "leg_fare": call["leg_fare_minor"],
                }
                for call, stop_id, city in stops
            ],
        },
        "layout": {"id": uuid7(), "capacity": 12, "decks": [], "classes": [], "seats": []},
    }
