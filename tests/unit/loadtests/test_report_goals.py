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
        assert curve.ratio is None
        assert curve.is_higher()


def steps(side: str, number: int, *tries: tuple[float, bool], what: str = "search", is_late: bool = False):
    """Rates that were tried in a round of a climb, and whether they were missed."""
    return [
        {
            "what": what,
            "side": side,
            "round": number,
            "rate_per_s": rate,
            "achieved_per_s": rate,
            "is_past_knee": is_past,
            "is_generator_late": is_late,
        }
        for rate, is_past in tries
    ]


def climbed(**knees: list[float]) -> list[dict[str, object]]:
    """Climbs that came to these knees, a tenth between the rates on their two sides."""
    return [
        step
        for side, those in knees.items()
        for number, knee in enumerate(those, 1)
        for step in steps(side, number, (knee / 1.05, False), (knee * 1.05, True), (knee * 1.05, True))
    ]


class TestKnees:
    def curve(self, curves, full=()):
        (curve,) = verdicts({"curves": curves, "saturation": full}).curves
        return curve

    def test_what_was_missed_once_is_held_if_the_second_try_was(self):
        tries = ((100, False), (200, True), (200, False), (400, True), (300, True), (300, True), (400, True))
        knee = self.curve(steps("legacy", 1, *tries)).knees["legacy"][1]
        assert (knee.held_per_s, knee.past_per_s) == (200, 300)
        assert knee.middle_per_s == pytest.approx(6**0.5 * 100)

    @pytest.mark.parametrize(
        ("legacy", "service", "is_higher"),
        [
            ([500, 520, 480], [700, 690, 720], True),
            ([700, 690, 720], [500, 520, 480], False),
            ([500, 520, 480], [510, 500, 530], None),
            ([500, 900, 480], [700, 690, 720], None),
            ([500, 500, 500], [525, 525, 525], None),  # nearer than the rates are to each other
            ([500], [700], None),
        ],
    )
    def test_the_ratio_of_knees_says_which_is_higher_as_far_as_rounds_agree(self, legacy, service, is_higher):
        assert self.curve(climbed(legacy=legacy, service=service)).is_higher() is is_higher

    def test_curves_learn_their_scatter_from_each_other(self):
        """Two rounds of one alone say nothing."""
        alone = climbed(legacy=[500, 520], service=[700, 690])
        others = [
            step | {"what": what}
            for what in ("seats", "booking", "verify")
            for step in climbed(legacy=[500, 520, 480], service=[510, 500, 490])
        ]
        assert self.curve(alone).is_higher() is None
        curves = verdicts({"curves": [*alone, *others]}).curves
        assert {curve.what: curve.is_higher() for curve in curves} == {
            "search": True, "seats": None, "booking": None, "verify": None,
        }  # fmt: skip

    def test_a_generator_that_was_late_at_the_knee_is_said(self):
        late = steps("legacy", 1, (100, False), (110, True), (110, True), is_late=True)
        assert self.curve(late).knees["legacy"][1].was_late
        assert any("search on legacy fell behind while" in lack for lack in verdicts({"curves": late}).lacks)
        once = [*late[:2], *steps("legacy", 1, (110, True))]
        assert not self.curve(once).knees["legacy"][1].was_late

    def test_what_is_answered_when_full_has_a_ratio_of_its_own(self):
        full = [
            {"what": "search", "side": side, "round": number, "answers_per_s": amount, "failed": 0}
            for side, amounts in (("legacy", (400, 410, 390)), ("service", (800, 830, 790)))
            for number, amount in enumerate(amounts, 1)
        ]
        curve = self.curve(climbed(legacy=[300], service=[310]), full)
        assert curve.full == {"legacy": 400, "service": pytest.approx(806.7, abs=0.1)}
        assert curve.full_ratio.value == pytest.approx(2.02, abs=0.01)
        assert curve.full_ratio.low > 1.9
        found = verdicts({"curves": climbed(legacy=[300], service=[310]), "saturation": full})
        goal = next(goal for goal in found.goals if "when full" in goal.name)
        assert [(case.name, case.status) for case in goal.cases if "2.02" in case.said] == [("search", "met")]
        assert goal.status == "cannot be told"  # the others were not filled

    @pytest.mark.parametrize(
        ("service", "status"),
        [((800, 830, 790), "met"), ((400, 415, 385), "cannot be told"), ((300, 310, 290), "missed")],
    )
    def test_more_is_answered_when_full_where_the_whole_interval_says_so(self, service, status):
        full = [
            {"what": what, "side": side, "round": number, "answers_per_s": amount, "failed": 0}
            for what in goals.KNEES
            for side, amounts in (("legacy", (400, 410, 390)), ("service", service))
            for number, amount in enumerate(amounts, 1)
        ]
        curves = [
            step | {"what": what} for what in goals.KNEES for step in climbed(legacy=[300], service=[310])
        ]
        goal = verdicts({"curves": curves, "saturation": full}).goals[-1]
        assert (goal.status, {case.status for case in goal.cases}) == (status, {status})
        assert "all together" in goal.said

    def test_what_fails_when_it_is_full_is_a_failure(self):
        full = {"what": "search", "side": "legacy", "round": 1, "failed": 2,
                "failures": [{"what": "503", "count": 2}]}  # fmt: skip
        (failure,) = verdicts({"saturation": [full]}).failures
        assert (failure.part, failure.route, failure.what, failure.count) == ("when full", "search", "503", 2)
