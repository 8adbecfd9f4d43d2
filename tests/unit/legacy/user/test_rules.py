"""Periods, plots and waits."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from common.mail.retries import wait_after
from legacy.pages.plots import HEIGHT, WIDTH, columns
from legacy.rules.periods import EARLIEST, LATEST, LONGEST, period

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

    def test_it_is_the_last_thirty_days_unless_told_otherwise(self):
        assert period(None, None, TODAY) == (date(2026, 4, 16), TODAY, {})
        assert period(None, date(2026, 1, 31), TODAY) == (date(2026, 1, 2), date(2026, 1, 31), {})
        assert period(date(2026, 5, 1), None, TODAY) == (date(2026, 5, 1), TODAY, {})
        assert period(date(2026, 6, 1), None, TODAY)[2] == {}

    def test_a_year_and_a_day_is_as_long_as_it_gets(self):
        assert period(TODAY - timedelta(days=365), TODAY, TODAY)[2] == {}
        assert list(period(TODAY - timedelta(days=366), TODAY, TODAY)[2]) == ["to"]


class TestPlot:
    @given(st.lists(st.tuples(st.integers(0, 10**10), st.integers(0, 10**10)), min_size=1, max_size=366))
    def test_every_column_is_within_the_picture(self, amounts):
        days = [(TODAY + timedelta(days=n), *amount) for n, amount in enumerate(amounts)]
        plot = columns(days)
        if plot is None:
            assert all(amount == against == 0 for amount, against in amounts)
            return
        assert len(plot.columns) == len(days)
        assert sum(column.is_labelled for column in plot.columns) <= 8
        for column in plot.columns:
            for bar in (column.bar, column.against):
                assert 0 <= bar.x <= bar.x + bar.width <= WIDTH + 0.02
                assert 0 <= bar.y <= bar.y + bar.height <= HEIGHT

    def test_a_date_is_never_cut_off(self):
        plot = columns([(TODAY + timedelta(days=n), 1, 0) for n in range(30)])
        assert all(20 <= column.middle <= WIDTH - 20 for column in plot.columns)

    def test_nothing_is_no_picture(self):
        assert columns([]) is None


def test_a_mail_waits_longer_each_time_and_never_more_than_an_hour():
    waits = [wait_after(attempts) for attempts in range(1, 40)]
    assert waits == sorted(waits)
    assert waits[0] == timedelta(seconds=15)
    assert waits[-1] == timedelta(hours=1)
