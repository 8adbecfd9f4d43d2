"""The wire of a departure's plan: all that it takes to sell and to board it, in one answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import fields

from common.instants import format_instant
from common.money import to_minor
from common.schemas import Currency, IdField, Instant, Integer, Slug, StrictSchema, Text, TimeZone
from legacy.schemas.company import STATUS, RefundPolicy
from legacy.schemas.fleet import Deck, Seat, SeatClass
from legacy.schemas.network import Degrees
from legacy.schemas.schedule import Trip, trip_wire

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class PlannedTrip(Trip):
    timetable_id = IdField(required=True, allow_none=True)
    created_at = Instant(required=True)


class PlannedCompany(StrictSchema):
    id = IdField(required=True)
    name = Text(required=True)
    status = fields.String(required=True, validate=STATUS)
    currency = Currency(required=True)
    time_zone = TimeZone(required=True)
    refund_policy = fields.Nested(RefundPolicy, required=True)


class PlannedStop(StrictSchema):
    id = IdField(required=True)
    name = Text(required=True)
    city = Text(required=True)
    place = Slug(required=True)
    lat = Degrees(90, required=True)
    lon = Degrees(180, required=True)
    time_zone = TimeZone(required=True)


class PlannedCall(StrictSchema):
    seq = Integer(required=True)
    stop = fields.Nested(PlannedStop, required=True)
    arrive_s = Integer(required=True)
    depart_s = Integer(required=True)
    leg_fare = Integer(required=True, metadata={"description": "From the stop before, in minor units."})


class PlannedRoute(StrictSchema):
    id = IdField(required=True)
    name = Text(required=True)
    currency = Currency(required=True)
    calls = fields.List(fields.Nested(PlannedCall), required=True)


class PlannedLayout(StrictSchema):
    id = IdField(required=True)
    capacity = Integer(required=True)
    decks = fields.List(fields.Nested(Deck), required=True)
    classes = fields.List(fields.Nested(SeatClass), required=True)
    seats = fields.List(fields.Nested(Seat), required=True)


class Plan(StrictSchema):
    trip = fields.Nested(PlannedTrip, required=True)
    company = fields.Nested(PlannedCompany, required=True)
    route = fields.Nested(PlannedRoute, required=True)
    layout = fields.Nested(PlannedLayout, required=True)


def plan_wire(
    trip: Mapping[str, Any], stops: Sequence[Mapping[str, Any]], plan: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "trip": {
            **trip_wire(trip, stops),
            "timetable_id": trip["timetable_id"],
            "created_at": format_instant(trip["created_at"]),
        },
        "company": {
            "id": trip["company_id"],
            "name": trip["company_name"],
            "status": plan["company_status"],
            "currency": plan["currency"],
            "time_zone": plan["time_zone"],
            "refund_policy": plan["refund_policy"],
        },
        "route": {
            "id": trip["route_id"],
            "name": trip["route_name"],
            "currency": plan["route_currency"],
            "calls": [_call_wire(stop, plan["route_currency"]) for stop in stops],
        },
        "layout": {
            "id": trip["layout_id"],
            "capacity": trip["capacity"],
            "decks": plan["decks"],
            "classes": plan["classes"],
            "seats": plan["seats"],
        },
    }


def _call_wire(stop: Mapping[str, Any], currency: str) -> dict[str, Any]:
    return {
        "seq": stop["seq"],
        "stop": {
            "id": stop["stop_id"],
            "name": stop["name"],
            "city": stop["city"],
            "place": stop["place"],
            "lat": stop["lat"],
            "lon": stop["lon"],
            "time_zone": stop["time_zone"],
        },
        "arrive_s": stop["arrive_s"],
        "depart_s": stop["depart_s"],
        "leg_fare": to_minor(stop["leg_fare"], currency),
    }
