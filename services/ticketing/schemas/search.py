"""The wire of places, offers and seat maps."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from marshmallow import fields, validate

from common.money import money
from common.schemas import (
    IdField,
    Instant,
    Integer,
    ListQuery,
    LocalDate,
    Money,
    StrictSchema,
    Text,
    TimeZone,
)
from services.ticketing.domain.bookings import MOST_PASSENGERS
from services.ticketing.schemas.layouts import CLASS_CODE, DECK, Deck, SeatClass
from services.ticketing.schemas.trips import TRIP_STATUS, Clock, Degrees
from services.ticketing.service.state import boards_at

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.ticketing.repository import Row
    from services.ticketing.service.search import Offer as FoundOffer

SORTS = ("departure", "price", "duration")
LARGEST_SEQ = 99


class PlaceQuery(StrictSchema):
    q = Text(shortest=0, longest=100, load_default="")
    limit = Integer(minimum=1, maximum=20, from_text=True, load_default=10)


class Place(StrictSchema):
    id = fields.String(required=True, metadata={"description": "A city's slug, or a stop's id."})
    kind = fields.String(required=True, validate=validate.OneOf(("city", "stop")))
    name = fields.String(required=True)
    city = fields.String(required=True)
    time_zone = TimeZone(required=True)
    lat = Degrees(90, required=True)
    lon = Degrees(180, required=True)


class PlacePage(StrictSchema):
    items = fields.List(fields.Nested(Place), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class SearchQuery(ListQuery):
    origin = Text(required=True, longest=200, data_key="from", attribute="from")
    destination = Text(required=True, longest=200, data_key="to", attribute="to")
    date = LocalDate(required=True, metadata={"description": "Of the departure, where it is boarded."})
    passengers = Integer(minimum=1, maximum=MOST_PASSENGERS, from_text=True, load_default=1)
    sort = fields.String(validate=validate.OneOf(SORTS), load_default="departure")
    company_id = IdField(load_default=None)
    seat_class = fields.String(data_key="class", attribute="class", validate=CLASS_CODE, load_default=None)
    after = Clock(load_default=None, metadata={"description": "Not before this time of day, `HH:MM`."})
    before = Clock(load_default=None, metadata={"description": "Not after this time of day, `HH:MM`."})


class JourneyStop(StrictSchema):
    seq = Integer(required=True)
    stop_id = IdField(required=True)
    name = fields.String(required=True)
    city = fields.String(required=True)
    time_zone = TimeZone(required=True)


class JourneyStart(JourneyStop):
    departs_at = Instant(required=True)


class JourneyEnd(JourneyStop):
    arrives_at = Instant(required=True)


class Offer(StrictSchema):
    trip_id = IdField(required=True)
    company_id = IdField(required=True)
    company_name = fields.String(required=True)
    route_name = fields.String(required=True)
    origin = fields.Nested(JourneyStart, required=True, data_key="from", attribute="from")
    destination = fields.Nested(JourneyEnd, required=True, data_key="to", attribute="to")
    duration_s = Integer(required=True)
    delay_min = Integer(required=True)
    price_from = Money(required=True, metadata={"description": "Of the cheapest seat that is left."})
    classes = fields.List(
        fields.String(), required=True, metadata={"description": "Those with seats left, cheapest first."}
    )
    seats_left = Integer(required=True)
    capacity = Integer(required=True)


class OfferPage(StrictSchema):
    items = fields.List(fields.Nested(Offer), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class StretchQuery(StrictSchema):
    origin = Integer(
        minimum=0, maximum=LARGEST_SEQ, from_text=True, load_default=None, data_key="from", attribute="from"
    )
    destination = Integer(
        minimum=1, maximum=LARGEST_SEQ, from_text=True, load_default=None, data_key="to", attribute="to"
    )


class SeatOnMap(StrictSchema):
    seat = fields.String(required=True)
    deck = fields.String(required=True, validate=DECK)
    row = Integer(required=True)
    column = Integer(required=True)
    seat_class = fields.String(required=True, data_key="class", attribute="class")
    price = Money(required=True)
    state = fields.String(required=True, validate=validate.OneOf(("free", "held", "sold")))


class SeatMap(StrictSchema):
    trip_id = IdField(required=True)
    origin = Integer(required=True, data_key="from", attribute="from")
    destination = Integer(required=True, data_key="to", attribute="to")
    status = fields.String(required=True, validate=TRIP_STATUS)
    currency = fields.String(required=True)
    decks = fields.List(fields.Nested(Deck), required=True)
    classes = fields.List(fields.Nested(SeatClass), required=True)
    seats = fields.List(fields.Nested(SeatOnMap), required=True)
    seats_left = Integer(required=True)


def place_wire(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "kind": row["kind"],
        "name": row["name"],
        "city": row["city"],
        "time_zone": row["time_zone"],
        "lat": round(row["lat"], 6),
        "lon": round(row["lon"], 6),
    }


def ends_wire(row: Mapping[str, Any], from_seq: int, to_seq: int) -> dict[str, Any]:
    """Where and when a stretch starts and ends, of a row that describes both stops."""
    return {
        "from": {
            "seq": from_seq,
            "stop_id": row["from_stop_id"],
            "name": row["from_name"],
            "city": row["from_city"],
            "time_zone": row["from_zone"],
            "departs_at": boards_at(row),
        },
        "to": {
            "seq": to_seq,
            "stop_id": row["to_stop_id"],
            "name": row["to_name"],
            "city": row["to_city"],
            "time_zone": row["to_zone"],
            "arrives_at": row["departs_at"] + timedelta(seconds=row["arrive_s"]),
        },
    }


def offer_wire(offer: FoundOffer) -> dict[str, Any]:
    departure = offer.departure
    return {
        "trip_id": departure["trip_id"],
        "company_id": departure["company_id"],
        "company_name": departure["company_name"],
        "route_name": departure["route_name"],
        **ends_wire(departure, departure["from_seq"], departure["to_seq"]),
        "duration_s": departure["duration_s"],
        "delay_min": departure["delay_min"],
        "price_from": money(offer.price_minor, departure["currency"]),
        "classes": offer.classes,
        "seats_left": offer.seats_left,
        "capacity": offer.capacity,
    }
