from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.ticketing.domain.seating import Seating

CLASSES = [
    {"code": "front", "name": "Front", "fare_percent": 120},
    {"code": "seater", "name": "Seater", "fare_percent": 100},
    {"code": "unused", "name": "Nobody sits here", "fare_percent": 10},
]
SEATS = [
    {"seat": f"{row}{column}", "deck": "lower", "row": row, "column": column, "class": seat_class}
    for row, seat_class in ((1, "front"), (2, "seater"), (3, "seater"))
    for column in (1, 2)
]
SEATING = Seating.of([{"deck": "lower", "rows": 3, "columns": 2}], CLASSES, SEATS)


def test_classes_come_cheapest_first_and_only_if_they_have_seats() -> None:
    assert list(SEATING.percents) == ["seater", "front"]
    assert SEATING.free([]) == {"seater": 4, "front": 2}


def test_a_seat_that_is_taken_on_two_stretches_is_taken_once() -> None:
    assert SEATING.free(["21", "21", "11"]) == {"seater": 3, "front": 1}


def test_a_class_without_seats_left_is_not_named() -> None:
    assert SEATING.free(["11", "12"]) == {"seater": 4}


def test_a_seat_of_another_layout_takes_none_here() -> None:
    assert SEATING.free(["99"]) == SEATING.free([])


def test_prices_are_of_the_stretch_times_the_class() -> None:
    assert SEATING.prices(5000, 15025, 1) == {"seater": 10025, "front": 12030}


@given(st.lists(st.sampled_from([seat["seat"] for seat in SEATS])))
def test_what_is_free_and_what_is_taken_are_all_seats(taken: list[str]) -> None:
    assert sum(SEATING.free(taken).values()) + len(set(taken)) == SEATING.capacity
