"""Intervals that hold what they promise: tried on samples whose true ratio is known."""

from __future__ import annotations

import math
import random
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.report import intervals, student
from loadtests.report.intervals import Ratio

SAMPLES = st.lists(st.floats(0.5, 500), min_size=5, max_size=60)


def drawn(dice: random.Random, many: int, scale: float = 1.0) -> list[float]:
    return [dice.lognormvariate(0, 0.4) * scale for _ in range(many)]


def holds(ratio: Ratio, truth: float) -> bool:
    assert ratio.low is not None
    assert ratio.high is not None
    return ratio.low <= truth <= ratio.high


def both(service: dict[int, list[float]], legacy: dict[int, list[float]]) -> tuple[Ratio, Ratio]:
    found = intervals.quantile_ratios(service, legacy, (0.5, 0.99))
    assert found is not None
    return found[0], found[1]


class TestOneRound:
    def test_holds_one_for_equal_samples_in_nineteen_cases_of_twenty(self):
        hits = {"p50": 0, "mean": 0}
        for seed in range(100):
            dice = random.Random(seed)
            service, legacy = {1: drawn(dice, 200)}, {1: drawn(dice, 200)}
            hits["p50"] += holds(both(service, legacy)[0], 1)
            mean = intervals.mean_ratio(service, legacy)
            assert mean is not None
            hits["mean"] += holds(mean, 1)
        assert 90 <= hits["p50"] <= 99
        assert 90 <= hits["mean"] <= 99

    def test_agrees_with_a_bootstrap_that_draws_every_sample(self):
        dice = random.Random(5)
        service, legacy = drawn(dice, 150, 0.8), drawn(dice, 150)
        plainly = sorted(
            intervals.quantile(sorted(dice.choices(service, k=150)), 0.5)
            / intervals.quantile(sorted(dice.choices(legacy, k=150)), 0.5)
            for _ in range(2000)
        )
        quickly = both({1: service}, {1: legacy})[0]
        assert quickly.low == pytest.approx(intervals.quantile(plainly, 0.025), rel=0.03)
        assert quickly.high == pytest.approx(intervals.quantile(plainly, 0.975), rel=0.03)

    def test_a_p99_of_few_is_wider_than_one_of_many(self):
        dice = random.Random(9)
        few = both({1: drawn(dice, 60)}, {1: drawn(dice, 60)})[1]
        many = both({1: drawn(dice, 6000)}, {1: drawn(dice, 6000)})[1]
        assert math.log(few.high / few.low) > 3 * math.log(many.high / many.low)

    @given(SAMPLES, st.floats(0.2, 5))
    @settings(max_examples=25, deadline=None)
    def test_scaled_samples_have_the_scale_as_their_ratio(self, samples, scale):
        scaled = {1: [each * scale for each in samples]}
        mean = intervals.mean_ratio(scaled, {1: samples})
        for ratio in (*both(scaled, {1: samples}), mean):
            assert ratio is not None
            assert ratio.value == pytest.approx(scale)
            assert ratio.low <= scale * (1 + 1e-9)
            assert ratio.high >= scale * (1 - 1e-9)

    @given(SAMPLES, SAMPLES)
    @settings(max_examples=25, deadline=None)
    def test_the_same_samples_give_the_same_interval(self, service, legacy):
        assert both({1: service}, {1: legacy}) == both({1: service[::-1]}, {1: legacy})


