"""What is said of a change, and which news of a subject counts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from common.events import Change, Event
from services.ticketing.events import (
    BOOKING_FIELDS,
    HANDLERS,
    PUBLISHES,
    TICKET_FIELDS,
    newest,
    translate,
)
from services.ticketing.routes import SWEEPS

NOW = datetime(2030, 5, 1, tzinfo=UTC)


def change(table: str, op: str, status: str) -> Change:
    fields = BOOKING_FIELDS if table == "bookings" else TICKET_FIELDS
    row = {name: f"the {name}" for name in fields} | {"id": "b1", "status": status, "contact_email": "a@b.c"}
    return Change(7, table, op, "b1", row, None, NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize("op", ["insert", "update", "emit"])
@pytest.mark.parametrize("status", ["held", "confirmed", "cancelled", "expired"])
def test_a_booking_is_told_by_its_state_with_all_that_is_documented_and_no_more(op: str, status: str) -> None:
    said = translate(change("bookings", op, status))
    assert said is not None
    assert (said.type, said.subject) == (f"ticketing.booking.{status}", "b1")
    assert set(said.data) == set(BOOKING_FIELDS)
    assert "contact_email" not in said.data


def test_a_ticket_is_told_of_once_it_is_more_than_held() -> None:
    assert translate(change("tickets", "insert", "held")) is None
    said = translate(change("tickets", "update", "confirmed"))
    assert said is not None
    assert said.type == "ticketing.ticket.confirmed"
    assert set(said.data) == set(TICKET_FIELDS)


def test_nothing_is_said_of_other_tables_or_of_what_is_gone() -> None:
    assert translate(change("waitlist", "insert", "held")) is None
    assert translate(Change(7, "bookings", "delete", "b1", None, {}, NOW)) is None


def test_every_type_that_can_be_said_is_documented() -> None:
    said = {
        translated.type
        for table in ("bookings", "tickets")
        for status in ("held", "confirmed", "cancelled", "expired")
        if (translated := translate(change(table, "update", status)))
    }
    assert said == {each.type for each in PUBLISHES}


def test_of_a_subject_the_newest_counts_whatever_the_order() -> None:
    def news(seq: int, subject: str) -> Event:
        return Event("company", seq, "company.stop.changed", 1, subject, NOW, {"seq": seq})

    batch = [news(3, "a"), news(9, "b"), news(1, "a"), news(4, "a"), news(2, "b")]
    assert sorted((each.subject, each.seq) for each in newest(batch)) == [("a", 4), ("b", 9)]


def test_no_type_has_two_handlers() -> None:
    types = [each for handler in HANDLERS for each in handler.types]
    assert len(types) == len(set(types))


def test_whoever_is_woken_is_there() -> None:
    names = {sweep.name for sweep in SWEEPS}
    assert {name for handler in HANDLERS for name in handler.wakes} <= names
    assert len(names) == len(SWEEPS)
