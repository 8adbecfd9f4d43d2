"""A percentile is a value that was measured, with as many below it as it says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.ranks import percentile


@pytest.mark.parametrize(
    ("share", "value"), [(0.0, 1), (0.5, 50), (0.07, 7), (0.99, 99), (0.991, 100), (1.0, 100)]
)
def test_of_a_hundred_values_it_is_the_one_with_its_number(share, value):
    assert percentile(range(1, 101), share) == value


@given(st.lists(st.integers(), min_size=1), st.floats(0.001, 1))
def test_at_least_its_share_is_not_above_it_and_less_is_below(values, share):
    ordered = sorted(values)
    found = percentile(ordered, share)
    assert sum(value <= found for value in ordered) >= share * len(ordered) * (1 - 1e-6)
    assert sum(value < found for value in ordered) < share * len(ordered)
