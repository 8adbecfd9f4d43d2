"""GTFS' clock: noon minus 12 h of the service day."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.company.gtfs.times import (
    LATEST_S,
    Calendar,
    format_date,
    format_time,
    parse_date,
    parse_time,
    service_instant,
    service_seconds,
)

NEW_YORK = ZoneInfo("America/New_York")
DATES = st.dates(date(1990, 1, 1), date(2040, 1, 1))


@given(st.integers(0, LATEST_S))
def test_a_time_that_is_written_reads_the_same(seconds):
    assert parse_time(format_time(seconds)) == seconds


@given(DATES)
def test_a_date_that_is_written_reads_the_same(day):
    assert parse_date(format_date(day)) == day


@given(
    DATES, st.integers(0, LATEST_S), st.sampled_from(["America/New_York", "Asia/Kolkata", "Europe/Berlin"])
)
def test_an_instant_and_its_service_time_are_the_same_thing(day, seconds, zone):
    moment = service_instant(day, seconds, ZoneInfo(zone))
    assert service_seconds(moment, day, ZoneInfo(zone)) == seconds


def test_times_may_pass_midnight():
    assert parse_time("25:35:00") == 25 * 3600 + 35 * 60
    assert service_instant(date(2026, 6, 1), parse_time("25:35:00"), NEW_YORK) == datetime(
        2026, 6, 2, 5, 35, tzinfo=UTC
    )


@pytest.mark.parametrize("text", ["", "7:5:00", "24:60:00", "12:00", "-1:00:00", "a:00:00", "241:00:00"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError, match=r"time|hours"):
        parse_time(text)


@pytest.mark.parametrize("text", ["", "2026-05-01", "20260230", "2026050", "202605011"])
def test_what_is_no_date_is_refused(text):
    with pytest.raises(ValueError, match="date"):
        parse_date(text)


def test_eight_in_the_morning_is_eight_in_the_morning_when_clocks_change():
    """On the day of the change noon minus 12 h is not midnight, and 08:00:00 is still what a clock shows."""
    for day in (date(2026, 3, 8), date(2026, 11, 1), date(2026, 7, 1)):
        local = service_instant(day, parse_time("08:00:00"), NEW_YORK).astimezone(NEW_YORK)
        assert (local.date(), local.hour) == (day, 8)


@given(
    DATES,
    st.sets(st.integers(1, 7)),
    st.integers(0, 40),
    st.sets(st.integers(0, 60)),
    st.sets(st.integers(0, 60)),
)
def test_exceptions_win_over_the_weekly_pattern(start, weekdays, length, added, removed):
    def dates(offsets) -> frozenset[date]:
        return frozenset(start + timedelta(days=n) for n in offsets)

    end = start + timedelta(days=length)
    calendar = Calendar(frozenset(weekdays), start, end, dates(added), dates(removed))
    runs = set(calendar.dates(start, start + timedelta(days=60)))
    assert not runs & calendar.removed
    assert calendar.added - calendar.removed <= runs
    for day in runs - calendar.added:
        assert start <= day <= end
        assert day.isoweekday() in weekdays
