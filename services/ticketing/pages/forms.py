"""What the forms on the pages hold: looser than the API, for people type them."""

from __future__ import annotations

from marshmallow import fields, validate

from common.schemas import IdField, Integer, LocalDate, StrictSchema, Text
from services.ticketing.domain.bookings import MOST_PASSENGERS
from services.ticketing.schemas.bookings import GENDER
from services.ticketing.schemas.layouts import SEAT
from services.ticketing.schemas.search import LARGEST_SEQ, SORTS
from services.ticketing.schemas.trips import Clock


class SearchForm(StrictSchema):
    """A place is what a person calls it, or a slug or an id that a link carries."""

    origin = Text(required=True, longest=200, data_key="from", attribute="from")
    destination = Text(required=True, longest=200, data_key="to", attribute="to")
    date = LocalDate(required=True)
    passengers = Integer(minimum=1, maximum=MOST_PASSENGERS, load_default=1)
    sort = fields.String(validate=validate.OneOf(SORTS), load_default="departure")
    after = Clock(load_default=None)
    before = Clock(load_default=None)
    cursor = fields.String(load_default=None)


class StretchForm(StrictSchema):
    origin = Integer(minimum=0, maximum=LARGEST_SEQ, load_default=None, data_key="from", attribute="from")
    destination = Integer(minimum=1, maximum=LARGEST_SEQ, load_default=None, data_key="to", attribute="to")
    passengers = Integer(minimum=1, maximum=MOST_PASSENGERS, load_default=1)


class PassengerForm(StrictSchema):
    name = Text(required=True, longest=120)
    age = Integer(minimum=0, maximum=120, load_default=None)
    gender = fields.String(validate=GENDER, load_default=None)


class HoldForm(StrictSchema):
    """Seats and passengers meet in the order in which they come."""

    from_seq = Integer(required=True, minimum=0, maximum=LARGEST_SEQ)
    to_seq = Integer(required=True, minimum=0, maximum=LARGEST_SEQ)
    seat = fields.List(
        fields.String(validate=SEAT), required=True, validate=validate.Length(min=1, max=MOST_PASSENGERS)
    )
    passengers = fields.List(
        fields.Nested(PassengerForm), required=True, validate=validate.Length(min=1, max=MOST_PASSENGERS)
    )


class WaitingForm(StrictSchema):
    from_seq = Integer(required=True, minimum=0, maximum=LARGEST_SEQ)
    to_seq = Integer(required=True, minimum=0, maximum=LARGEST_SEQ)
    seats = Integer(required=True, minimum=1, maximum=MOST_PASSENGERS)


class CancelForm(StrictSchema):
    """Without an offer one is made and shown first."""

    ticket_ids = fields.List(
        IdField(), load_default=None, validate=validate.Length(min=1, max=MOST_PASSENGERS)
    )
    offer_id = IdField(load_default=None)
    give_up = fields.String(load_default=None, metadata={"description": "Set by the button of a hold."})


class BookingListForm(StrictSchema):
    when = fields.String(validate=validate.OneOf(("upcoming", "past", "all")), load_default="upcoming")
    cursor = fields.String(load_default=None)
