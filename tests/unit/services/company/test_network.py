"""Stops' places, routes' calls and fares, refund policies."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.company.domain.companies import DEFAULT_REFUND_POLICY, refund_policy_errors
from services.company.domain.network import calls_of, dearest_minor, offset_errors
from services.company.domain.places import slug


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


def test_a_refund_policy_gives_less_the_later_one_cancels():
    assert refund_policy_errors(DEFAULT_REFUND_POLICY["steps"]) == {}
    rising = [{"hours_before": 4, "percent": 50}, {"hours_before": 24, "percent": 50}]
    assert set(refund_policy_errors(rising)) == {
        "refund_policy.steps.1.hours_before",
        "refund_policy.steps.1.percent",
    }


LEGS = st.lists(st.integers(0, 9_999_900), min_size=1, max_size=100)


@given(LEGS, st.data())
def test_the_fare_of_a_stretch_is_the_sum_of_its_legs(legs, data):
    stops = [
        {"stop_id": f"stop {seq}", "arrive_s": seq, "depart_s": seq, "leg_fare_minor": leg}
        for seq, leg in enumerate(legs)
    ]
    calls = calls_of(stops)
    assert [call["seq"] for call in calls] == list(range(len(legs)))
    assert [{key: call[key] for key in stops[0]} for call in calls] == stops
    start = data.draw(st.integers(0, len(legs) - 1))
    end = data.draw(st.integers(start, len(legs) - 1))
    fare = calls[end]["fare_sum_minor"] - calls[start]["fare_sum_minor"]
    assert fare == sum(legs[start + 1 : end + 1])


def test_the_dearest_route_costs_as_many_major_units_in_every_currency():
    assert (dearest_minor("INR"), dearest_minor("JPY")) == (300_000_000, 3_000_000)
