"""Intervals that hold what they promise: tried on samples whose true ratio is known."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.report import intervals, moderation, student
from loadtests.report.intervals import Ratio
from loadtests.report.moderation import Scatter, learnt
from loadtests.report.scatters import pooled


def drawn(dice: random.Random, many: int, scale: float = 1.0) -> list[float]:
    return [dice.lognormvariate(0, 0.4) * scale for _ in range(many)]


def holds(ratio: Ratio, truth: float) -> bool:
    assert ratio.low is not None
    assert ratio.high is not None
    return ratio.low <= truth <= ratio.high


def ratio_of(service, legacy, part: float, scatter: Scatter | None = None) -> Ratio:
    ratios = intervals.ratios_by_round(service, legacy, part)
    found = intervals.ratio_of_rounds(ratios, scatter or Scatter(0.0, 20))
    assert found is not None
    return found


class TestRounds:
    def test_drift_that_both_sides_share_leaves_the_ratio_alone(self):
        dice = random.Random(2)
        drift = {1: 1.0, 2: 3.0, 3: 0.5}
        service = {number: drawn(dice, 300, 0.8 * each) for number, each in drift.items()}
        legacy = {number: drawn(dice, 300, each) for number, each in drift.items()}
        ratio = ratio_of(service, legacy, 0.5)
        assert holds(ratio, 0.8)
        assert ratio.high / ratio.low < 1.3

    @pytest.mark.parametrize(("part", "rounds"), [(0.5, 2), (0.5, 6), (0.99, 2), (0.99, 6)])
    def test_what_disturbs_one_side_for_a_whole_round_is_in_the_interval(self, part, rounds):
        """Each side of each round is on a level of its own."""
        hits = many = 0
        for seed in range(8):
            dice = random.Random(seed)
            routes = [
                [
                    {number: drawn(dice, 100, dice.lognormvariate(0, 0.1)) for number in range(rounds)}
                    for _side in range(2)
                ]
                for _route in range(24)
            ]
            scatter = pooled(intervals.ratios_by_round(*sides, part) for sides in routes)
            hits += sum(holds(ratio_of(*sides, part, scatter), 1) for sides in routes)
            many += len(routes)
        assert 0.92 <= hits / many <= 0.99

    @given(st.lists(st.floats(0.5, 500), min_size=5, max_size=60), st.floats(0.2, 5))
    @settings(max_examples=25, deadline=None)
    def test_scaled_samples_have_the_scale_as_their_ratio(self, samples, scale):
        scaled = {number: [each * scale for each in samples] for number in (1, 2)}
        plain = {1: samples, 2: samples[::-1]}
        for part in (0.5, 0.99):
            assert ratio_of(scaled, plain, part).value == pytest.approx(scale)
        assert intervals.means_by_round(scaled, plain) == pytest.approx({1: scale, 2: scale})

    def test_only_rounds_that_both_sides_have_are_compared(self):
        assert intervals.ratios_by_round({1: [2.0], 2: [3.0], 3: []}, {1: [1.0], 3: [1.0]}, 0.5) == {1: 2.0}
        assert intervals.means_by_round({1: [2.0], 3: []}, {1: [1.0], 2: [1.0], 3: [1.0]}) == {1: 2.0}

    def test_nothing_measured_has_no_ratio(self):
        assert intervals.ratio_of_rounds({}, Scatter(0.1, 10)) is None

    def test_rounds_of_few_requests_are_joined_until_they_have_enough(self):
        rounds = {number: [float(number)] * 40 for number in range(1, 8)}
        service, legacy = intervals.blocks(rounds, rounds, 100)
        assert {number: len(samples) for number, samples in service.items()} == {1: 120, 2: 160}
        assert service == legacy
        assert set(service[1]) == {1.0, 2.0, 3.0}
        assert intervals.blocks(rounds, {1: [1.0] * 99}, 100) == ({}, {})
        assert intervals.blocks(rounds, rounds, 40)[0] == rounds


class TestScatter:
    """Of a route's own rounds little is known; all routes together say what is usual."""

    @pytest.mark.parametrize(
        ("routes", "rounds", "alike"), [(12, 3, 0.0), (40, 6, 0.5), (40, 2, 0.3), (4, 3, 0.3)]
    )
    def test_holds_the_truth_in_nineteen_cases_of_twenty(self, routes, rounds, alike):
        """Of routes of which each scatters in its own way, by some factor from what is usual."""
        hits = many = 0
        for seed in range(1000 // routes):
            dice = random.Random(seed)
            measured = [
                {number: dice.lognormvariate(math.log(1.2), each) for number in range(rounds)}
                for each in [0.05 * dice.lognormvariate(0, alike) for _ in range(routes)]
            ]
            scatter = pooled(measured)
            for ratios in measured:
                ratio = intervals.ratio_of_rounds(ratios, scatter)
                assert ratio is not None
                hits += holds(ratio, 1.2)
                many += 1
        assert 0.93 <= hits / many <= 0.98

    def test_one_round_has_a_ratio_and_no_interval(self):
        assert intervals.ratio_of_rounds({1: 1.5}, Scatter(0.1, 10)) == Ratio(pytest.approx(1.5), None, None)

    def test_rounds_alone_have_degrees_of_freedom(self):
        assert pooled([{1: 1.0}, {}]) == Scatter(0.0, 0)
        assert pooled([{1: 1.0, 2: 1.0}, {1: 2.0, 2: 2.0, 3: 2.0}]) == Scatter(0.0, 3)

    def test_of_few_routes_the_usual_scatter_is_the_least(self):
        scatter = learnt([[0.0, 0.2], [0.0, 0.1]])
        assert scatter == Scatter(pytest.approx(math.sqrt((0.02 + 0.005) / 2)), 2)
        assert scatter.error([0.0, 0.01])[0] == pytest.approx(scatter.of_logs / 2**0.5)
        assert scatter.error([0.0, 1.0]) == (pytest.approx(0.5), 1)

    def test_routes_that_are_equal_count_for_each_other_in_full(self):
        dice = random.Random(3)
        scatter = learnt([[dice.gauss(0, 0.1) for _ in range(6)] for _ in range(200)])
        assert scatter.of_logs == pytest.approx(0.1, rel=0.1)
        assert scatter.worth > 40

    def test_routes_that_differ_count_for_each_other_as_far_as_they_agree(self):
        """Variances as the model has them: the usual one by a chi-squared of six degrees of freedom."""
        dice = random.Random(3)
        variances = [0.01 * 6 / dice.gammavariate(3, 2) for _ in range(400)]
        scatter = learnt([[dice.gauss(0, math.sqrt(each)) for _ in range(6)] for each in variances])
        assert scatter.of_logs == pytest.approx(0.1, rel=0.1)
        assert scatter.worth == pytest.approx(6, rel=0.3)

    def test_a_route_that_strays_more_than_the_others_has_a_wider_interval(self):
        calm, wild = {1: 1.0, 2: 1.01, 3: 0.99}, {1: 1.0, 2: 1.5, 3: 0.7}
        scatter = pooled([calm] * 20)
        narrow = intervals.ratio_of_rounds(calm, scatter)
        wide = intervals.ratio_of_rounds(wild, scatter)
        assert narrow is not None
        assert wide is not None
        assert wide.high / wide.low > 2 * narrow.high / narrow.low

    def test_a_route_that_strays_is_believed_no_more_than_its_own_rounds_say(self):
        dice = random.Random(3)
        scatter = learnt([[dice.gauss(0, 0.1) for _ in range(6)] for _ in range(70)])
        assert scatter.error([-0.1, 0.0, 0.1])[1] > 50
        assert scatter.error([-0.9, 0.0, 0.9]) == (pytest.approx(0.9 / 3**0.5), 2)

    def test_one_in_a_thousand_equal_routes_strays(self):
        for freedom, percentile in ((1, 10.83), (2, 6.91), (5, 4.10), (10, 2.96)):
            assert moderation.strays(freedom) == pytest.approx(percentile, rel=0.05)

    def test_the_functions_of_the_estimate_are_those_of_the_tables(self):
        assert moderation.digamma(1) == pytest.approx(-0.5772156649)
        assert moderation.digamma(0.5) == pytest.approx(-1.9635100260)
        assert moderation.trigamma(1) == pytest.approx(math.pi**2 / 6)
        assert moderation.trigamma(0.5) == pytest.approx(math.pi**2 / 2)
        assert moderation.trigamma_inverse(moderation.trigamma(3.3)) == pytest.approx(3.3)

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
