"""What was spent between two instants, from clocks that are read now and then."""

from __future__ import annotations

from itertools import starmap

import pytest

from loadtests.compare.processes import Reading
from loadtests.compare.windows import Record, per_second, without_idle


def record(*readings: tuple[float, dict[str, float], dict[str, float]]) -> Record:
    return Record(list(starmap(Reading, readings)))


def test_between_two_readings_it_is_their_difference():
    found = record((10.0, {"legacy": 1.0}, {}), (12.0, {"legacy": 1.5}, {}))
    assert found.spent(10.0, 12.0) == {"legacy": 0.5}


def test_between_instants_that_were_not_read_the_clocks_ran_evenly():
    found = record((10.0, {"legacy": 1.0}, {}), (12.0, {"legacy": 2.0}, {}), (14.0, {"legacy": 2.0}, {}))
    assert found.spent(11.0, 13.0)["legacy"] == pytest.approx(0.5)


def test_outside_of_the_readings_the_clocks_stand():
    found = record((10.0, {"legacy": 1.0}, {}), (12.0, {"legacy": 2.0}, {}))
    assert found.spent(0.0, 100.0) == {"legacy": 1.0}
    assert found.spent(12.0, 100.0) == {"legacy": 0.0}


def test_a_process_that_came_later_counts_in_full():
    found = record((10.0, {}, {}), (12.0, {"legacy": 0.25}, {}))
    assert found.spent(10.0, 12.0) == {"legacy": 0.25}


def test_a_process_that_was_started_anew_costs_nothing_less_than_nothing():
    found = record((10.0, {"legacy": 5.0}, {}), (12.0, {"legacy": 0.1}, {}))
    assert found.spent(10.0, 12.0) == {"legacy": 0.0}


def test_seconds_add_up_to_the_window():
    readings = [(10.0 + n * 0.7, {"legacy": n * n / 10}, {}) for n in range(10)]
    found = record(*readings)
    seconds = found.spent_per_second(10.3, 5)["legacy"]
    assert len(seconds) == 5
    assert sum(seconds) == pytest.approx(found.spent(10.3, 15.3)["legacy"])


def test_the_peak_of_memory_is_that_of_the_window():
    found = record(
        (10.0, {"legacy": 0}, {"legacy": 900.0}),
        (11.0, {"legacy": 0}, {"legacy": 100.0}),
        (12.0, {"legacy": 0}, {"legacy": 120.0}),
    )
    assert found.peak_mib(10.5, 12.5) == {"legacy": 120.0}


def test_where_nothing_can_be_read_nothing_was_spent():
    assert Record().spent(1.0, 2.0) == {}
    assert Record().spent_per_second(1.0, 3) == {}


def test_a_tail_is_paid_for_only_as_far_as_it_was_not_idle():
    spent = {"legacy": 1.010, "valkey": 0.001}
    assert without_idle(spent, {"legacy": 10.0, "valkey": 2.0}, 1.0) == pytest.approx(
        {"legacy": 1.0, "valkey": 0.0}
    )
    assert without_idle(spent, {"legacy": 10.0}, 0.0) == spent


def test_idle_is_milliseconds_in_a_second():
    assert per_second({"legacy": 0.05}, 10.0) == {"legacy": 5.0}


def test_a_window_between_two_readings_costs_what_it_would_have_in_its_time():
    """Clocks are read a little late, at either end."""
    found = record((10.001, {"legacy": 1.0}, {}), (10.505, {"legacy": 1.252}, {}))
    assert found.spent_within(0.5)["legacy"] == pytest.approx(0.25)


def test_of_one_reading_nothing_is_known():
    assert record((10.0, {"legacy": 1.0}, {})).spent_within(0.5) == {}
    assert Record().spent_within(0.5) == {}
