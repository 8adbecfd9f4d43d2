from __future__ import annotations

from datetime import UTC, datetime

import pytest

from common.events import Change, Event
from services.payment import events

ROWS = {
    "payments": {
        "id": "p1",
        "booking_id": "b1",
        "user_id": "u1",
        "company_id": "c1",
        "provider": "sandbox",
        "status": "processing",
        "amount_minor": 60_000,
        "currency": "INR",
        "provider_ref": "sbx1.secret.mac",
        "next_action": "challenge",
        "card_brand": "visa",
        "card_last4": "4242",
        "failure_code": None,
        "failure": None,
        "attempted_at": "2026-05-01T04:30:00+00:00",
        "created_at": "2026-05-01T04:30:00+00:00",
        "updated_at": "2026-05-01T04:30:01.5+00:00",
    },
    "refunds": {
        "id": "r1",
        "payment_id": "p1",
        "booking_id": "b1",
        "company_id": "c1",
        "amount_minor": 15_000,
        "currency": "INR",
        "status": "pending",
        "booking_due": True,
        "reason": "cancelled by passenger",
        "provider_ref": None,
        "attempted_at": None,
        "failure_code": None,
        "created_at": "2026-05-01T04:30:00+00:00",
        "updated_at": "2026-05-01T04:30:00+00:00",
    },
}


def change(table, row, op="update", old=None):
    return Change(7, table, op, "key", row, old, datetime(2026, 5, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("table", "status", "told"),
    [
        ("payments", "succeeded", "payment.payment.succeeded"),
        ("refunds", "pending", "payment.refund.pending"),
        ("refunds", "succeeded", "payment.refund.succeeded"),
        ("refunds", "failed", "payment.refund.failed"),
    ],
)
@pytest.mark.parametrize("op", ["insert", "update", "emit"])
def test_the_status_is_the_events_name_and_its_data_what_is_documented(table, status, told, op):
    row = {**ROWS[table], "status": status}
    message = events.translate(change(table, row, op))
    documented = next(each for each in events.PUBLISHES if each.type == told)
    assert (message.type, message.subject, message.version) == (told, row["id"], 1)
    assert message.data == {name: row[name] for name in documented.fields}


@pytest.mark.parametrize("status", ["requires_method", "processing", "failed", "cancelled"])
def test_a_payment_that_brings_no_money_is_nobodys_business(status):
    assert events.translate(change("payments", {**ROWS["payments"], "status": status})) is None


def test_nothing_of_a_card_or_of_the_providers_references_is_told():
    for table, row in ROWS.items():
        told = str(events.translate(change(table, {**row, "status": "succeeded"})).data)
        assert "4242" not in told
        assert "sbx1" not in told


def test_a_row_that_is_gone_and_another_table_say_nothing():
    assert events.translate(change("payments", None, "delete", ROWS["payments"])) is None
    assert events.translate(change("ledger", {"id": "l1"}, "insert")) is None


def test_of_several_events_of_a_subject_the_last_counts_in_whatever_order():
    at = datetime(2026, 5, 1, tzinfo=UTC)
    heard = [
        Event("ticketing", seq, "ticketing.booking.held", 1, subject, at, {"seq": seq})
        for subject, seq in [("b1", 3), ("b2", 1), ("b1", 5), ("b1", 4)]
    ]
    assert [(each.subject, each.seq) for each in events.newest(heard)] == [("b1", 5), ("b2", 1)]
