from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.money import exponent, to_major, to_minor
from services.ticketing.domain.fares import share, step_of
from services.ticketing.domain.refunds import refund, refund_percent

LEAVES = datetime(2030, 5, 1, 12, tzinfo=UTC)
POLICY = {"steps": [{"hours_before": 24, "percent": 90}, {"hours_before": 4, "percent": 50}]}
PRICES = st.integers(0, 9_999_999)
STEPS = st.sampled_from((1, 10))

policies = st.lists(st.tuples(st.integers(0, 720), st.integers(0, 100)), max_size=6).map(
    lambda steps: {"steps": [{"hours_before": hours, "percent": percent} for hours, percent in steps]}
)
leads = st.timedeltas(timedelta(0), timedelta(days=40))


@pytest.mark.parametrize(
    ("before", "percent"),
    [
        (timedelta(days=3), 90),
        (timedelta(hours=24), 90),
        (timedelta(hours=24) - timedelta(seconds=1), 50),
        (timedelta(hours=4), 50),
        (timedelta(hours=4) - timedelta(microseconds=1), 0),
        (timedelta(0), 0),
        (-timedelta(hours=1), 0),
    ],
)
def test_the_step_that_one_is_early_enough_for_decides(before: timedelta, percent: int) -> None:
    assert refund_percent(POLICY, LEAVES, LEAVES - before) == percent


def test_no_steps_give_nothing_back() -> None:
    assert refund_percent({"steps": []}, LEAVES, LEAVES - timedelta(days=99)) == 0


@given(policies, leads, leads)
def test_who_cancels_earlier_never_gets_less(policy, one: timedelta, other: timedelta) -> None:
    early, late = max(one, other), min(one, other)
    assert refund_percent(policy, LEAVES, LEAVES - early) >= refund_percent(policy, LEAVES, LEAVES - late)


@given(PRICES, st.integers(0, 100), STEPS)
def test_a_refund_is_whole_steps_between_nothing_and_the_price(price: int, percent: int, step: int) -> None:
    price *= step
    back = refund(price, percent, step)
    assert 0 <= back <= price
    assert back % step == 0
    assert abs(back * 100 - price * percent) <= 50 * step


@given(PRICES)
def test_everything_and_nothing_are_exact(price: int) -> None:
    assert refund(price, 100, 1) == price
    assert refund(price, 0, 1) == 0


def test_half_a_paisa_goes_to_the_passenger() -> None:
    assert refund(1, 50, 1) == 1
    assert refund(333, 50, 1) == 167
    assert refund(30, 50, 10) == 20


@pytest.mark.parametrize("percent", [-1, 101])
def test_no_more_than_all_goes_back(percent: int) -> None:
    with pytest.raises(ValueError, match="percentage"):
        refund(1, percent, 1)


@given(st.sampled_from(["INR", "JPY", "KWD"]), PRICES, st.integers(0, 500))
def test_a_share_is_what_major_units_of_two_decimals_at_most_would_be(
    currency: str, amount: int, percent: int
) -> None:
    step = step_of(currency)
    amount *= step
    decimals = min(2, exponent(currency))
    major = (to_major(amount, currency) * percent / 100).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    assert share(amount, percent, step) == to_minor(major, currency)
