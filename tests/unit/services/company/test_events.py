"""Rows as others hear of them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from common.events import Change
from services.company.events import PUBLISHES, translate

ID = "0197a2c4-7d3e-7a11-9b5e-2f64c1d0a001"
EVENTS = {
    "companies": "company.company.changed",
    "layouts": "company.layout.changed",
    "buses": "company.bus.changed",
    "drivers": "company.driver.changed",
    "stops": "company.stop.changed",
    "routes": "company.route.changed",
    "trips": "company.trip.changed",
}
DOCUMENTED = {event.type: event for event in PUBLISHES}


def change(table, op, row=None):
    now = datetime.now(UTC)
    return Change(7, table, op, ID, None if op == "delete" else row, row if op == "delete" else None, now)


@pytest.mark.parametrize("op", ["insert", "update", "emit"])
@pytest.mark.parametrize(("table", "name"), EVENTS.items())
def test_a_row_is_told_by_the_fields_that_are_documented(table, name, op):
    row = {field: f"the {field}" for field in DOCUMENTED[name].fields} | {"id": ID, "licence": "private"}
    message = translate(change(table, op, row))
    assert message is not None
    assert (message.type, message.subject, message.version) == (name, ID, 1)
    assert list(message.data) == list(DOCUMENTED[name].fields)
    assert "licence" not in message.data


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ("stops", "company.stop.removed"),
        ("routes", "company.route.removed"),
        ("trips", None),
        ("buses", None),
    ],
)
def test_of_what_is_gone_stops_and_routes_are_told(table, name):
    message = translate(change(table, "delete", {"id": ID}))
    assert (message and (message.type, message.data)) == (name and (name, {"id": ID}))


def test_tables_that_others_do_not_know_are_not_told():
    assert translate(change("timetables", "insert", {"id": ID})) is None
