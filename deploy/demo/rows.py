"""Neutral demo rows: what exists, in nobody's schema. A writer per side turns them into that side's tables.

Instants are aware and in UTC, money is in minor units (paise), ids are UUIDv7.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from datetime import date, datetime
    from uuid import UUID

CURRENCY = "INR"


class User(NamedTuple):
    id: UUID
    email: str
    role: str
    company_id: UUID | None
    full_name: str
    phone: str | None
    locale: str
    created_at: datetime


class Traveller(NamedTuple):
    id: UUID
    user_id: UUID
    name: str
    age: int
    gender: str
    created_at: datetime


class Layout(NamedTuple):
    id: UUID
    name: str
    decks: list[dict[str, Any]]
    classes: list[dict[str, Any]]
    seats: list[dict[str, Any]]


class Bus(NamedTuple):
    id: UUID
    plate: str
    name: str
    layout_id: UUID


class Driver(NamedTuple):
    id: UUID
    name: str
    phone: str
    licence: str
    user_id: UUID | None


class Stop(NamedTuple):
    id: UUID
    code: str
    name: str
    city: str
    place: str
    lat: float
    lon: float


class RouteStop(NamedTuple):
    stop_id: UUID
    arrive_s: int
    depart_s: int
    leg_fare: int


class Route(NamedTuple):
    id: UUID
    code: str
    name: str
    distance_km: int
    stops: tuple[RouteStop, ...]


class Trip(NamedTuple):
    id: UUID
    route_id: UUID
    layout_id: UUID
    bus_id: UUID
    driver_id: UUID
    service_date: date
    departs_at: datetime
    arrives_at: datetime
    delay_min: int
    status: str
    cancel_reason: str | None
    created_at: datetime


class Ticket(NamedTuple):
    id: UUID
    seat: str
    seat_class: str
    deck: str
    passenger_name: str
    age: int
    gender: str
    price: int
    status: str
    refund_due: int
    scanned_at: datetime | None
    scan_id: UUID | None


class Payment(NamedTuple):
    id: UUID
    status: str
    amount: int
    card_brand: str
    card_last4: str
    at: datetime
    entry_id: UUID  # in the ledger


class Refund(NamedTuple):
    id: UUID
    amount: int
    reason: str
    at: datetime
    entry_id: UUID


class Booking(NamedTuple):
    id: UUID
    reference: str
    user: User
    trip: Trip
    from_seq: int
    to_seq: int
    status: str
    total: int
    refund_due: int
    refund_reason: str | None
    expires_at: datetime
    created_at: datetime
    updated_at: datetime
    tickets: tuple[Ticket, ...]
    payment: Payment | None
    refund: Refund | None


class Waiting(NamedTuple):
    id: UUID
    trip_id: UUID
    user_id: UUID
    from_seq: int
    to_seq: int
    seats: int
    created_at: datetime


@dataclass(slots=True)
class Company:
    """One company with all that is its own, and the passengers who ride with it."""

    id: UUID
    name: str
    slug: str
    contact_email: str
    contact_phone: str
    refund_policy: dict[str, Any]
    created_at: datetime
    made_for: datetime
    """The instant that is now in its data."""
    staff: list[User] = field(default_factory=list)
    passengers: list[User] = field(default_factory=list)
    travellers: list[Traveller] = field(default_factory=list)
    layouts: list[Layout] = field(default_factory=list)
    buses: list[Bus] = field(default_factory=list)
    drivers: list[Driver] = field(default_factory=list)
    stops: list[Stop] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    trips: list[Trip] = field(default_factory=list)
    bookings: list[Booking] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
