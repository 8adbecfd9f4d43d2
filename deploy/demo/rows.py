"""Neutral demo rows: what exists, in nobody's schema. A writer per side turns them into that side's tables.

Instants are aware and in UTC, money is in minor units (paise), ids are the bytes of UUIDv7s.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from datetime import date, datetime

CURRENCY = "INR"


class User(NamedTuple):
    id: bytes
    email: str
    role: str
    company_id: bytes | None
    full_name: str
    phone: str | None
    locale: str
    created_at: datetime


class Traveller(NamedTuple):
    id: bytes
    user_id: bytes
    name: str
    age: int
    gender: str
    created_at: datetime


class Layout(NamedTuple):
    id: bytes
    name: str
    decks: list[dict[str, Any]]
    classes: list[dict[str, Any]]
    seats: list[dict[str, Any]]


class Bus(NamedTuple):
    id: bytes
    plate: str
    name: str
    layout_id: bytes


class Driver(NamedTuple):
    id: bytes
    name: str
    phone: str
    licence: str
    user_id: bytes | None


class Stop(NamedTuple):
    id: bytes
    code: str
    name: str
    city: str
    place: str
    lat: float
    lon: float


class RouteStop(NamedTuple):
    stop_id: bytes
    arrive_s: int
    depart_s: int
    leg_fare: int


class Route(NamedTuple):
    id: bytes
    code: str
    name: str
    distance_km: int
    stops: tuple[RouteStop, ...]


class Trip(NamedTuple):
    id: bytes
    route_id: bytes
    layout_id: bytes
    bus_id: bytes
    driver_id: bytes
    service_date: date
    departs_at: datetime
    arrives_at: datetime
    delay_min: int
    status: str
    cancel_reason: str | None
    created_at: datetime


class Ticket(NamedTuple):
    id: bytes
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
    scan_id: bytes | None


class Payment(NamedTuple):
    id: bytes
    status: str
    amount: int
    card_brand: str
    card_last4: str
    at: datetime
    entry_id: bytes  # in the ledger


class Refund(NamedTuple):
    id: bytes
    amount: int
    reason: str
    at: datetime
    entry_id: bytes


class Booking(NamedTuple):
    id: bytes
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
    id: bytes
    trip_id: bytes
    user_id: bytes
    from_seq: int
    to_seq: int
    seats: int
    created_at: datetime


@dataclass(slots=True)
class Company:
    """One company with all that is its own, and the passengers who ride with it."""

    id: bytes
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
