from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legacy.rules.refunds import refund, refund_percent

LEAVES = datetime(2030, 5, 1, 12, tzinfo=UTC)
POLICY = {"steps": [{"hours_before": 24, "percent": 90}, {"hours_before": 4, "percent": 50}]}
PRICES = st.decimals(0, 99_999, places=2)

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


@given(PRICES, st.integers(0, 100))
def test_a_refund_is_whole_minor_units_between_nothing_and_the_price(price: Decimal, percent: int) -> None:
    back = refund(price, percent, 2)
    assert 0 <= back <= price
    assert back == back.quantize(Decimal("0.01"))
    assert abs(back - price * percent / 100) <= Decimal("0.005")


@given(PRICES)
def test_everything_and_nothing_are_exact(price: Decimal) -> None:
    assert refund(price, 100, 2) == price
    assert refund(price, 0, 2) == 0


def test_half_a_paisa_goes_to_the_passenger() -> None:
    assert refund(Decimal("0.01"), 50, 2) == Decimal("0.01")
    assert refund(Decimal(333), 50, 0) == Decimal(167)


@pytest.mark.parametrize("percent", [-1, 101])
def test_no_more_than_all_goes_back(percent: int) -> None:
    with pytest.raises(ValueError, match="percentage"):
        refund(Decimal(1), percent, 2)
