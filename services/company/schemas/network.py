"""The wire of stops and routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import fields, validate, validates_schema
from marshmallow.exceptions import ValidationError

from common.instants import format_instant
from common.money import money
from common.schemas import (
    IdField,
    Instant,
    Integer,
    Money,
    Slug,
    StrictSchema,
    Text,
    TimeZone,
)
from services.company.domain.network import offset_errors
from services.company.domain.places import slug
from services.company.schemas.companies import require_a_change

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

STATUS = validate.OneOf(("active", "retired"))
LATEST_S = 100 * 3600


class City(Text):
    """A city's name, of which a place can be made."""

    def _deserialize(self, *args: Any, **kwargs: Any) -> str:
        name: str = super()._deserialize(*args, **kwargs)
        if not slug(name):
            raise ValidationError("A name has at least one letter or digit.")
        return name


class Degrees(fields.Float):
    """A coordinate: a number within its bounds; in a form, `from_text`, its digits."""

    def __init__(self, bound: int, *, from_text: bool = False, **kwargs: Any) -> None:
        super().__init__(allow_nan=False, validate=validate.Range(min=-bound, max=bound), **kwargs)
        self._from_text = from_text

    def _validated(self, value: Any) -> float:
        if isinstance(value, bool) or (isinstance(value, str) and not self._from_text):
            raise self.make_error("invalid", input=value)
        return super()._validated(value)


class NewStop(StrictSchema):
    code = Text(longest=64, allow_none=True)
    name = Text(required=True, longest=200)
    city = City(required=True, longest=120)
    lat = Degrees(90, required=True)
    lon = Degrees(180, required=True)
    time_zone = TimeZone(required=True)


class StopChanges(StrictSchema):
    code = Text(longest=64, allow_none=True)
    name = Text(longest=200)
    city = City(longest=120)
    lat = Degrees(90)
    lon = Degrees(180)
    time_zone = TimeZone()

    @validates_schema
    @staticmethod
    def something(data: dict[str, Any], **_: Any) -> None:
        require_a_change(data)


class StopForm(NewStop):
    """A new stop as a form sends it."""

    lat = Degrees(90, required=True, from_text=True)
    lon = Degrees(180, required=True, from_text=True)


class StopChangesForm(StopChanges):
    """Changes of a stop as a form sends them."""

    lat = Degrees(90, from_text=True)
    lon = Degrees(180, from_text=True)


class Stop(NewStop):
    id = IdField(required=True)
    company_id = IdField(required=True)
    place = Slug(required=True, metadata={"description": "The city as a search names it."})
    updated_at = Instant(required=True)


class StopPage(StrictSchema):
    items = fields.List(fields.Nested(Stop), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class NewRouteStop(StrictSchema):
    stop_id = IdField(required=True)
    arrive_s = Integer(required=True, minimum=0, maximum=LATEST_S)
    depart_s = Integer(required=True, minimum=0, maximum=LATEST_S)
    leg_fare = Money(required=True, metadata={"description": "From the stop before; 0 at the first."})


def _check_offsets(stops: list[dict[str, Any]]) -> None:
    errors = offset_errors([(stop["arrive_s"], stop["depart_s"]) for stop in stops])
    if stops[0]["leg_fare"]["amount"]:
        errors["stops.0.leg_fare"] = ["There is no leg before the first stop: 0 is expected."]
    if errors:
        raise ValidationError(errors)


class NewRoute(StrictSchema):
    code = Text(longest=40, allow_none=True)
    name = Text(required=True, longest=200)
    distance_km = Integer(minimum=0, maximum=20_000, allow_none=True)
    stops = fields.List(fields.Nested(NewRouteStop), required=True, validate=validate.Length(min=2, max=100))

    @validates_schema(skip_on_field_errors=True)
    @staticmethod
    def in_order(data: dict[str, Any], **_: Any) -> None:
        _check_offsets(data["stops"])


class RouteChanges(StrictSchema):
    code = Text(longest=40, allow_none=True)
    name = Text(longest=200)
    status = fields.String(validate=STATUS)
    distance_km = Integer(minimum=0, maximum=20_000, allow_none=True)
    stops = fields.List(
        fields.Nested(NewRouteStop),
        validate=validate.Length(min=2, max=100),
        metadata={"description": "Only while the route has no trip."},
    )

    @validates_schema(skip_on_field_errors=True)
    @staticmethod
    def in_order(data: dict[str, Any], **_: Any) -> None:
        require_a_change(data)
        if "stops" in data:
            _check_offsets(data["stops"])


class RouteStop(NewRouteStop):
    seq = Integer(required=True)
    name = Text(required=True)
    city = Text(required=True)
    time_zone = TimeZone(required=True)
    lat = Degrees(90, required=True)
    lon = Degrees(180, required=True)


class Route(StrictSchema):
    id = IdField(required=True)
    company_id = IdField(required=True)
    code = Text(required=True, allow_none=True)
    name = Text(required=True)
    status = fields.String(required=True, validate=STATUS)
    stops = fields.List(fields.Nested(RouteStop), required=True)
    distance_km = Integer(required=True, allow_none=True)
    updated_at = Instant(required=True)


class RoutePage(StrictSchema):
    items = fields.List(fields.Nested(Route), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


def stop_wire(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "company_id": row["company_id"],
        "code": row["code"],
        "name": row["name"],
        "city": row["city"],
        "place": row["place"],
        "lat": row["lat"],
        "lon": row["lon"],
        "time_zone": row["time_zone"],
        "updated_at": format_instant(row["updated_at"]),
    }


def route_wire(row: Mapping[str, Any], stops: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "company_id": row["company_id"],
        "code": row["code"],
        "name": row["name"],
        "status": row["status"],
        "stops": [_route_stop_wire(stop, row["currency"]) for stop in stops],
        "distance_km": row["distance_km"],
        "updated_at": format_instant(row["updated_at"]),
    }


def _route_stop_wire(stop: Mapping[str, Any], currency: str) -> dict[str, Any]:
    return {
        "seq": stop["seq"],
        "stop_id": stop["stop_id"],
        "name": stop["name"],
        "city": stop["city"],
        "time_zone": stop["time_zone"],
        "lat": stop["lat"],
        "lon": stop["lon"],
        "arrive_s": stop["arrive_s"],
        "depart_s": stop["depart_s"],
        "leg_fare": money(stop["leg_fare_minor"], currency),
    }
