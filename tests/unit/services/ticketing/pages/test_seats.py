from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.ticketing.pages.seats import classes_of, decks_of

INR = {"currency": "INR"}


def seat(name: str, row: int, column: int, **more: Any) -> dict[str, Any]:
    return {
        "seat": name, "deck": "lower", "row": row, "column": column, "class": "seater", "state": "free",
        "price": {"amount": 45000, **INR}, **more,
    }  # fmt: skip


def seat_map(*seats: dict[str, Any], columns: int = 5) -> dict[str, Any]:
    return {
        "decks": [{"deck": "lower", "rows": 9, "columns": columns}],
        "classes": [
            {"code": "seater", "name": "Seater", "fare_percent": 100},
            {"code": "sleeper", "name": "Sleeper", "fare_percent": 160},
        ],
        "seats": list(seats),
    }


def names(rows: list[list[dict[str, Any] | None]]) -> list[list[str | None]]:
    return [[each and each["seat"] for each in row] for row in rows]


def test_a_column_without_seats_is_an_aisle() -> None:
    (deck,) = decks_of(seat_map(seat("1A", 1, 1), seat("1B", 1, 2), seat("1C", 1, 4), seat("1D", 1, 5)))
    assert names(deck["rows"]) == [["1A", "1B", None, "1C", "1D"]]


def test_seats_stand_by_row_and_column_whatever_order_they_come_in() -> None:
    (deck,) = decks_of(seat_map(seat("2B", 2, 2), seat("1A", 1, 1), seat("2A", 2, 1), columns=2))
    assert names(deck["rows"]) == [["1A", None], ["2A", "2B"]]


def test_a_sleeper_is_drawn_long_and_classes_are_told_apart() -> None:
    (deck,) = decks_of(seat_map(seat("1A", 1, 1), seat("1B", 1, 2, **{"class": "sleeper"}), columns=2))
    ((first, second),) = deck["rows"]
    assert (first["class_index"], first["is_sleeper"]) == (1, False)
    assert (second["class_index"], second["is_sleeper"], second["class_name"]) == (2, True, "Sleeper")


def test_a_class_says_its_price_and_what_is_left_of_it() -> None:
    dear = {"class": "sleeper", "price": {"amount": 72000, **INR}}
    found = classes_of(seat_map(seat("1A", 1, 1), seat("1B", 1, 2, state="sold"), seat("1C", 1, 4, **dear)))
    assert [(each["name"], each["price"]["amount"], each["left"]) for each in found] == [
        ("Seater", 45000, 1),
        ("Sleeper", 72000, 1),
    ]


def test_a_class_that_the_bus_has_no_seat_of_is_not_mentioned() -> None:
    assert [each["name"] for each in classes_of(seat_map(seat("1A", 1, 1)))] == ["Seater"]


@given(st.sets(st.tuples(st.integers(1, 40), st.integers(1, 9)), min_size=1, max_size=120))
def test_no_seat_is_lost_or_shown_twice(places: set[tuple[int, int]]) -> None:
    seats = [seat(f"{row}{column}", row, column) for row, column in places]
    (deck,) = decks_of(seat_map(*seats, columns=9))
    shown = [each["seat"] for row in deck["rows"] for each in row if each]
    assert sorted(shown) == sorted(each["seat"] for each in seats)
    assert all(len(row) == 9 for row in deck["rows"])
