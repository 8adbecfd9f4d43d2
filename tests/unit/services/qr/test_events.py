from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from common.events import Change, Event
from services.qr.events import HANDLERS, PUBLISHES, newest, translate

AT = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
SCAN = {
    "id": "01970000-0000-7000-8000-000000000001",
    "ticket_id": "01970000-0000-7000-8000-000000000002",
    "trip_id": "01970000-0000-7000-8000-000000000003",
    "company_id": "01970000-0000-7000-8000-000000000004",
    "nonce": "a-nonce-of-its-own",
    "result": "ok",
    "recorded": True,
    "duplicate": False,
    "offline": False,
    "stop_seq": None,
    "device_id": "gate 4",
    "scanned_by": "01970000-0000-7000-8000-000000000005",
    "scanned_at": "2026-05-01T12:00:00+00:00",
    "recorded_at": "2026-05-01T12:00:00.1+00:00",
}


def change(op="insert", table="scans", **fields: Any):
    return Change(1, table, op, SCAN["id"], {**SCAN, **fields}, None, AT)


@pytest.mark.parametrize("op", ["insert", "emit", "update"])
def test_a_check_in_is_told_with_what_is_documented_and_no_more(op):
    message = translate(change(op))
    (documented,) = PUBLISHES
    assert (message.type, message.subject) == (documented.type, SCAN["id"])
    assert set(message.data) == set(documented.fields)
    assert message.data["scanned_by"] == SCAN["scanned_by"]


@pytest.mark.parametrize(
    "silent",
    [
        change(recorded=False, result="cancelled", ticket_id=None),
        change(recorded=True, duplicate=True, result="already_used"),
        change(table="tickets"),
        Change(1, "scans", "delete", SCAN["id"], None, SCAN, AT),
    ],
)
def test_refusals_duplicates_and_what_is_gone_are_not_told(silent):
    assert translate(silent) is None


def test_of_each_subject_the_latest_counts_wherever_it_stands():
    def told(subject, seq, kind="changed") -> Event:
        return Event(
            "company", seq, f"company.stop.{kind}", 1, subject, AT, {"id": subject, "name": f"v{seq}"}
        )

    kept = newest([told("a", 3), told("b", 4), told("a", 2), told("b", 5, "removed")])
    assert {(row["id"], row["seq"], row["removed"]) for row in kept} == {("a", 3, False), ("b", 5, True)}


def test_no_event_is_heard_by_two():
    types = [event_type for handler in HANDLERS for event_type in handler.types]
    assert len(types) == len(set(types))
