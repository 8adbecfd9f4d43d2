"""Which seat layouts a bus can have."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.company.domain.layouts import Arrangement, arrange, lacking_seats, layout_errors

DECKS = [{"deck": "lower", "rows": 3, "columns": 3}, {"deck": "upper", "rows": 2, "columns": 3}]
CLASSES = [{"code": "seater", "name": "Seater", "fare_percent": 100}]


def seat(name="A1", deck="lower", row=1, column=1, seat_class="seater"):
    return {"seat": name, "deck": deck, "row": row, "column": column, "class": seat_class}


def test_two_decks_with_an_aisle_are_fine():
    seats = [seat("A1"), seat("B1", column=3), seat("U1", deck="upper")]
    assert layout_errors(DECKS, CLASSES, seats) == {}


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        (seat("A1", row=2), "seats.1.seat"),
        (seat("B1"), "seats.1.row"),
        (seat("B1", row=4), "seats.1.row"),
        (seat("B1", row=0), "seats.1.row"),
        (seat("B1", column=4), "seats.1.column"),
        (seat("B1", deck="upper", row=3), "seats.1.row"),
        (seat("B1", row=2, seat_class="sleeper"), "seats.1.class"),
    ],
)
def test_a_seat_has_its_own_name_and_cell_and_a_known_class(wrong, where):
    assert set(layout_errors(DECKS, CLASSES, [seat("A1"), wrong])) == {where}


def test_a_deck_that_is_not_described_has_no_seats():
    assert set(layout_errors(DECKS[:1], CLASSES, [seat(deck="upper")])) == {"seats.0.deck"}


def test_decks_and_classes_are_described_once():
    assert set(layout_errors(DECKS[:1] * 2, CLASSES * 2, [seat()])) == {"decks.1.deck", "classes.1.code"}


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3)), min_size=1, max_size=9))
def test_a_layout_is_right_exactly_if_no_two_seats_share_a_cell(cells):
    seats = [seat(f"S{n}", row=row, column=column) for n, (row, column) in enumerate(cells)]
    assert (layout_errors(DECKS, CLASSES, seats) == {}) == (len(set(cells)) == len(cells))


def test_the_seats_that_were_sold_and_are_not_there_are_named():
    assert lacking_seats(["B2", "A1", "C3", "B2"], [seat("A1")]) == ["B2", "C3"]


ARRANGEMENTS = st.builds(
    Arrangement,
    deck=st.just("lower"),
    left=st.integers(1, 3),
    right=st.integers(0, 3),
    rows=st.integers(1, 20),
    class_code=st.just("seater"),
    class_name=st.just("Seater"),
    fare_percent=st.just(100),
)


@given(ARRANGEMENTS, ARRANGEMENTS | st.none())
def test_an_arrangement_makes_a_layout_that_is_right(lower, upper):
    decks = [lower] + ([replace(upper, deck="upper")] if upper else [])
    made = arrange("Coach", decks)
    assert layout_errors(made["decks"], made["classes"], made["seats"]) == {}
    assert len(made["seats"]) == sum(deck.rows * (deck.left + deck.right) for deck in decks)
    for deck, seen in zip(made["decks"], decks, strict=True):
        columns = {seat["column"] for seat in made["seats"] if seat["deck"] == deck["deck"]}
        assert seen.left + 1 not in columns
        assert max(columns) <= deck["columns"]
