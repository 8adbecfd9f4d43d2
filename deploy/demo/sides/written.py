"""A company's departures and bookings, their values as they are copied: written once for all databases."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from deploy.demo.copying import NO, NULL, YES, day, instant, int2, int4, int8, sized, span, stretch, text
from deploy.demo.sides.mirrored import is_sold

if TYPE_CHECKING:
    from deploy.demo.rows import Booking, Ticket, Trip

_common_instant = lru_cache(maxsize=1 << 12)(instant)  # many departures share one


class Departure(NamedTuple):
    trip: Trip
    id: bytes
    route_id: bytes
    layout_id: bytes
    bus_id: bytes
    driver_id: bytes
    service_date: bytes
    departs_at: bytes
    arrives_at: bytes
    delay_min: bytes
    status: bytes
    cancel_reason: bytes
    created_at: bytes

    @classmethod
    def of(cls, trip: Trip) -> Departure:
        return cls(
            trip,
            trip.id,
            trip.route_id,
            trip.layout_id,
            trip.bus_id,
            trip.driver_id,
            day(trip.service_date),
            _common_instant(trip.departs_at),
            _common_instant(trip.arrives_at),
            int4(trip.delay_min),
            text(trip.status),
            text(trip.cancel_reason),
            _common_instant(trip.created_at),
        )


class Sold(NamedTuple):
    """A ticket."""

    ticket: Ticket
    id: bytes
    seat: bytes
    seat_class: bytes
    deck: bytes
    passenger_name: bytes
    age: bytes
    gender: bytes
    scan_id: bytes | None
    scanned_at: bytes

    @classmethod
    def of(cls, ticket: Ticket) -> Sold:
        return cls(
            ticket,
            ticket.id,
            text(ticket.seat),
            text(ticket.seat_class),
            text(ticket.deck),
            text(ticket.passenger_name),
            int2(ticket.age),
            text(ticket.gender),
            ticket.scan_id,
            instant(ticket.scanned_at) if ticket.scanned_at else NULL,
        )


class Sale(NamedTuple):
    """A booking. Its tickets are in its own state, and so are their claims."""

    booking: Booking
    id: bytes
    reference: bytes
    user_id: bytes
    trip_id: bytes
    from_seq: bytes
    to_seq: bytes
    segment: bytes
    status: bytes
    sold: bytes
    total_minor: bytes
    refund_due_minor: bytes
    refund_reason: bytes
    payment_id: bytes
    expires_at: bytes
    created_at: bytes
    updated_at: bytes
    tickets: list[Sold]

    @classmethod
    def of(cls, booking: Booking) -> Sale:
        return cls(
            booking,
            booking.id,
            sized(booking.reference.encode()),
            booking.user.id,
            booking.trip.id,
            int2(booking.from_seq),
            int2(booking.to_seq),
            stretch(booking.from_seq, booking.to_seq),
            text(booking.status),
            YES if is_sold(booking.status) else NO,
            int8(booking.total),
            int8(booking.refund_due),
            text(booking.refund_reason),
            booking.payment.id if booking.payment else NULL,
            instant(booking.expires_at),
            instant(booking.created_at),
            instant(booking.updated_at),
            [Sold.of(ticket) for ticket in booking.tickets],
        )


def busy(trip: Trip) -> bytes:
    """When its bus and its driver are taken."""
    return span(trip.departs_at, trip.arrives_at + timedelta(minutes=trip.delay_min))
