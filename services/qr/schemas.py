"""The wire of codes and check-ins."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from marshmallow import fields, validate

from common.schemas import IdField, Instant, Integer, StrictSchema, Text
from services.qr.domain.verdicts import Reason

if TYPE_CHECKING:
    from services.qr.repository.scans import Row
    from services.qr.service.batches import BatchItem
    from services.qr.service.checkins import CheckIn as MadeCheckIn

LONGEST_TOKEN = 400
LARGEST_STOP = 254
MOST_SCANS = 500
NONCE = validate.Regexp(
    re.compile(r"[A-Za-z0-9_-]{8,64}\Z"), error="8 to 64 letters, digits, hyphens and underscores."
)
REASON = validate.OneOf([reason.value for reason in Reason])


class CodeQuery(StrictSchema):
    format = fields.String(load_default="json", validate=validate.OneOf(("png", "svg", "json")))
    size = Integer(load_default=None, minimum=64, maximum=2048, from_text=True)
    ec = fields.String(load_default="M", validate=validate.OneOf(("L", "M", "Q", "H")))


class Code(StrictSchema):
    ticket_id = IdField(required=True)
    token = fields.String(required=True)
    kid = Integer(required=True, minimum=0, maximum=255)
    serial = Integer(required=True, minimum=0, maximum=255)
    not_before = Instant(required=True)
    expires_at = Instant(required=True)


class CodeKey(StrictSchema):
    kid = Integer(required=True, minimum=0, maximum=255)
    alg = fields.String(required=True, validate=validate.Equal("Ed25519"))
    public_key = fields.String(required=True, metadata={"description": "base64url"})
    created_at = Instant(required=True)
    retired = fields.Boolean(required=True)


class CodeKeys(StrictSchema):
    keys = fields.List(fields.Nested(CodeKey), required=True)


class ShownCode(StrictSchema):
    """A code that is only to be looked at."""

    token = fields.String(required=True, validate=validate.Length(min=1, max=LONGEST_TOKEN))
    trip_id = IdField(load_default=None, allow_none=True)
    stop_seq = Integer(load_default=None, allow_none=True, minimum=0, maximum=LARGEST_STOP)


class Verdict(StrictSchema):
    valid = fields.Boolean(required=True)
    reason = fields.String(required=True, validate=REASON)
    ticket_id = IdField(required=True, allow_none=True)
    trip_id = IdField(required=True, allow_none=True)
    seat = fields.String(required=True, allow_none=True)
    passenger_name = fields.String(required=True, allow_none=True)
    from_seq = Integer(required=True, allow_none=True)
    to_seq = Integer(required=True, allow_none=True)
    checked_in_at = Instant(required=True, allow_none=True)
    not_before = Instant(required=True, allow_none=True)
    expires_at = Instant(required=True, allow_none=True)


class NewCheckIn(StrictSchema):
    token = fields.String(required=True, validate=validate.Length(min=1, max=LONGEST_TOKEN))
    trip_id = IdField(required=True)
    nonce = fields.String(required=True, validate=NONCE)
    stop_seq = Integer(load_default=None, allow_none=True, minimum=0, maximum=LARGEST_STOP)
    device_id = Text(load_default=None, allow_none=True, longest=100)


class ScanForm(StrictSchema):
    """The scanner page's form."""

    token = fields.String(required=True, validate=validate.Length(min=1, max=LONGEST_TOKEN))
    trip_id = IdField(required=True)
    nonce = fields.String(required=True, validate=NONCE)
    stop_seq = Integer(load_default=None, minimum=0, maximum=LARGEST_STOP)
    action = fields.String(load_default="check-in", validate=validate.OneOf(("check-in", "verify")))


class OfflineScan(NewCheckIn):
    scanned_at = Instant(required=True)


class CheckInBatch(StrictSchema):
    scans = fields.List(
        fields.Nested(OfflineScan), required=True, validate=validate.Length(min=1, max=MOST_SCANS)
    )


