"""Stops' places, routes' offsets, refund policies."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legacy.rules.companies import DEFAULT_REFUND_POLICY, refund_policy_errors
from legacy.rules.networks import distance_km, offset_errors
from legacy.rules.places import slug


@pytest.mark.parametrize(
    ("city", "place"),
    [
        ("Bengaluru", "bengaluru"),
        ("São Paulo", "sao-paulo"),
        ("  New—Delhi (NCR) ", "new-delhi-ncr"),
        ("Łódź", "lodz"),
        ("İstanbul", "istanbul"),
        ("बेंगलुरु", "xn-i1b6b3csaj4gb6b"),
        ("!?", ""),
    ],
)
def test_a_city_has_a_place_that_needs_no_escaping(city, place):
    assert slug(city) == place


@given(st.text(max_size=40))
def test_a_slug_is_plain_ascii_and_stays_as_it_is(name):
    made = slug(name)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*|", made), made
    assert slug(name.upper().lower()) == slug(name.lower())


def test_cities_of_other_scripts_stay_apart():
    assert len({slug(city) for city in ("दिल्ली", "मुंबई", "বেঙ্গালুরু", "東京", "Москва")}) == 5


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), max_size=8))
def test_offsets_that_never_fall_are_fine_and_no_others(steps):
    offsets, now = [(0, 0)], 0
    for drive, wait in steps:
        offsets.append((now + drive, now + drive + wait))
        now += drive + wait
    assert offset_errors(offsets) == {}
    for seq, (drive, wait) in enumerate(steps, start=1):
        if drive or wait:
            back = [*offsets]
            back[seq] = (offsets[seq - 1][1] - 1, offsets[seq][1])
            assert f"stops.{seq}.arrive_s" in offset_errors(back)


def test_offsets_count_from_the_departure_at_the_first_stop():
    assert set(offset_errors([(0, 60), (90, 90)])) == {"stops.0.depart_s"}
    assert set(offset_errors([(0, 0), (90, 80)])) == {"stops.1.depart_s"}


def test_the_way_from_delhi_to_mumbai_is_about_1150_km():
    assert 1140 < distance_km(28.61, 77.21, 19.08, 72.88) < 1160
    assert distance_km(1, 2, 1, 2) == 0


def test_a_refund_policy_gives_less_the_later_one_cancels():
    assert refund_policy_errors(DEFAULT_REFUND_POLICY["steps"]) == {}
    rising = [{"hours_before": 4, "percent": 50}, {"hours_before": 24, "percent": 50}]
    assert set(refund_policy_errors(rising)) == {
        "refund_policy.steps.1.hours_before",
        "refund_policy.steps.1.percent",
    }
