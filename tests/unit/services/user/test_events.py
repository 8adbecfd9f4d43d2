"""What others hear of which change, and what is left of what is heard."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import starmap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.events import Change, Event
from services.user.events import HANDLERS, PROFILE_CHANGED, newest, translate

NOW = datetime(2026, 5, 1, tzinfo=UTC)
PROFILE = {
    "user_id": "01980000-0000-7000-8000-000000000001",
    "full_name": "Asha Rao",
    "phone": None,
    "locale": "hi",
    "updated_at": "2026-05-01T04:30:00.25+00:00",
}


@pytest.mark.parametrize("op", ["insert", "update", "emit"])
def test_a_profile_is_told_as_it_is_now(op):
    message = translate(Change(1, "profiles", op, PROFILE["user_id"], dict(PROFILE), None, NOW))
    assert (message.type, message.subject, message.data) == (
        "user.profile.changed",
        PROFILE["user_id"],
        PROFILE,
    )
    assert message.data.keys() == PROFILE_CHANGED.fields.keys()


@pytest.mark.parametrize(("table", "row"), [("profiles", None), ("travellers", {"id": "x", "name": "Meera"})])
def test_nobody_hears_of_travellers_or_of_what_is_gone(table, row):
    assert translate(Change(1, table, "delete" if row is None else "insert", "x", row, None, NOW)) is None


def event(subject, seq):
    return Event("company", seq, "company.stop.changed", 1, subject, NOW, {"id": subject, "name": f"{seq}"})


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 50))))
def test_of_each_subject_the_highest_number_is_left(told):
    left = newest(list(starmap(event, told)))
    highest: dict[str, int] = {}
    for subject, seq in told:
        highest[subject] = max(seq, highest.get(subject, 0))
    assert {row["id"]: row["source_seq"] for row in left} == highest
    assert len(left) == len(highest)
    assert all(row["name"] == str(row["source_seq"]) for row in left)


def test_an_event_has_one_handler():
    types = [event_type for handler in HANDLERS for event_type in handler.types]
    assert len(types) == len(set(types))
