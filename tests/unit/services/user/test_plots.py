"""Plots: whatever the numbers, the picture holds them."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.user.plots import FOOT, HEIGHT, MOST_LABELS, MOST_TICKS, WIDTH, Value, columns, ticks

AMOUNTS = st.integers(0, 10**12)


@given(st.lists(st.tuples(AMOUNTS, AMOUNTS), min_size=1, max_size=366))
def test_every_column_is_within_the_picture(amounts):
    plot = columns([Value(str(n), "", *amount) for n, amount in enumerate(amounts)], str)
    if plot is None:
        assert all(amount == against == 0 for amount, against in amounts)
        return
    assert len(plot.columns) == len(amounts)
    assert 1 <= sum(bool(column.label) for column in plot.columns) <= MOST_LABELS
    for column in plot.columns:
        for bar in filter(None, (column.bar, column.against)):
            assert plot.left - 0.02 <= bar.x <= bar.x + bar.width <= WIDTH + 0.02
            assert 0 <= bar.y <= HEIGHT - FOOT
            assert bar.y + bar.height <= HEIGHT - FOOT + 0.02


@given(st.integers(1, 10**15))
def test_ticks_are_few_round_and_reach_the_top(top):
    marks = ticks(top)
    step = marks[1]
    assert marks[0] == 0
    assert marks[-2] < top <= marks[-1]
    assert len(marks) <= MOST_TICKS + 1
    assert {later - earlier for earlier, later in pairwise(marks)} == {step}
    assert str(step).rstrip("0") in {"1", "2", "5"}


@given(st.lists(AMOUNTS.filter(bool), min_size=2, max_size=100))
def test_higher_amounts_have_higher_columns(amounts):
    plot = columns([Value("", "", amount) for amount in amounts], str)
    by_amount = sorted(zip(amounts, (column.bar.height for column in plot.columns), strict=True))
    heights = [height for _, height in by_amount]
    assert heights == sorted(heights)


def test_of_many_labels_every_second_is_for_wide_pictures():
    plot = columns([Value(f"{n}", "", 1) for n in range(30)], str)
    labelled = [column for column in plot.columns if column.label]
    assert [column.is_for_wide for column in labelled] == [n % 2 == 1 for n in range(len(labelled))]


def test_nothing_is_no_picture():
    assert columns([], str) is None
    assert columns([Value("", "", 0)], str) is None
