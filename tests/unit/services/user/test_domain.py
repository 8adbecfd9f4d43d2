"""Periods, shares and names of places."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.user.domain import EARLIEST, LATEST, LONGEST, days_of, period, place_name, share, sums

DAYS = st.dates(min_value=date(1990, 1, 1), max_value=date(2110, 1, 1))
TODAY = date(2026, 5, 15)


class TestPeriod:
    @given(st.none() | DAYS, st.none() | DAYS, st.dates(date(2020, 1, 1), date(2090, 1, 1)))
    def test_it_is_whole_short_and_of_this_century_or_refused(self, first, last, today):
        found_first, found_last, errors = period(first, last, today)
        if not errors:
            assert EARLIEST <= found_first <= found_last <= LATEST
            assert found_last - found_first < LONGEST
            assert first in {None, found_first}
            assert last in {None, found_last}
            assert len(days_of(found_first, found_last)) == (found_last - found_first).days + 1

    def test_it_is_the_last_thirty_days_unless_told_otherwise(self):
        assert period(None, None, TODAY) == (date(2026, 4, 16), TODAY, {})
        assert period(None, date(2026, 1, 31), TODAY) == (date(2026, 1, 2), date(2026, 1, 31), {})
        assert period(date(2026, 5, 1), None, TODAY) == (date(2026, 5, 1), TODAY, {})
        assert period(date(2026, 6, 1), None, TODAY)[2] == {}

    def test_a_year_and_a_day_is_as_long_as_it_gets(self):
        assert period(TODAY - timedelta(days=365), TODAY, TODAY)[2] == {}
        assert list(period(TODAY - timedelta(days=366), TODAY, TODAY)[2]) == ["to"]


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_share_of_something_is_from_0_to_1_and_of_nothing_none(part, rest):
    found = share(part, part + rest)
    assert found is None if part + rest == 0 else 0 <= found <= 1


def test_amounts_add_up_by_currency_in_the_order_of_their_names():
    assert sums([("LKR", 5), ("INR", 1), ("LKR", 2)]) == [
        {"amount": 1, "currency": "INR"},
        {"amount": 7, "currency": "LKR"},
    ]
    assert sums([]) == []


@pytest.mark.parametrize(
    ("name", "city", "said"),
    [
        ("Mysuru Bus Stand", "Mysuru", "Mysuru Bus Stand"),
        ("MYSURU Stand", "mysuru", "MYSURU Stand"),
        ("Stand 4", "Mysuru", "Stand 4, Mysuru"),
    ],
)
def test_a_place_is_named_with_its_city_once(name, city, said):
    assert place_name(name, city) == said
