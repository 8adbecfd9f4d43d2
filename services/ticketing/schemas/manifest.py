"""The wire of a departure, and of its passenger list."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from marshmallow import fields, validate

from common.schemas import IdField, Instant, Integer, LocalDate, StrictSchema, TimeZone
from services.ticketing.schemas.trips import TRIP_STATUS, Degrees

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.ticketing.service.manifest import Manifest as PassengerList

FORMATS: Final = ("json", "csv", "pdf")


class ManifestQuery(StrictSchema):
    format = fields.String(validate=validate.OneOf(FORMATS), load_default=None)


class DepartureStop(StrictSchema):
    seq = Integer(required=True)
    stop_id = IdField(required=True)
    name = fields.String(required=True)
    city = fields.String(required=True)
    time_zone = TimeZone(required=True)
    lat = Degrees(90, required=True)
    lon = Degrees(180, required=True)
    arrives_at = Instant(required=True)
    departs_at = Instant(required=True)


class Departure(StrictSchema):
    id = IdField(required=True)
    company_id = IdField(required=True)
    company_name = fields.String(required=True)
    route_id = IdField(required=True)
    route_name = fields.String(required=True)
    bus_id = IdField(required=True, allow_none=True)
    bus_plate = fields.String(required=True, allow_none=True)
    driver_id = IdField(required=True, allow_none=True)
    driver_name = fields.String(required=True, allow_none=True)
    layout_id = IdField(required=True)
    capacity = Integer(required=True)
    service_date = LocalDate(required=True)
    departs_at = Instant(required=True)
    arrives_at = Instant(required=True)
    delay_min = Integer(required=True)
    status = fields.String(required=True, validate=TRIP_STATUS)
    cancel_reason = fields.String(required=True, allow_none=True)
    time_zone = TimeZone(required=True)
    stops = fields.List(fields.Nested(DepartureStop), required=True)
    updated_at = Instant(required=True)


class ManifestPassenger(StrictSchema):
    ticket_id = IdField(required=True)
    booking_reference = fields.String(required=True)
    seat = fields.String(required=True)
    seat_class = fields.String(required=True, data_key="class", attribute="class")
    name = fields.String(required=True)
    age = Integer(required=True, allow_none=True)
    gender = fields.String(required=True, allow_none=True)
    from_seq = Integer(required=True)
    from_name = fields.String(required=True)
    to_seq = Integer(required=True)
    to_name = fields.String(required=True)
    phone = fields.String(required=True, allow_none=True)
    status = fields.String(required=True)
    checked_in_at = Instant(required=True, allow_none=True)


class ManifestCounts(StrictSchema):
    confirmed = Integer(required=True)
    checked_in = Integer(required=True)


class Manifest(StrictSchema):
    trip = fields.Nested(Departure, required=True)
    generated_at = Instant(required=True)
    passengers = fields.List(fields.Nested(ManifestPassenger), required=True)
    counts = fields.Nested(ManifestCounts, required=True)


def departure_wire(row: Mapping[str, Any]) -> dict[str, Any]:
    """A trip with its stops; instants are the scheduled ones."""
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
        "departs_at": leaves,
        "arrives_at": row["arrives_at"],
        "delay_min": row["delay_min"],
        "status": row["status"],
        "cancel_reason": row["cancel_reason"],
        "time_zone": row["stops"][0]["time_zone"],
        "stops": [
            {
                "seq": stop["seq"],
                "stop_id": stop["stop_id"],
                "name": stop["name"],
                "city": stop["city"],
                "time_zone": stop["time_zone"],
                "lat": stop["lat"],
                "lon": stop["lon"],
                "arrives_at": leaves + timedelta(seconds=stop["arrive_s"]),
                "departs_at": leaves + timedelta(seconds=stop["depart_s"]),
            }
            for stop in row["stops"]
        ],
        "updated_at": row["updated_at"],
    }


def manifest_wire(manifest: PassengerList) -> dict[str, Any]:
    trip = departure_wire(manifest.departure)
    names = {stop["seq"]: stop["name"] for stop in trip["stops"]}
    return {
        "trip": trip,
        "generated_at": manifest.generated_at,
        "passengers": [
            {
                "ticket_id": each["id"],
                "booking_reference": each["reference"],
                "seat": each["seat"],
                "class": each["seat_class"],
                "name": each["passenger_name"],
                "age": each["passenger_age"],
                "gender": each["passenger_gender"],
                "from_seq": each["from_seq"],
                "from_name": names[each["from_seq"]],
                "to_seq": each["to_seq"],
                "to_name": names[each["to_seq"]],
                "phone": each["contact_phone"],
                "status": each["status"],
                "checked_in_at": each["checked_in_at"],
            }
            for each in manifest.passengers
        ],
        "counts": {"confirmed": manifest.confirmed, "checked_in": manifest.checked_in},
    }
