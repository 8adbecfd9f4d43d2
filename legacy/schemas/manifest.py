"""The wire of a departure's passenger list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import fields, validate

from common.schemas import IdField, Instant, Integer, StrictSchema
from legacy.schemas.schedule import Trip, trip_wire

if TYPE_CHECKING:
    from legacy.manifest import Manifest as PassengerList

FORMATS = ("json", "csv", "pdf")


class ManifestQuery(StrictSchema):
    format = fields.String(validate=validate.OneOf(FORMATS), load_default=None)


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
    trip = fields.Nested(Trip, required=True)
    generated_at = Instant(required=True)
    passengers = fields.List(fields.Nested(ManifestPassenger), required=True)
    counts = fields.Nested(ManifestCounts, required=True)


def manifest_wire(manifest: PassengerList) -> dict[str, Any]:
    return {
        "trip": trip_wire(manifest.trip, manifest.stops),
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
                "from_name": each["from_name"],
                "to_seq": each["to_seq"],
                "to_name": each["to_name"],
                "phone": each["contact_phone"],
                "status": each["status"],
                "checked_in_at": each["scanned_at"],
            }
            for each in manifest.passengers
        ],
        "counts": {"confirmed": len(manifest.passengers), "checked_in": manifest.checked_in},
    }
