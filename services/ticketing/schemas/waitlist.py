"""The wire of waiting for seats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import fields, validate

from common.schemas import IdField, Instant, Integer, StrictSchema
from services.ticketing.domain.bookings import MOST_PASSENGERS
from services.ticketing.schemas.search import LARGEST_SEQ

if TYPE_CHECKING:
    from collections.abc import Mapping


class NewWaiting(StrictSchema):
    from_seq = Integer(required=True, minimum=0, maximum=LARGEST_SEQ)
    to_seq = Integer(required=True, minimum=0, maximum=LARGEST_SEQ)
    seats = Integer(required=True, minimum=1, maximum=MOST_PASSENGERS)


class Waiting(StrictSchema):
    id = IdField(required=True)
    trip_id = IdField(required=True)
    from_seq = Integer(required=True)
    to_seq = Integer(required=True)
    seats = Integer(required=True)
    status = fields.String(required=True, validate=validate.OneOf(("waiting", "notified", "cancelled")))
    position = Integer(
        required=True, allow_none=True, metadata={"description": "In the queue, from 1; while waiting."}
    )
    created_at = Instant(required=True)


class WaitingPage(StrictSchema):
    items = fields.List(fields.Nested(Waiting), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


def waiting_wire(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "trip_id": row["trip_id"],
        "from_seq": row["from_seq"],
        "to_seq": row["to_seq"],
        "seats": row["seats"],
        "status": row["status"],
        "position": row["position"] if row["status"] == "waiting" else None,
        "created_at": row["created_at"],
    }
