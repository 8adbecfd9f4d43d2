"""From figures to words: the rule, CPU per request, and what a run lacks."""

from __future__ import annotations

import copy

import pytest

from loadtests.report import cpu, findings, result, rule
from loadtests.report.intervals import Ratio
from loadtests.report.result import UnknownFormatError, Window
from tests.unit.loadtests import synthetic


def verdicts(measured):
    return findings.of(result.read(measured))


@pytest.fixture(scope="module")
def whole():
    return synthetic.result()


@pytest.fixture
def measured(whole):
    return copy.deepcopy(whole)


class TestRule:
    @pytest.mark.parametrize(
        ("ratio", "word"),
        [
            (Ratio(0.80, 0.70, 0.90), "better"),
            (Ratio(0.96, 0.93, 0.99), "better"),
            (Ratio(0.98, 0.97, 0.99), "same"),  # sure, but too little to matter
            (Ratio(1.02, 1.01, 1.03), "same"),
            (Ratio(1.00, 0.90, 1.10), "same"),
            (Ratio(1.00, 0.89, 1.10), "unsure"),
            (Ratio(1.05, 0.99, 1.11), "unsure"),
            (Ratio(1.04, 1.01, 1.07), "worse"),
            (Ratio(1.50, 1.20, 2.00), "worse"),
            (Ratio(0.50, 0.20, 1.01), "unsure"),
            (Ratio(0.50, None, None), "unsure"),
            (None, "unsure"),
        ],
    )
    def test_a_ratio_becomes_a_word(self, ratio, word):
        assert rule.judge(ratio) == word

    @pytest.mark.parametrize(
        ("value", "text"), [(0.0449, "0.04"), (1, "1.00"), (12.34, "12.3"), (123.4, "123"), (12345, "12 345")]
    )
    def test_numbers_have_three_figures(self, value, text):
        assert rule.number(value) == text


class TestCpu:
    def test_only_what_belongs_to_the_side_counts_less_what_it_needs_when_idle(self):
        used = {"nginx": 0.1, "legacy": 1.0, "postgres": 0.5, "ticketing-service": 9.0, "sync": 9.0}
        cost = cpu.cost(Window("legacy", 1, 10.0, used), 100, {"legacy": 20.0, "sync": 50.0})
        assert cost is not None
        assert cost.gross_ms == pytest.approx(16.0)
        assert cost.net_ms == pytest.approx(14.0)
        assert cost.net_by_process == pytest.approx({"nginx": 1.0, "legacy": 8.0, "postgres": 5.0})

    def test_all_six_services_belong_to_the_service_and_the_monolith_does_not(self):
        belonging = {process for process in cpu.ORDER if cpu.belongs(process, "service")}
        assert belonging == set(cpu.ORDER) - {"legacy"}
        assert {process for process in cpu.ORDER if cpu.belongs(process, "split")} == set(cpu.ORDER)

    def test_a_gateway_is_nginx_and_a_redis_is_valkey(self, measured):
        measured["routes"][0]["cpu_s"] = {"gateway": 1.0, "redis": 2.0}
        assert result.read(measured).routes[0].cpu_s == {"nginx": 1.0, "valkey": 2.0}

    def test_without_clocks_there_is_no_cost(self):
        assert cpu.cost(Window("legacy", 1, 10.0, {}), 100, {}) is None
        assert cpu.cost(Window("legacy", 1, 10.0, {"legacy": 1.0}), 0, {}) is None


class TestRoutes:
    def test_what_is_better_or_worse_by_construction_is_found_to_be(self, measured):
        found = {each.name: each for each in verdicts(measured).routes}
        assert found["GET /api/search"].verdicts()["p50"] == "better"
        assert found["GET /api/search"].verdicts()["cpu"] == "better"
        assert found["GET /api/tickets/{ticket_id}/qr"].verdicts()["p50"] == "worse"
        assert found["GET /api/tickets/{ticket_id}/qr"].verdicts()["cpu"] == "worse"
        assert found["GET /api/bookings/{booking_id}"].verdicts()["p50"] == "same"

    def test_ratios_are_near_those_that_the_run_was_made_with(self, measured):
        for each in verdicts(measured).routes:
            ratio = each.figures["p50"].ratio
            assert ratio is not None
            assert ratio.value == pytest.approx(synthetic.ROUTES[each.name][1], rel=0.1)

    def test_a_side_that_fails_is_not_compared(self, measured):
        for window in measured["routes"]:
            if window["route"] == "GET /api/search" and window["side"] == "service":
                window["failed"] = 5
        found = next(each for each in verdicts(measured).routes if each.name == "GET /api/search")
        assert set(found.verdicts().values()) == {"unsure"}
        assert found.figures["p50"].why_unsure == "service failed 4.2%"

    def test_a_p99_of_few_is_not_judged(self):
        found = next(iter(verdicts(synthetic.result(per_window=60)).routes))
        assert found.figures["p99"].verdict == "unsure"
        assert found.figures["p99"].why_unsure == "too few requests (180)"
        assert found.figures["p99"].ratio.low is None
        assert found.figures["p50"].why_unsure != found.figures["p99"].why_unsure

    def test_of_a_handful_nothing_is_judged(self):
        found = verdicts(synthetic.result(rounds=1, per_window=3))
        for each in found.routes:
            assert set(each.verdicts().values()) == {"unsure"}
            assert each.figures["mean"].ratio.low is None

    def test_one_round_judges_nothing(self):
        found = verdicts(synthetic.result(rounds=1, per_window=1000))
        search = next(each for each in found.routes if each.name == "GET /api/search")
        assert search.verdicts() == {"p50": "unsure", "p99": "unsure", "cpu": "unsure"}
        assert {figure.why_unsure for figure in search.figures.values() if figure.verdict} == {
            "one round alone has no interval"
        }


