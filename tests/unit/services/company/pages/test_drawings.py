"""Plans of buses: every seat in its place."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from services.company.domain.layouts import Arrangement, arrange
from services.company.pages.drawings import EDGE, SEAT, draw

ARRANGEMENTS = st.builds(
    Arrangement,
    st.just("lower"),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 20),
    st.sampled_from(["seater", "sleeper"]),
    st.just("Any"),
    st.just(100),
)


@given(ARRANGEMENTS)
def test_seats_lie_within_the_bus_and_none_on_another(arrangement):
    layout = arrange("Any", [arrangement])
    (deck,) = draw(layout)
    assert sorted(seat.name for seat in deck.seats) == sorted(seat["seat"] for seat in layout["seats"])
    for seat in deck.seats:
        assert EDGE <= seat.x <= deck.width - EDGE - SEAT
        assert EDGE <= seat.y <= deck.height - EDGE - SEAT
    places = {(seat.x, seat.y) for seat in deck.seats}
    assert len(places) == len(deck.seats)
    assert all(abs(ax - bx) >= SEAT or abs(ay - by) >= SEAT for (ax, ay), (bx, by) in combinations(places, 2))


def test_the_first_row_is_in_front_and_the_first_column_on_the_left_side_of_the_driver():
    (deck,) = draw(arrange("Coach", [Arrangement("lower", 2, 2, 10, "seater", "Seater", 100)]))
    at = {seat.name: (seat.x, seat.y) for seat in deck.seats}
    assert at["1A"][0] < at["10A"][0]
    assert at["1A"][1] > at["1D"][1]  # the bus drives to the left: its left side is at the bottom


def test_only_one_deck_has_a_cab_and_berths_are_berths():
    lower, upper = draw(
        arrange(
            "Both",
            [
                Arrangement("lower", 2, 2, 4, "semi-sleeper", "Semi-sleeper", 100),
                Arrangement("upper", 2, 1, 4, "sleeper", "Sleeper", 150),
            ],
        )
    )
    assert (lower.wheel is None, upper.wheel is None) == (False, True)
    assert not any(seat.is_berth for seat in lower.seats)
    assert all(seat.is_berth for seat in upper.seats)
    assert {seat.shade for seat in lower.seats} == {0}
    assert {seat.shade for seat in upper.seats} == {1}


def test_an_upper_deck_alone_has_the_cab():
    (deck,) = draw(arrange("Top", [Arrangement("upper", 1, 1, 2, "sleeper", "Sleeper", 100)]))
    assert deck.wheel is not None
