"""The wire of departures, and of the timetables that they are made from."""

from __future__ import annotations

import re
from datetime import time, timedelta
from typing import TYPE_CHECKING, Any

from marshmallow import fields, validate, validates_schema
from marshmallow.exceptions import ValidationError

from common.instants import format_instant
from common.schemas import (
    IdField,
    Instant,
    Integer,
    ListQuery,
    LocalDate,
    StrictSchema,
    Text,
    TimeZone,
)
from services.company.schemas.companies import require_a_change
from services.company.schemas.network import Degrees

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STATUS = validate.OneOf(("scheduled", "cancelled"))
LONGEST_CALENDAR_DAYS = 2 * 366
LONGEST_PUBLICATION_DAYS = 366
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


class Clock(fields.String):
    """A local time, `HH:MM`."""

    def _deserialize(self, *args: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(*args, **kwargs)
        if _CLOCK.fullmatch(text) is None:
            raise ValidationError("Not a time of day, as 07:30.")
        return time.fromisoformat(text)


def _check_span(data: dict[str, Any], longest_days: int) -> None:
    if data["to"] < data["from"]:
        raise ValidationError({"to": ["Must not be before from."]})
    if (data["to"] - data["from"]).days >= longest_days:
        raise ValidationError({"to": [f"At most {longest_days} days at once."]})


class CalendarSpan(StrictSchema):
    first = LocalDate(required=True, data_key="from", attribute="from")
    last = LocalDate(required=True, data_key="to", attribute="to")
    weekdays = fields.List(
        Integer(minimum=1, maximum=7),
        required=True,
        validate=validate.Length(min=1, max=7),
        metadata={"description": "ISO: 1 is Monday."},
    )
    time = Clock(
        required=True, metadata={"description": "Local time at the first stop.", "pattern": _CLOCK.pattern}
    )

    @validates_schema(skip_on_field_errors=True)
    @staticmethod
    def forward(data: dict[str, Any], **_: Any) -> None:
        _check_span(data, LONGEST_CALENDAR_DAYS)


class TimetableSpan(StrictSchema):
    first = LocalDate(required=True, data_key="from", attribute="from")
    last = LocalDate(required=True, data_key="to", attribute="to")
    ids = fields.List(IdField(), load_default=None, validate=validate.Length(min=1, max=1000))
    like = LocalDate(
        load_default=None,
        metadata={
            "description": "Run on each of the days what the feed runs on this one: for a feed that is over."
        },
    )

    @validates_schema(skip_on_field_errors=True)
    @staticmethod
    def forward(data: dict[str, Any], **_: Any) -> None:
        _check_span(data, LONGEST_PUBLICATION_DAYS)


class NewTrips(StrictSchema):
    """One departure, a calendar of them, or those of an imported feed."""

    route_id = IdField()
    departs_at = Instant()
    calendar = fields.Nested(CalendarSpan)
    timetables = fields.Nested(TimetableSpan)
    bus_id = IdField(load_default=None, allow_none=True)
    layout_id = IdField(load_default=None, allow_none=True)
    driver_id = IdField(load_default=None, allow_none=True)

    @validates_schema(skip_on_field_errors=True)
    @staticmethod
    def one_kind(data: dict[str, Any], **_: Any) -> None:
        kinds = [kind for kind in ("departs_at", "calendar", "timetables") if kind in data]
        if len(kinds) != 1:
            raise ValidationError("Exactly one of departs_at, calendar and timetables is needed.")
        if kinds == ["timetables"]:
            not_here = [name for name in ("route_id", "bus_id", "driver_id") if data.get(name) is not None]
            if not_here:
                raise ValidationError({name: ["Not with timetables."] for name in not_here})
            if data["layout_id"] is None:
                raise ValidationError({"layout_id": ["Missing data for required field."]})
        elif "route_id" not in data:
            raise ValidationError({"route_id": ["Missing data for required field."]})
        elif data["bus_id"] is None and data["layout_id"] is None:
            raise ValidationError({"bus_id": ["Name a bus or a layout."]})


class OneDeparture(StrictSchema):
    """A departure as the page's form makes it: with the date and time at the first stop."""

    route_id = IdField(required=True)
    date = LocalDate(required=True)
    time = Clock(required=True)
    bus_id = IdField(load_default=None)
    layout_id = IdField(load_default=None)
    driver_id = IdField(load_default=None)

    @validates_schema(skip_on_field_errors=True)
    @staticmethod
    def seats(data: dict[str, Any], **_: Any) -> None:
        if data["bus_id"] is None and data["layout_id"] is None:
            raise ValidationError({"bus_id": ["Name a bus or a layout."]})


class TripChanges(StrictSchema):
    bus_id = IdField(allow_none=True)
    driver_id = IdField(allow_none=True)
    delay_min = Integer(minimum=0, maximum=1440)
    status = fields.String(validate=validate.OneOf(("cancelled",)))
    cancel_reason = Text(longest=300, allow_none=True)

    @validates_schema
    @staticmethod
    def something(data: dict[str, Any], **_: Any) -> None:
        require_a_change(data)
        if data.get("cancel_reason") is not None and "status" not in data:
            raise ValidationError({"cancel_reason": ["Only together with the status cancelled."]})


class TripQuery(ListQuery):
    first = LocalDate(data_key="from", attribute="from", load_default=None)
    last = LocalDate(data_key="to", attribute="to", load_default=None)
    route_id = IdField(load_default=None)
    status = fields.String(validate=STATUS, load_default=None)


class TimetableQuery(ListQuery):
    date = LocalDate(load_default=None, metadata={"description": "Only those that run on this service day."})


class TripStop(StrictSchema):
    seq = Integer(required=True)
    stop_id = IdField(required=True)
    name = Text(required=True)
    city = Text(required=True)
    time_zone = TimeZone(required=True)
    lat = Degrees(90, required=True)
    lon = Degrees(180, required=True)
    arrives_at = Instant(required=True)
    departs_at = Instant(required=True)


class Trip(StrictSchema):
    id = IdField(required=True)
    company_id = IdField(required=True)
    company_name = Text(required=True)
    route_id = IdField(required=True)
    route_name = Text(required=True)
    bus_id = IdField(required=True, allow_none=True)
    bus_plate = Text(required=True, allow_none=True)
    driver_id = IdField(required=True, allow_none=True)
    driver_name = Text(required=True, allow_none=True)
    layout_id = IdField(required=True)
    capacity = Integer(required=True)
    service_date = LocalDate(required=True)
    departs_at = Instant(required=True)
    arrives_at = Instant(required=True)
    delay_min = Integer(required=True)
    status = fields.String(required=True, validate=STATUS)
    cancel_reason = Text(required=True, allow_none=True)
    time_zone = TimeZone(required=True)
    stops = fields.List(fields.Nested(TripStop), required=True)
    updated_at = Instant(required=True)


class TripPage(StrictSchema):
    items = fields.List(fields.Nested(Trip), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class PublishedTrips(StrictSchema):
    items = fields.List(fields.Nested(Trip), required=True, metadata={"description": "The first 100."})
    created = Integer(required=True)
    skipped = Integer(required=True, metadata={"description": "Departures that were there already."})


class Timetable(StrictSchema):
    id = IdField(required=True)
    company_id = IdField(required=True)
    gtfs_trip_id = fields.String(required=True)
    route_id = IdField(required=True)
    route_name = Text(required=True)
    headsign = fields.String(required=True, allow_none=True)
    start_s = Integer(
        required=True, metadata={"description": "Seconds from noon minus 12 h of the service day."}
    )
    service_id = fields.String(required=True)
    time_zone = TimeZone(
        required=True, metadata={"description": "The agency's, in which service days are counted."}
    )


class TimetablePage(StrictSchema):
    items = fields.List(fields.Nested(Timetable), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


def trip_wire(row: Mapping[str, Any], stops: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    leaves = row["departs_at"]
    return {
        "id": row["id"],
        "company_id": row["company_id"],
        "company_name": row["company_name"],
        "route_id": row["route_id"],
        "route_name": row["route_name"],
        "bus_id": row["bus_id"],
        "bus_plate": row["bus_plate"],
        "driver_id": row["driver_id"],
        "driver_name": row["driver_name"],
        "layout_id": row["layout_id"],
        "capacity": row["capacity"],
        "service_date": row["service_date"],
        "departs_at": format_instant(leaves),
        "arrives_at": format_instant(row["arrives_at"]),
        "delay_min": row["delay_min"],
        "status": row["status"],
        "cancel_reason": row["cancel_reason"],
        "time_zone": stops[0]["time_zone"],
        "stops": [
            {
                "seq": stop["seq"],
                "stop_id": stop["stop_id"],
                "name": stop["name"],
                "city": stop["city"],
                "time_zone": stop["time_zone"],
                "lat": stop["lat"],
                "lon": stop["lon"],
                "arrives_at": format_instant(leaves + timedelta(seconds=stop["arrive_s"])),
                "departs_at": format_instant(leaves + timedelta(seconds=stop["depart_s"])),
            }
            for stop in stops
        ],
        "updated_at": format_instant(row["updated_at"]),
    }


def timetable_wire(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "company_id": row["company_id"],
        "gtfs_trip_id": row["gtfs_trip_id"],
        "route_id": row["route_id"],
        "route_name": row["route_name"],
        "headsign": row["headsign"],
        "start_s": row["start_s"],
        "service_id": row["service_id"],
        "time_zone": row["time_zone"],
    }
