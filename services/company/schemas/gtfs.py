"""The wire of feeds."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from marshmallow import fields, validates_schema
from marshmallow.exceptions import ValidationError

from common.instants import format_instant
from common.schemas import IdField, Instant, Integer, LocalDate, StrictSchema, Text
from services.company.schemas.network import City

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_EXPORT_DAYS = 2 * 366
DEAREST_LEG = 10_000_000


class ImportQuery(StrictSchema):
    city = City(
        longest=120, load_default=None, metadata={"description": "Where the stops are that name no city."}
    )
    default_leg_fare = Integer(
        minimum=0,
        maximum=DEAREST_LEG,
        from_text=True,
        load_default=None,
        metadata={"description": "From one stop to the next, in minor units. If not given: by distance."},
    )
    fare_per_km = Integer(
        minimum=0,
        maximum=DEAREST_LEG,
        from_text=True,
        load_default=None,
        metadata={"description": "Along the great circle, in minor units; 1.5 major units if not given."},
    )
    file_name = Text(longest=200, load_default=None)


class ExportQuery(StrictSchema):
    first = LocalDate(
        data_key="from", attribute="from", load_default=None, metadata={"description": "Default: today."}
    )
    last = LocalDate(
        data_key="to", attribute="to", load_default=None, metadata={"description": "Default: a year on."}
    )

    @validates_schema(skip_on_field_errors=True)
    @staticmethod
    def forward(data: dict[str, Any], **_: Any) -> None:
        first, last = data["from"], data["to"]
        if first is not None and last is not None:
            if last < first:
                raise ValidationError({"to": ["Must not be before from."]})
            if (last - first).days >= LONGEST_EXPORT_DAYS:
                raise ValidationError({"to": [f"At most {LONGEST_EXPORT_DAYS} days at once."]})


class Skipped(StrictSchema):
    stops = Integer(required=True)
    routes = Integer(required=True)
    trips = Integer(required=True)


class ImportCounts(StrictSchema):
    agencies = Integer(required=True)
    stops = Integer(required=True)
    routes = Integer(required=True, metadata={"description": "Ways that trips take: patterns of stops."})
    timetables = Integer(required=True)
    calendars = Integer(required=True)
    skipped = fields.Nested(Skipped, required=True)


class Imported(ImportCounts):
    id = IdField(required=True)


class FeedImport(StrictSchema):
    id = IdField(required=True)
    file_name = Text(required=True, allow_none=True)
    status = Text(required=True, metadata={"enum": ["running", "succeeded", "failed"]})
    done = Integer(required=True)
    total = Integer(required=True)
    counts = fields.Nested(ImportCounts, required=True, allow_none=True)
    problem = Text(required=True, allow_none=True)
    created_at = Instant(required=True)
    finished_at = Instant(required=True, allow_none=True)


class FeedImportPage(StrictSchema):
    items = fields.List(fields.Nested(FeedImport), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


def export_span(query: Mapping[str, Any], today: date) -> tuple[date, date]:
    """The days to export: a year from today, unless the query says otherwise."""
    first = query["from"] or min(today, query["to"] or today)
    return first, query["to"] or first + timedelta(days=365)


def import_wire(row: Mapping[str, Any]) -> dict[str, Any]:
    finished = row["finished_at"]
    return {
        "id": row["id"],
        "file_name": row["file_name"],
        "status": row["status"],
        "done": row["done"],
        "total": row["total"],
        "counts": row["counts"],
        "problem": row["problem"],
        "created_at": format_instant(row["created_at"]),
        "finished_at": None if finished is None else format_instant(finished),
    }