class CheckIn(StrictSchema):
    id = IdField(required=True)
    ticket_id = IdField(required=True)
    trip_id = IdField(required=True)
    seat = fields.String(required=True)
    passenger_name = fields.String(required=True)
    scanned_at = Instant(required=True)
    scanned_by = IdField(required=True)
    nonce = fields.String(required=True)
    duplicate = fields.Boolean(required=True)


class BatchResult(StrictSchema):
    nonce = fields.String(required=True)
    result = fields.String(required=True, validate=validate.OneOf(("recorded", "replayed", "refused")))
    reason = fields.String(required=True, validate=REASON)
    duplicate = fields.Boolean(required=True)
    check_in_id = IdField(required=True, allow_none=True)


class BatchResults(StrictSchema):
    items = fields.List(fields.Nested(BatchResult), required=True)
    recorded = Integer(required=True)
    duplicates = Integer(required=True)
    refused = Integer(required=True)


class RecordedCheckIn(StrictSchema):
    id = IdField(required=True)
    ticket_id = IdField(required=True)
    seat = fields.String(required=True)
    passenger_name = fields.String(required=True)
    scanned_at = Instant(required=True)
    recorded_at = Instant(required=True)
    scanned_by = IdField(required=True)
    device_id = fields.String(required=True, allow_none=True)
    offline = fields.Boolean(required=True)
    duplicate = fields.Boolean(required=True)


class RecordedCheckInPage(StrictSchema):
    items = fields.List(fields.Nested(RecordedCheckIn), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class OfflineTicket(StrictSchema):
    ticket_id = IdField(required=True)
    seat = fields.String(required=True)
    passenger_name = fields.String(required=True)
    from_seq = Integer(required=True)
    to_seq = Integer(required=True)
    serial = Integer(required=True)
    status = fields.String(required=True, validate=validate.OneOf(("confirmed", "cancelled")))
    checked_in_at = Instant(required=True, allow_none=True)


class RevokedCode(StrictSchema):
    ticket_id = IdField(required=True)
    serial = Integer(required=True)


class OfflineList(StrictSchema):
    trip_id = IdField(required=True)
    generated_at = Instant(required=True)
    keys = fields.List(fields.Nested(CodeKey), required=True)
    tickets = fields.List(fields.Nested(OfflineTicket), required=True)
    revoked = fields.List(fields.Nested(RevokedCode), required=True)


def check_in_wire(made: MadeCheckIn) -> dict[str, Any]:
    return {
        "id": made.id,
        "ticket_id": made.ticket_id,
        "trip_id": made.trip_id,
        "seat": made.seat,
        "passenger_name": made.passenger_name,
        "scanned_at": made.scanned_at,
        "scanned_by": made.scanned_by,
        "nonce": made.nonce,
        "duplicate": made.duplicate,
    }


def batch_wire(items: list[BatchItem]) -> dict[str, Any]:
    """The counts are of what this batch brought: a replayed scan is in none of them."""
    fresh = [item for item in items if item.result != "replayed"]
    return {
        "items": [
            {
                "nonce": item.nonce,
                "result": item.result,
                "reason": item.reason,
                "duplicate": item.duplicate,
                "check_in_id": item.check_in_id,
            }
            for item in items
        ],
        "recorded": sum(item.result == "recorded" for item in fresh),
        "duplicates": sum(item.duplicate for item in fresh),
        "refused": sum(item.result == "refused" for item in fresh),
    }


def recorded_wire(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "ticket_id": row["ticket_id"],
        "seat": row["seat"],
        "passenger_name": row["passenger_name"],
        "scanned_at": row["scanned_at"],
        "recorded_at": row["recorded_at"],
        "scanned_by": row["scanned_by"],
        "device_id": row["device_id"],
        "offline": row["offline"],
        "duplicate": row["duplicate"],
    }