class TestLacks:
    def test_an_empty_run_lacks_everything_and_tells_no_goal(self):
        found = verdicts({"format": 1})
        assert {goal.status for goal in found.goals} == {"cannot be told"}
        assert [lack.split(":")[0] for lack in found.lacks] == [
            "people at work (the mix)",
            "routes at equal load",
            "the booking journey",
            "rates up to the knee",
            "CPU of processes",
        ]

    def test_a_whole_run_lacks_only_a_third_round_of_its_curves(self, measured):
        assert verdicts(measured).lacks == ("curves: 2 rounds only; 3 say more of their scatter",)

    def test_a_missing_side_one_round_and_few_requests_are_said(self, measured):
        measured["routes"] = [each for each in measured["routes"] if each["side"] == "legacy"]
        measured["journey"] = [each for each in measured["journey"] if each["round"] == 1]
        for window in measured["routes"]:
            window["ms"] = window["ms"][:20]
        lacks = verdicts(measured).lacks
        assert "routes: service was not measured" in lacks
        assert any(lack.startswith("journey: one round only") for lack in lacks)
        assert any(lack.startswith("requests: 7 of 7 routes") for lack in lacks)

    def test_a_busy_machine_a_late_generator_and_what_the_comparison_says_of_itself_are_said(self, measured):
        measured["machine"]["load_before"] = 1.7
        for part, many in (("routes", 1), ("journey", 2), ("curves", 3)):
            for window in measured[part][:many]:
                window["is_generator_late"] = True
        measured["lacks"] = ["statements: pg_stat_statements is not there"]
        measured["not_asked"] = {"GET /a": "needs a camera", "GET /b": "needs a camera"}
        lacks = verdicts(measured).lacks
        assert lacks[0] == "statements: pg_stat_statements is not there"
        assert lacks[1].startswith("quiet: the load was 1.7 on 2 cores")
        assert lacks[2].startswith("punctuality: the generator sent late in 1 of 42 windows at equal load")
        assert lacks[3].startswith("punctuality: the generator sent late in 2 of 6 windows of the journey")
        assert lacks[4].startswith(
            f"punctuality: the generator sent late in 3 of {len(measured['curves'])} steps"
        )
        assert lacks[-1] == "not asked, needs a camera: GET /a, GET /b"

    def test_clocks_statements_and_idle_are_missed(self, measured):
        measured["idle"] = {}
        assert "CPU without work: nothing is subtracted, net is gross" in verdicts(measured).lacks
        for part in ("mix", "routes", "journey"):
            for window in measured[part]:
                window["cpu_s"] = {}
                window["statements"] = []
        found = verdicts(measured)
        assert "CPU of processes: nothing can be said of CPU per request" in found.lacks
        assert "PostgreSQL's statements" in found.lacks
        cpu_goal = next(goal for goal in found.goals if goal.name.startswith("CPU per request"))
        assert cpu_goal.status == "cannot be told"


class TestFailures:
    def test_each_kind_is_counted_once_and_silence_is_counted_too(self, measured):
        for mix in measured["mix"][:2]:
            mix["side"], mix["failed"] = "service", 3
            mix["failures"] = [{"route": "GET /", "what": "503", "count": 2}]
        assert [(each.route, each.what, each.count) for each in verdicts(measured).failures] == [
            ("GET /", "503", 4),
            ("any", "failed, nothing said", 2),
        ]

    def test_what_fails_past_the_knee_is_no_failure(self, measured):
        for step in measured["curves"]:
            step["failed"] = 7 if step["is_past_knee"] else 0
        assert verdicts(measured).failures == ()

    def test_what_fails_below_the_knee_is_one_though_the_rate_was_held_at_the_second_try(self, measured):
        for step in measured["curves"]:
            step["failed"] = 0
        first = next(step for step in measured["curves"] if not step["is_past_knee"])
        measured["curves"].append(first | {"failed": 7, "is_past_knee": True})
        assert [(each.part, each.side, each.count) for each in verdicts(measured).failures] == [
            ("curves", first["side"], 7)
        ]


class TestStatements:
    def test_rounds_are_taken_together_and_the_longest_is_first(self, measured):
        first, second = verdicts(measured).statements("service")
        assert (first.calls, first.total_ms, first.rows) == (2700, pytest.approx(2401.5), 27000)
        assert first.ms_per_call == pytest.approx(0.889, abs=0.001)
        assert first.share + second.share == pytest.approx(1)


def test_what_was_asked_is_what_is_said_or_else_what_has_a_latency(measured):
    route = measured["mix"][0]["routes"]["GET /"]
    many = len(route["ms"])
    assert result.read(measured).mix[0].routes["GET /"].asked == many
    route |= {"ms": [], "asked": 7, "failed": 7}
    assert result.read(measured).mix[0].routes["GET /"].asked == 7


def test_another_format_is_refused():
    with pytest.raises(UnknownFormatError, match="format 2"):
        result.read({"format": 2})
