"""What the services have promised: met, missed, or not to be told; knees among it."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import pytest

from loadtests.report import findings, goals, result, rule
from loadtests.report.intervals import Ratio
from loadtests.report.routes import Figure, Findings
from tests.unit.loadtests import synthetic

if TYPE_CHECKING:
    from loadtests.report.goals import Status


def verdicts(measured):
    return findings.of(result.read(measured))


def status_of(found, start: str) -> Status:
    return next(goal.status for goal in found.goals if goal.name.startswith(start))


@pytest.fixture(scope="module")
def whole():
    return synthetic.result()


@pytest.fixture
def measured(whole):
    return copy.deepcopy(whole)


class TestGoals:
    def test_one_route_that_costs_too_much_misses_the_goal_by_name(self, measured):
        goal = next(goal for goal in verdicts(measured).goals if goal.name.startswith("CPU per request"))
        assert goal.status == "missed"
        assert "GET /api/tickets/{ticket_id}/qr 1.2" in goal.said
        assert "POST" not in goal.said  # only reads are promised

    def test_a_read_is_what_is_declared_one_and_else_what_its_method_says(self, measured):
        def reads() -> set[str]:
            return {case.name for case in verdicts(measured).goals[0].cases}

        assert reads() == {name for name in synthetic.ROUTES if name.startswith("GET ")}
        measured["reads"] = ["GET /api/search", "POST /api/qr/verify"]
        assert reads() == {"GET /api/search", "POST /api/qr/verify"}

    def test_p99_is_met_where_enough_requests_show_it(self, monkeypatch):
        monkeypatch.setattr(synthetic, "ROUTES", {"GET /api/search": (18.0, 0.55, 0.6)})
        assert status_of(verdicts(synthetic.result(per_window=4000)), "p99") == "met"

    @pytest.mark.parametrize(
        ("ratio", "kept"),
        [
            (Ratio(0.87, 0.70, 1.08), True),  # unsure whether better, sure to be no worse
            (Ratio(0.98, 0.80, 1.20), None),
            (Ratio(1.05, 1.02, 1.09), False),
            (Ratio(0.50, None, None), None),
        ],
    )
    def test_no_worse_is_what_even_the_upper_end_of_the_interval_says(self, ratio, kept):
        assert goals.is_no_worse(Figure("p99", 1.0, ratio.value, ratio, rule.judge(ratio))) is kept

    def test_p99_is_missed_where_enough_requests_show_it(self, monkeypatch):
        monkeypatch.setattr(
            synthetic, "ROUTES", {"GET /": (4.0, 0.5, 1.0), "GET /api/search": (18.0, 1.9, 1.0)}
        )
        found = verdicts(synthetic.result(per_window=4000))
        assert status_of(found, "p99") == "missed"

    def test_a_route_that_is_worse_by_chance_among_many_misses_no_goal(self):
        def route(name: str, ratio: Ratio) -> Findings:
            return Findings(
                name, 50, {}, {"p99": Figure("p99", 1, 1, ratio, rule.judge(ratio))}, is_read=True
            )

        equal = [route(f"GET /{number}", Ratio(1.0, 0.96, 1.04, 60)) for number in range(59)]
        barely = route("GET /barely", Ratio(1.06, 1.01, 1.11, 60))
        clearly = route("GET /clearly", Ratio(1.3, 1.2, 1.41, 60))
        assert barely.verdicts() == clearly.verdicts() == {"p99": "worse"}
        alone, among, one_more = (
            goals.of_all(found, None, ())[0]
            for found in ([barely], [*equal, barely], [*equal, barely, clearly])
        )
        assert (alone.status, among.status, one_more.status) == ("missed", "cannot be told", "missed")
        assert among.cases[-1].said.endswith("not among 60 routes")
        assert "GET /clearly 1.30" in one_more.said
        assert "barely" not in one_more.said

    def test_the_first_that_is_not_sure_ends_it(self):
        assert goals.surely_beyond({"a": 0.008, "b": 0.012, "c": 0.02}) == {"a", "b", "c"}
        assert goals.surely_beyond({"a": 0.009, "b": 0.001, "c": 0.03}) == {"a", "b"}
        assert goals.surely_beyond({"a": 0.009, "b": 0.009, "c": 0.009}) == set()

    def test_the_journey_may_cost_a_fifth_more(self, measured):
        assert status_of(verdicts(measured), "CPU of a booking journey") == "met"
        for window in measured["journey"]:
            if window["side"] == "service":
                window["cpu_s"] = {name: spent * 1.4 for name, spent in window["cpu_s"].items()}
        assert status_of(verdicts(measured), "CPU of a booking journey") == "missed"

    def test_knees_between_the_same_steps_cannot_be_told_apart(self, measured):
        goal = next(goal for goal in verdicts(measured).goals if goal.name.startswith("Throughput"))
        assert {case.name: case.status for case in goal.cases} == {
            "search": "met",
            "seats": "cannot be told",
            "booking": "met",
            "verify": "met",
        }
        assert goal.status == "cannot be told"

    def test_a_lower_knee_is_a_miss(self, monkeypatch):
        monkeypatch.setattr(synthetic, "CURVES", dict.fromkeys(synthetic.CURVES, (400, 200)))
        assert status_of(verdicts(synthetic.result()), "Throughput") == "missed"

    def test_rounds_that_disagree_tell_nothing(self, measured):
        for step in measured["curves"]:
            if step["what"] == "search" and step["round"] == 2:
                step["side"] = {"legacy": "service", "service": "legacy"}[step["side"]]
        goal = next(goal for goal in verdicts(measured).goals if goal.name.startswith("Throughput"))
        assert next(case.status for case in goal.cases if case.name == "search") == "cannot be told"

    def test_a_side_that_never_fell_behind_is_above_one_that_did(self, measured):
        measured["curves"] = [
            step
            for step in measured["curves"]
            if not (step["what"] == "search" and step["side"] == "service" and step["is_past_knee"])
        ]
        curve = next(curve for curve in verdicts(measured).curves if curve.what == "search")
        assert curve.knees["service"][1].past_per_s is None
        assert curve.is_higher()
