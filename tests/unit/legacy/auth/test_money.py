"""Money between numeric(10,2) and the wire."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legacy.rules.money import LARGEST, to_decimal, to_minor, wire_money

STORED = st.decimals(min_value=-LARGEST, max_value=LARGEST, places=2, allow_nan=False)
TWO_DECIMALS = st.sampled_from(["INR", "EUR", "USD", "LKR"])


@given(STORED, TWO_DECIMALS)
def test_what_is_stored_comes_back_from_the_wire(amount, currency):
    wire = wire_money(amount, currency)
    assert wire["currency"] == currency
    assert isinstance(wire["amount"], int)
    assert to_decimal(wire["amount"], currency) == amount


@given(st.integers(-9_999_999_999, 9_999_999_999), TWO_DECIMALS)
def test_what_is_on_the_wire_comes_back_from_the_table(amount_minor, currency):
    stored = to_decimal(amount_minor, currency)
    assert stored.as_tuple().exponent == -2
    assert to_minor(stored, currency) == amount_minor


@given(st.integers(-99_999_999, 99_999_999))
def test_a_currency_without_decimals_has_none_on_the_wire(amount):
    assert to_decimal(amount, "JPY") == Decimal(amount)
    assert wire_money(Decimal(amount).quantize(Decimal("0.01")), "JPY")["amount"] == amount


@given(STORED, STORED, TWO_DECIMALS)
def test_adding_on_the_wire_is_adding_in_the_table(one, other, currency):
    assert to_minor(one, currency) + to_minor(other, currency) == to_minor(one + other, currency)


@pytest.mark.parametrize(
    ("amount_minor", "currency"), [(10_000_000_000, "INR"), (-(10**12), "INR"), (5, "KWD")]
)
def test_what_the_table_cannot_hold_is_refused(amount_minor, currency):
    with pytest.raises(ValueError, match=currency):
        to_decimal(amount_minor, currency)


def test_a_fraction_of_a_minor_unit_is_refused():
    with pytest.raises(ValueError, match=r"450\.505 INR"):
        wire_money(Decimal("450.505"), "INR")
