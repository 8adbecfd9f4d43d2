"""A row of accounts as others hear of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from common.events import Change
from services.auth.events import USER_CHANGED, translate

ROW = {
    "id": "0197a2c4-7d3e-7a11-9b5e-2f64c1d0a001",
    "email": "asha@example.org",
    "password_hash": "$argon2id$…",
    "role": "operator",
    "company_id": "0197a2c4-7d3e-7a11-9b5e-2f64c1d0a002",
    "status": "active",
    "full_name": "Asha Rao",
    "phone": None,
    "locale": "hi",
    "created_at": "2026-05-01T04:30:00+00:00",
    "updated_at": "2026-05-02T04:30:00+00:00",
}


def change(op, table="users", row=ROW):
    old = ROW if op == "delete" else None
    return Change(7, table, op, ROW["id"], None if op == "delete" else row, old, datetime.now(UTC))


@pytest.mark.parametrize("op", ["insert", "update", "emit"])
def test_an_account_is_told_as_it_is_without_its_password(op):
    message = translate(change(op))
    assert message is not None
    assert (message.type, message.subject, message.version) == ("auth.user.changed", ROW["id"], 1)
    assert message.data == {name: value for name, value in ROW.items() if name != "password_hash"}


def test_what_is_documented_is_what_is_told():
    message = translate(change("insert"))
    assert message is not None
    assert list(message.data) == list(USER_CHANGED.fields)


@pytest.mark.parametrize("unheard", [change("delete"), change("insert", "refresh_tokens", {"id": "x"})])
def test_nothing_else_is_told(unheard):
    assert translate(unheard) is None
