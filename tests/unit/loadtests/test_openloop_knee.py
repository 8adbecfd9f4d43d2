"""The knee is found between the last rate that a site keeps up with and the first that it does not."""

from __future__ import annotations

import pytest

from loadtests.openloop.knee import CLOSE, Climb, Step, along, climb


def step(rate: float, *, achieved: float | None = None, failed: int = 0, p99_ms: float = 20.0) -> Step:
    facts = {
        "rate_per_s": rate,
        "achieved_per_s": rate if achieved is None else achieved,
        "asked": rate * 10,
        "failed": failed,
        "seconds": 10,
    }
    return Step("search", facts, tuple([5.0] * 90 + [p99_ms] * 10))


class Site:
    """Keeps up with so many a second."""

    def __init__(self, knee: float, *, most: float = 1e9) -> None:
        self.knee, self.most, self.asked = knee, most, []

    async def measure(self, rate: float) -> Step | None:
        self.asked.append(rate)
        return None if rate > self.most else step(rate, achieved=min(rate, self.knee))


@pytest.mark.parametrize(
    ("found", "is_past"),
    [
        (step(100), False),
        (step(100, achieved=97), False),
        (step(100, achieved=96.9), True),
        (step(100, failed=1), True),
        (step(100, p99_ms=1000), False),
        (step(100, p99_ms=1001), True),
        (Step("search", step(100).facts, ()), True),
    ],
)
def test_past_the_knee_is_behind_or_slow_or_failing(found, is_past):
    assert found.is_past_knee is is_past
    assert found.row()["is_past_knee"] is is_past


@pytest.mark.parametrize("knee", [25, 60, 137, 1234])
async def test_the_climb_comes_close_to_the_knee(knee):
    site = Site(knee)
    steps = await climb(site.measure)
    rates = [each.rate_per_s for each in steps]
    assert rates == sorted(rates) == sorted(site.asked)
    good = max(each.rate_per_s for each in steps if not each.is_past_knee)
    bad = min(each.rate_per_s for each in steps if each.is_past_knee)
    assert good <= knee / 0.97  # 3 % behind is not yet behind
    assert bad > knee
    assert bad / good <= CLOSE * 1.001
    assert len(site.asked) <= 16


async def test_the_climb_begins_lower_where_the_first_rate_is_too_fast():
    steps = await climb(Site(3).measure, first_per_s=20)
    assert any(not each.is_past_knee for each in steps)
    assert max(each.rate_per_s for each in steps if not each.is_past_knee) <= 3 / 0.97


async def test_a_site_that_never_keeps_up_is_left_alone():
    site = Site(0)
    steps = await climb(site.measure)
    assert all(each.is_past_knee for each in steps)
    assert len(site.asked) < 20


async def test_the_climb_ends_where_a_rate_cannot_be_asked():
    steps = await climb(Site(1e6, most=100).measure)
    assert [each.is_past_knee for each in steps] == [False] * len(steps)
    assert max(each.rate_per_s for each in steps) <= 100


async def test_given_rates_are_asked_up_to_the_first_past_the_knee():
    site = Site(120)
    steps = await along([50, 100, 200, 400], site.measure)
    assert site.asked == [50, 100, 200, 200]
    assert [each.is_past_knee for each in steps] == [False, False, True, True]


async def test_a_stall_does_not_end_the_climb():
    stalls = iter([False, True, False, True])  # then never again
    site = Site(120)

    async def measure(rate: float) -> Step | None:
        found = await site.measure(rate)
        return step(rate, failed=1) if next(stalls, False) else found

    steps = await along([50, 100, 200], measure)
    assert [(each.rate_per_s, each.is_past_knee) for each in steps] == [
        *((50, False), (100, True), (100, False), (200, True), (200, True))
    ]


@pytest.mark.parametrize(
    ("first", "knee", "most"), [(100, 104, 3), (110, 104, 3), (100, 87, 7), (104, 260, 11)]
)
def test_near_the_knee_a_climb_is_short(first, knee, most):
    """As it is when an earlier one has told where to look."""
    climb, tries = Climb(first, faster=CLOSE), 0
    while (rate := climb.next()) is not None:
        climb.saw(is_past_knee=rate > knee)
        tries += 1
    assert climb.held <= knee < climb.missed <= climb.held * CLOSE * 1.001
    assert tries <= most


def test_a_row_has_the_percentiles_of_what_was_measured():
    row = step(100, p99_ms=80.0).row()
    assert (row["p50_ms"], row["p90_ms"], row["p99_ms"], row["max_ms"]) == (5.0, 5.0, 80.0, 80.0)
    assert (row["what"], row["rate_per_s"]) == ("search", 100)