class TestRounds:
    def test_drift_that_both_sides_share_leaves_the_ratio_alone(self):
        dice = random.Random(2)
        drift = {1: 1.0, 2: 3.0, 3: 0.5}
        service = {number: drawn(dice, 300, 0.8 * each) for number, each in drift.items()}
        legacy = {number: drawn(dice, 300, each) for number, each in drift.items()}
        paired = both(service, legacy)[0]
        unpaired = both({number + 10: samples for number, samples in service.items()}, legacy)[0]
        assert holds(paired, 0.8)
        assert math.log(paired.high / paired.low) < math.log(unpaired.high / unpaired.low) / 3

    def test_equal_sides_are_held_to_be_equal_at_least_as_often_as_promised(self):
        hits = 0
        for seed in range(50):
            dice = random.Random(seed)
            drift = [dice.lognormvariate(0, 0.2) for _ in range(3)]
            service, legacy = (
                {number: drawn(dice, 80, each) for number, each in enumerate(drift)} for _ in range(2)
            )
            hits += holds(both(service, legacy)[0], 1)
        assert hits >= 46

    def test_what_disturbs_one_side_for_a_whole_round_is_in_the_interval(self):
        """Two rounds, equal sides, and each side of each round on a level of its own."""
        hits = {0.5: 0, 0.99: 0}
        alone = dict.fromkeys(hits, 0)
        for seed in range(80):
            dice = random.Random(seed)
            routes = [
                [
                    {number: drawn(dice, 160, dice.lognormvariate(0, 0.06)) for number in (1, 2)}
                    for _side in range(2)
                ]
                for _route in range(8)
            ]
            for part in hits:
                scatter, freedom = intervals.scatter_of_rounds(
                    intervals.ratios_by_round(*sides, part) for sides in routes
                )
                resampled = intervals.quantile_ratios(*routes[0], (part,))
                assert resampled is not None
                by_round = intervals.ratios_by_round(*routes[0], part)
                hits[part] += holds(intervals.widened(resampled[0], by_round, scatter, freedom), 1)
                alone[part] += holds(resampled[0], 1)
        assert min(hits.values()) >= 74
        assert alone[0.5] <= 70  # resampling by itself does not keep what it promises

    def test_widening_keeps_the_wider_of_both_intervals(self):
        narrow, wide = Ratio(1.0, 0.99, 1.01), Ratio(1.0, 0.5, 2.0)
        rounds = {1: 0.9, 2: 1.1}
        by_rounds = intervals.widened(narrow, rounds, 0.1, 20)
        assert by_rounds.high == pytest.approx(
            math.exp(2.086 * statistics.stdev(map(math.log, rounds.values())) / 2**0.5)
        )
        assert intervals.widened(wide, rounds, 0.1, 20) == Ratio(1.0, 0.5, 2.0, 20)

    def test_one_round_has_no_interval(self):
        assert intervals.widened(Ratio(0.8, 0.7, 0.9), {1: 0.8}, 0.05, 12) == Ratio(0.8, None, None)
        assert intervals.widened(Ratio(0.8, 0.7, 0.9), {1: 0.8, 2: 0.8}, 0.0, 0) == Ratio(0.8, None, None)

    def test_nothing_measured_has_no_ratio(self):
        assert intervals.quantile_ratios({}, {1: [1.0]}, (0.5,)) is None
        assert intervals.quantile_ratios({1: []}, {1: [1.0]}, (0.5,)) is None
        assert intervals.mean_ratio({1: [1.0]}, {1: []}) is None


class TestScatter:
    """CPU has one figure a round; its scatter is learnt from all routes."""

    def test_holds_the_truth_in_nineteen_cases_of_twenty(self):
        hits = 0
        for seed in range(300):
            dice = random.Random(seed)
            routes = [
                {number: dice.lognormvariate(math.log(1.2), 0.05) for number in range(3)} for _ in range(12)
            ]
            scatter, freedom = intervals.scatter_of_rounds(routes)
            ratio = intervals.ratio_of_rounds(routes[0], scatter, freedom)
            assert ratio is not None
            hits += holds(ratio, 1.2)
        assert hits >= 278

    def test_one_round_has_a_ratio_and_no_interval(self):
        assert intervals.ratio_of_rounds({1: 1.5}, 0.1, 10) == Ratio(pytest.approx(1.5), None, None)

    def test_rounds_alone_have_degrees_of_freedom(self):
        assert intervals.scatter_of_rounds([{1: 1.0}, {}]) == (0.0, 0)
        assert intervals.scatter_of_rounds([{1: 1.0, 2: 1.0}, {1: 2.0, 2: 2.0, 3: 2.0}]) == (0.0, 3)

    def test_a_route_that_strays_more_than_the_others_has_a_wider_interval(self):
        calm, wild = {1: 1.0, 2: 1.01, 3: 0.99}, {1: 1.0, 2: 1.5, 3: 0.7}
        scatter, freedom = intervals.scatter_of_rounds([calm] * 20)
        narrow = intervals.ratio_of_rounds(calm, scatter, freedom)
        wide = intervals.ratio_of_rounds(wild, scatter, freedom)
        assert narrow is not None
        assert wide is not None
        assert wide.high / wide.low > 2 * narrow.high / narrow.low

    @given(st.integers(1, 400))
    def test_student_falls_towards_the_normal(self, freedom):
        assert 1.959 < student.student(freedom + 1) <= student.student(freedom) <= 12.706

    @given(st.integers(1, 400))
    def test_one_in_forty_is_above_the_percentile(self, freedom):
        assert student.tail(student.student(freedom), freedom) == pytest.approx(0.025, rel=0.01)

    def test_tails_are_those_of_the_tables(self):
        assert student.tail(1.0, 1) == pytest.approx(0.25)
        assert student.tail(3.169, 10) == pytest.approx(0.005, rel=0.01)
        assert student.tail(3.385, 60) == pytest.approx(0.000632, rel=0.02)


class TestTogether:
    def test_many_routes_say_more_than_one(self):
        one = Ratio(0.9, 0.7, 0.9 * 0.9 / 0.7)
        many = intervals.together([one] * 16)
        assert many is not None
        assert many.value == pytest.approx(0.9)
        assert math.log(many.high / many.low) == pytest.approx(math.log(one.high / one.low) / 4)

    def test_without_intervals_there_is_nothing_to_say(self):
        assert intervals.together([Ratio(0.9, None, None)]) is None
