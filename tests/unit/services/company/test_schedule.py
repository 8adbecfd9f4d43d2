"""When departures leave, also on the days when clocks change."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import starmap
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from services.company.domain.schedule import (
    Departure,
    calendar_departures,
    instant,
    overlapping,
    timetable_departures,
)

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = st.sampled_from(
    ["Asia/Kolkata", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"]
).map(ZoneInfo)
DATES = st.dates(date(2000, 1, 1), date(2040, 1, 1))


@given(
    DATES,
    st.integers(0, 60),
    st.sets(st.integers(1, 7)),
    st.times().map(lambda t: t.replace(second=0)),
    ZONES,
)
def test_a_calendar_leaves_on_its_weekdays_and_on_no_others(first, span, weekdays, local, zone):
    last = first + timedelta(days=span)
    made = calendar_departures(first, last, weekdays, local, zone, 3600)
    wanted = [first + timedelta(days=n) for n in range(span + 1)]
    assert [each.service_date for each in made] == [day for day in wanted if day.isoweekday() in weekdays]
    for each in made:
        assert each.arrives_at - each.departs_at == timedelta(hours=1)


@given(DATES, ZONES)
def test_a_departure_at_noon_leaves_at_noon_whatever_the_clocks_do(first, zone):
    for each in calendar_departures(first, first + timedelta(days=30), range(1, 8), time(12), zone, 60):
        local = each.departs_at.astimezone(zone)
        # Apia had no 30 December 2011: noon of a day that a zone skipped is noon of its neighbour.
        assert local.time() == time(12)


def test_a_calendar_keeps_local_time_across_the_end_of_summer_time():
    before, after = calendar_departures(date(2026, 10, 24), date(2026, 10, 25), {6, 7}, time(8), BERLIN, 60)
    assert before.departs_at == datetime(2026, 10, 24, 6, tzinfo=UTC)
    assert after.departs_at == datetime(2026, 10, 25, 7, tzinfo=UTC)


def test_a_time_that_the_clocks_skip_is_an_hour_later():
    leaves = instant(date(2026, 3, 29), time(2, 30), BERLIN)
    assert leaves.astimezone(BERLIN).time() == time(3, 30)


def test_of_a_time_that_comes_twice_the_first_is_meant():
    assert instant(date(2026, 10, 25), time(2, 30), BERLIN) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def _departure(leaves: int, takes: int) -> Departure:
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=leaves)
    return Departure(start.date(), start, start + timedelta(minutes=takes))


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(1, 90)), max_size=12))
def test_departures_that_one_bus_can_run_do_not_overlap(spans):
    departures = list(starmap(_departure, spans))
    apart = all(
        a.arrives_at <= b.departs_at or b.arrives_at <= a.departs_at
        for i, a in enumerate(departures)
        for b in departures[:i]
    )
    assert (overlapping(departures) == []) == apart


def test_a_bus_can_leave_at_the_minute_it_arrives():
    assert overlapping([_departure(0, 60), _departure(60, 60)]) == []


def timetable_of(service_id="WEEK", weekdays=(1, 2, 3, 4, 5), start_s=25 * 3600, **fields: Any):
    return {
        "id": service_id,
        "service_id": service_id,
        "weekdays": list(weekdays),
        "start_date": date(2014, 1, 1),
        "end_date": date(2014, 12, 31),
        "added": [],
        "removed": [],
        "time_zone": "Asia/Kolkata",
        "start_s": start_s,
        "duration_s": 1800,
        **fields,
    }


def test_a_timetable_leaves_on_its_days_of_service_and_may_leave_after_midnight():
    ((timetable, made), *more) = timetable_departures(
        [timetable_of()], date(2014, 6, 6), date(2014, 6, 9), like=None
    )
    assert timetable["id"] == "WEEK"
    assert made.service_date == date(2014, 6, 6)
    assert made.departs_at == datetime(2014, 6, 6, 19, 30, tzinfo=UTC)  # 01:00 of the 7th in Kolkata
    assert [each.service_date for _, each in more] == [date(2014, 6, 9)]


@given(DATES, st.integers(0, 30), st.dates(date(2014, 1, 1), date(2014, 12, 31)))
def test_days_that_are_like_another_have_its_service_each(first, span, like):
    timetables = [timetable_of(), timetable_of("END", weekdays=(6, 7))]
    made = timetable_departures(timetables, first, first + timedelta(days=span), like=like)
    running = "WEEK" if like.isoweekday() < 6 else "END"
    assert [(timetable["id"], each.service_date) for timetable, each in made] == [
        (running, first + timedelta(days=n)) for n in range(span + 1)
    ]


def test_a_day_that_is_taken_out_of_a_calendar_is_no_day_of_service():
    out = timetable_of(removed=[date(2014, 6, 9)], added=[date(2014, 6, 8)])
    made = timetable_departures([out], date(2014, 6, 7), date(2014, 6, 10), like=None)
    assert [each.service_date for _, each in made] == [date(2014, 6, 8), date(2014, 6, 10)]
    assert timetable_departures([out], date(2020, 1, 1), date(2020, 1, 2), like=date(2014, 6, 9)) == []
