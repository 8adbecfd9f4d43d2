from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ticketing.documents.passenger_list import harmless, write_csv
from services.ticketing.service.manifest import seat_order


def test_seats_are_ordered_as_they_stand_in_the_bus() -> None:
    seats = ["10A", "L10", "2B", "2A", "L9", "U1"]
    assert sorted(seats, key=seat_order) == ["L9", "L10", "U1", "2A", "2B", "10A"]


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+91 98450", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '  =HYPERLINK("http://evil.example")'],
)
def test_nothing_that_a_spreadsheet_would_run_is_left(text: str) -> None:
    assert harmless(text) == "'" + text


@pytest.mark.parametrize("text", ["Asha Rao", "O'Neil", "1A", "", "क्षमा", "a=b"])
def test_names_stay_as_they_are(text: str) -> None:
    assert harmless(text) == text


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)))
def test_every_cell_comes_back_and_none_starts_a_formula(names: list[str]) -> None:
    written = write_csv(["name", "age"], [{"name": name, "age": None} for name in names])
    rows = list(csv.DictReader(io.StringIO(written.decode(), newline="")))
    assert [row["name"].removeprefix("'") for row in rows] == [name.removeprefix("'") for name in names]
    assert not any(row["name"].lstrip()[:1] in {"=", "+", "-", "@"} for row in rows)
