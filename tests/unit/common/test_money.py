from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.money import money, to_major, to_minor


@given(st.integers(-(10**12), 10**12), st.sampled_from(["INR", "JPY", "KWD", "EUR"]))
def test_minor_units_survive_the_way_through_a_numeric_column(amount: int, currency: str):
    assert to_minor(to_major(amount, currency), currency) == amount


def test_a_currency_has_its_own_number_of_decimals():
    assert to_minor(Decimal("450.00"), "INR") == 45000
    assert to_minor(Decimal(450), "JPY") == 450
    assert to_major(1500, "KWD") == Decimal("1.500")
    assert money(45000, "INR") == {"amount": 45000, "currency": "INR"}


def test_a_fraction_of_a_minor_unit_is_not_rounded_away():
    with pytest.raises(ValueError, match="whole number"):
        to_minor(Decimal("0.005"), "INR")
