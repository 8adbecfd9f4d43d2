from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.payment.domain.cards import (
    Card,
    brand,
    passes_luhn,
    plain_number,
    why_bad_cvc,
    why_bad_expiry,
    why_bad_number,
)

TODAY = date(2026, 5, 31)
TEST_CARDS = [
    "4242424242424242",
    "4000000000000002",
    "4000000000009995",
    "4000000000003220",
    "4000000000000077",
    "4000000000000259",
    "4000000000000341",
]


@pytest.mark.parametrize("number", TEST_CARDS)
def test_the_test_cards_are_good_numbers(number):
    assert why_bad_number(number) is None
    assert brand(number) == "visa"


@given(st.sampled_from(TEST_CARDS), st.integers(0, 15), st.integers(1, 9))
def test_a_digit_typed_wrongly_is_found(number, place, step):
    wrong = str((int(number[place]) + step) % 10)
    assert not passes_luhn(number[:place] + wrong + number[place + 1 :])


@pytest.mark.parametrize(
    "number", ["", "4242", "4242424242424241", "4" * 20, "424242424242424x", "४२४२४२४२४२४२४२४२"]
)
def test_what_is_no_number_is_refused_without_repeating_it(number):
    message = why_bad_number(number)
    assert message
    assert not number or number not in message


def test_blanks_and_hyphens_are_dropped():
    assert plain_number("4242 4242-4242 4242") == "4242424242424242"


@pytest.mark.parametrize(
    ("number", "name"),
    [
        ("4111111111111111", "visa"),
        ("5555555555554444", "mastercard"),
        ("2223003122003222", "mastercard"),
        ("378282246310005", "amex"),
        ("6074820000000007", "rupay"),
        ("6521000000000000", "rupay"),
        ("6011111111111117", "discover"),
        ("3530111333300000", "rupay"),
        ("30569309025904", "diners"),
        ("6304000000000000", "maestro"),
        ("9000000000000000", "card"),
    ],
)
def test_the_first_digits_name_the_brand(number, name):
    assert brand(number) == name


@pytest.mark.parametrize(
    ("month", "year", "good"),
    [(5, 2026, True), (4, 2026, False), (12, 2025, False), (1, 2027, True), (1, 2047, False)],
)
def test_a_card_is_good_to_the_end_of_its_month(month, year, good):
    assert (why_bad_expiry(month, year, TODAY) is None) is good


@pytest.mark.parametrize(
    ("number", "cvc", "good"),
    [
        ("4242424242424242", "123", True),
        ("4242424242424242", "1234", False),
        ("4242424242424242", "12a", False),
        ("378282246310005", "1234", True),
        ("378282246310005", "123", False),
    ],
)
def test_the_security_code_has_the_digits_of_its_brand(number, cvc, good):
    assert (why_bad_cvc(number, cvc) is None) is good


def test_a_card_does_not_show_its_number():
    card = Card("4242424242424242", 12, 2030, "987", "Asha")
    assert "4242424242424242" not in repr(card)
    assert "987" not in repr(card)
    assert (card.brand, card.last4) == ("visa", "4242")
