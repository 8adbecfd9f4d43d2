"""What a stretch of a route costs."""

from decimal import Decimal
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legacy.rules.fares import fare, fare_sums

LEGS = st.lists(st.decimals(0, 99_999, places=2), min_size=1, max_size=100)


@given(LEGS, st.data())
def test_the_fare_of_a_stretch_is_the_sum_of_its_legs(legs, data):
    sums = fare_sums(legs)
    start = data.draw(st.integers(0, len(legs) - 1))
    end = data.draw(st.integers(start, len(legs) - 1))
    assert fare(sums[start], sums[end], 100) == sum(legs[start + 1 : end + 1])


@given(LEGS, st.integers(0, 1000))
def test_a_longer_stretch_never_costs_less(legs, percent):
    fares = [fare(Decimal(0), to, percent) for to in accumulate(legs)]
    assert fares == sorted(fares)


@given(st.integers(0, 10**8), st.integers(0, 1000))
def test_the_fare_is_rounded_half_up_to_the_minor_unit(minor, percent):
    assert fare(Decimal(0), Decimal(minor) / 100, percent) * 100 == (minor * percent + 50) // 100


def test_half_a_minor_unit_goes_up():
    assert fare(Decimal("1.00"), Decimal("1.05"), 110) == Decimal("0.06")
    assert fare(Decimal(0), Decimal("0.10"), 105) == Decimal("0.11")


def test_a_currency_without_minor_units_has_no_cents_in_its_fares():
    assert fare(Decimal(0), Decimal(105), 110, decimals=0) == Decimal(116)


def test_sums_that_fall_are_a_mistake_and_not_a_discount():
    with pytest.raises(ValueError, match="fall"):
        fare(Decimal(2), Decimal(1), 100)
    with pytest.raises(ValueError, match="percent"):
        fare(Decimal(1), Decimal(2), -1)
