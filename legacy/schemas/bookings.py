"""The wire of bookings, tickets and refund offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import fields, validate

from common.schemas import Email, IdField, Instant, Integer, ListQuery, Money, Phone, StrictSchema, Text
from legacy.holds import Order, Passenger
from legacy.rules.bookings import MOST_PASSENGERS, Status
from legacy.rules.money import wire_money
from legacy.schemas.fleet import SEAT
from legacy.schemas.schedule import STATUS as TRIP_STATUS
from legacy.schemas.search import LARGEST_SEQ, JourneyEnd, JourneyStart, ends_wire

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from legacy.cancellations import Offer

STATUS = validate.OneOf([status.value for status in Status])
ONE_LINE = validate.ContainsNoneOf("\r\n\t", error="Must be one line.")
GENDER = validate.OneOf(("female", "male", "other"))


class NewPassenger(StrictSchema):
    seat = fields.String(required=True, validate=SEAT)
    name = Text(required=True, longest=120, validate=ONE_LINE)
    age = Integer(minimum=0, maximum=120, load_default=None, allow_none=True)
    gender = fields.String(validate=GENDER, load_default=None, allow_none=True)


class NewContact(StrictSchema):
    email = Email(required=True)
    phone = Phone(load_default=None, allow_none=True)


class NewBooking(StrictSchema):
    trip_id = IdField(required=True)
    from_seq = Integer(required=True, minimum=0, maximum=LARGEST_SEQ)
    to_seq = Integer(required=True, minimum=0, maximum=LARGEST_SEQ)
    passengers = fields.List(
        fields.Nested(NewPassenger), required=True, validate=validate.Length(min=1, max=MOST_PASSENGERS)
    )
    contact = fields.Nested(NewContact, load_default=None, allow_none=True)


class BookingQuery(ListQuery):
    status = fields.String(validate=STATUS, load_default=None)
    when = fields.String(validate=validate.OneOf(("upcoming", "past")), load_default=None)


class TicketsGivenBack(StrictSchema):
    """Which tickets are meant; all that are left if none is named."""

    ticket_ids = fields.List(
        IdField(), load_default=None, allow_none=True, validate=validate.Length(min=1, max=MOST_PASSENGERS)
    )


class BookingCancellation(TicketsGivenBack):
    offer_id = IdField(load_default=None, allow_none=True)


class RefundOffer(StrictSchema):
    id = IdField(required=True)
    booking_id = IdField(required=True)
    ticket_ids = fields.List(IdField(), required=True)
    percent = Integer(required=True)
    amount = Money(required=True)
    expires_at = Instant(required=True)


class TicketPassenger(StrictSchema):
    name = fields.String(required=True)
    age = Integer(required=True, allow_none=True)
    gender = fields.String(required=True, allow_none=True, validate=GENDER)


class BookedTicket(StrictSchema):
    id = IdField(required=True)
    booking_id = IdField(required=True)
    trip_id = IdField(required=True)
    seat = fields.String(required=True)
    seat_class = fields.String(required=True, data_key="class", attribute="class")
    deck = fields.String(required=True)
    from_seq = Integer(required=True)
    to_seq = Integer(required=True)
    passenger = fields.Nested(TicketPassenger, required=True)
    price = Money(required=True)
    status = fields.String(required=True, validate=STATUS)
    checked_in_at = Instant(required=True, allow_none=True)
    refund_due = Money(required=True)


class Ticket(BookedTicket):
    booking_reference = fields.String(required=True)
    booking_status = fields.String(required=True, validate=STATUS)
    company_name = fields.String(required=True)
    route_name = fields.String(required=True)
    origin = fields.Nested(JourneyStart, required=True, data_key="from", attribute="from")
    destination = fields.Nested(JourneyEnd, required=True, data_key="to", attribute="to")
    delay_min = Integer(required=True)
    trip_status = fields.String(required=True, validate=TRIP_STATUS)
    serial = Integer(required=True, metadata={"description": "Of its code: older ones are good no more."})


class Contact(StrictSchema):
    email = fields.String(required=True)
    phone = fields.String(required=True, allow_none=True)


class Booking(StrictSchema):
    id = IdField(required=True)
    reference = fields.String(required=True)
    user_id = IdField(required=True)
    trip_id = IdField(required=True)
    company_id = IdField(required=True)
    company_name = fields.String(required=True)
    route_name = fields.String(required=True)
    origin = fields.Nested(JourneyStart, required=True, data_key="from", attribute="from")
    destination = fields.Nested(JourneyEnd, required=True, data_key="to", attribute="to")
    delay_min = Integer(required=True)
    trip_status = fields.String(required=True, validate=TRIP_STATUS)
    status = fields.String(required=True, validate=STATUS)
    expires_at = Instant(required=True, allow_none=True, metadata={"description": "Of a held booking."})
    total = Money(required=True)
    refund_due = Money(required=True)
    payment_id = IdField(required=True, allow_none=True)
    contact = fields.Nested(Contact, required=True)
    tickets = fields.List(fields.Nested(BookedTicket), required=True)
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class BookingPage(StrictSchema):
    items = fields.List(fields.Nested(Booking), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


def order_of(data: Mapping[str, Any]) -> Order:
    """What a loaded NewBooking asks for."""
    contact = data["contact"] or {"email": None, "phone": None}
    return Order(
        data["trip_id"],
        data["from_seq"],
        data["to_seq"],
        tuple(
            Passenger(each["seat"], each["name"], each["age"], each["gender"]) for each in data["passengers"]
        ),
        contact["email"],
        contact["phone"],
    )


def seen_status(row: Mapping[str, Any], status: str) -> str:
    """A hold is over the moment that its time is, whether or not anybody has written that down yet."""
    return "expired" if status == "held" and row["expires_at"] <= row["now"] else status


def booking_wire(row: Mapping[str, Any], tickets: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    status = seen_status(row, row["status"])
    expires_at: datetime | None = row["expires_at"] if status == "held" else None
    return {
        "id": row["id"],
        "reference": row["reference"],
        "user_id": row["user_id"],
        "trip_id": row["trip_id"],
        "company_id": row["company_id"],
        "company_name": row["company_name"],
        "route_name": row["route_name"],
        **ends_wire(row, row["from_seq"], row["to_seq"]),
        "delay_min": row["delay_min"],
        "trip_status": row["trip_status"],
        "status": status,
        "expires_at": expires_at,
        "total": wire_money(row["total"], row["currency"]),
        "refund_due": wire_money(row["refund_due"], row["currency"]),
        "payment_id": row["payment_id"],
        "contact": {"email": row["contact_email"], "phone": row["contact_phone"]},
        "tickets": [ticket_wire(row, ticket) for ticket in tickets],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }


def ticket_wire(booking: Mapping[str, Any], ticket: Mapping[str, Any]) -> dict[str, Any]:
    """A ticket as its booking shows it."""
    currency = booking["currency"]
    return {
        "id": ticket["id"],
        "booking_id": ticket["booking_id"],
        "trip_id": ticket["trip_id"],
        "seat": ticket["seat"],
        "class": ticket["seat_class"],
        "deck": ticket["deck"],
        "from_seq": ticket["from_seq"],
        "to_seq": ticket["to_seq"],
        "passenger": {
            "name": ticket["passenger_name"],
            "age": ticket["passenger_age"],
            "gender": ticket["passenger_gender"],
        },
        "price": wire_money(ticket["price"], currency),
        "status": seen_status(booking, ticket["status"]),
        "checked_in_at": ticket["scanned_at"],
        "refund_due": wire_money(ticket["refund_due"], currency),
    }


def whole_ticket_wire(booking: Mapping[str, Any], ticket: Mapping[str, Any]) -> dict[str, Any]:
    """A ticket that stands alone."""
    return {
        **ticket_wire(booking, ticket),
        "booking_reference": booking["reference"],
        "booking_status": seen_status(booking, booking["status"]),
        "company_name": booking["company_name"],
        "route_name": booking["route_name"],
        **ends_wire(booking, ticket["from_seq"], ticket["to_seq"]),
        "delay_min": booking["delay_min"],
        "trip_status": booking["trip_status"],
        "serial": ticket["qr_serial"],
    }


def offer_wire(offer: Offer) -> dict[str, Any]:
    return {
        "id": offer.id,
        "booking_id": offer.booking_id,
        "ticket_ids": offer.ticket_ids,
        "percent": offer.percent,
        "amount": wire_money(offer.amount, offer.currency),
        "expires_at": offer.expires_at,
    }
