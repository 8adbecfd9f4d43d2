"""From what programs and PostgreSQL said to what is kept: statements, failures, and their own words."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.compare import children
from loadtests.compare.measuring import troubles_of
from loadtests.compare.result import failures
from loadtests.compare.statements import TOP, Statement, difference
from loadtests.report import findings, result

PROGRAM = "tests.unit.loadtests.program"


def statement(calls, total_ms, rows=0, query="SELECT $1"):
    return Statement("db_legacy", query, calls, total_ms, rows)


def test_statements_are_what_came_in_between_the_costliest_first():
    before = {(1, 1, 1): statement(10, 100.0, 5), (1, 1, 2): statement(1, 1.0)}
    after = {
        (1, 1, 1): statement(12, 103.0, 9),
        (1, 1, 2): statement(1, 1.0),
        (1, 1, 3): statement(4, 8.0, 4, "INSERT INTO bookings"),
    }
    found = difference(before, after)
    assert [(one["query"], one["calls"], one["total_ms"], one["rows"]) for one in found] == [
        ("INSERT INTO bookings", 4, 8.0, 4),
        ("SELECT $1", 2, 3.0, 4),
    ]


def test_only_the_costliest_statements_are_kept():
    after = {(1, 1, number): statement(1, float(number)) for number in range(100)}
    found = difference({}, after)
    assert len(found) == TOP
    assert found[0]["total_ms"] == pytest.approx(99.0)


def test_a_server_that_keeps_no_statistics_has_none():
    assert difference(None, None) == []


def said(**more: Any) -> list[str]:
    """Of a document with these windows."""
    empty = {"mix": [], "routes": [], "journey": [], "curves": [], "troubles": []}
    return failures(findings.of(result.read(empty | more)))


def test_failures_of_the_same_kind_are_one_sentence():
    one = {"side": "service", "failed": 3, "failures": [{"route": "GET /", "what": "500", "count": 3}]}
    assert said(mix=[one, one]) == ["6 times GET / on service (mix): 500"]


def test_a_failure_that_was_not_explained_is_told_all_the_same():
    one = {"side": "legacy", "failed": 3, "failures": [{"route": "GET /", "what": "500", "count": 1}]}
    assert said(mix=[one]) == [
        "2 times any on legacy (mix): failed, nothing said",
        "1 times GET / on legacy (mix): 500",
    ]


def test_each_kind_of_failure_at_a_fixed_rate_counts_for_itself():
    kinds = [{"what": "wrong body", "count": 4}, {"what": "503", "count": 2}]
    one = {"route": "GET /", "side": "legacy", "failed": 7, "failures": kinds}
    assert said(routes=[one]) == [
        "4 times GET / on legacy (equal load): wrong body",
        "2 times GET / on legacy (equal load): 503",
        "1 times GET / on legacy (equal load): failed, nothing said",
    ]


def test_failed_journeys_are_told():
    found = said(journey=[{"side": "service", "failed": 1, "failures": []}])
    assert found == ["1 times booking journey on service (journey): failed, nothing said"]


def test_past_the_knee_failing_is_allowed():
    step = {"what": "search", "side": "legacy", "rate_per_s": 800, "failed": 9, "is_past_knee": True}
    assert said(curves=[step]) == []
    assert said(curves=[step | {"is_past_knee": False}]) == [
        "9 times search at 800/s on legacy (curves): failed, nothing said"
    ]


def test_a_turn_that_went_wrong_comes_before_any_request():
    one = {"side": "legacy", "failed": 1, "failures": []}
    assert said(mix=[one], troubles=["mix on legacy, round 1: nobody came"])[0].endswith("nobody came")


def test_a_run_without_failures_has_nothing_to_say():
    assert said() == []


def test_a_program_tells_how_far_it_is_and_when_it_counts_and_what_it_found():
    lines, shares = [], []
    found = children.run(PROGRAM, ["well"], within_s=60, at_line=lines.append, at_progress=shares.append)
    assert found == children.Outcome({"found": ["well"]})
    assert found.whole() == {"found": ["well"]}
    assert troubles_of(found) == []
    assert lines == ["measuring", "measured"]
    assert shares == [0.5, 1.0]


def test_a_program_that_fails_is_quoted_by_its_last_line():
    with pytest.raises(children.Failed, match="nobody is there") as failed:
        children.run(PROGRAM, ["badly"], within_s=60)
    assert not isinstance(failed.value, children.NotOffered)


def test_a_program_that_does_not_know_what_is_wanted_is_told_apart():
    with pytest.raises(children.NotOffered, match="invalid choice"):
        children.run(PROGRAM, ["otherwise"], within_s=60)


def test_a_program_that_does_not_end_is_ended():
    with pytest.raises(children.Failed, match="did not end within"):
        children.run(PROGRAM, ["forever"], within_s=1)


def test_what_a_program_found_counts_even_if_it_complains_and_its_complaint_is_kept():
    found = children.run(PROGRAM, ["complaining"], within_s=60)
    assert found == children.Outcome({"found": ["complaining"]}, "something was not right")
    assert troubles_of(found) == ["something was not right"]
    with pytest.raises(children.Failed, match="something was not right"):
        found.whole()


def test_a_program_that_was_killed_when_it_had_written_did_not_end_well():
    found = children.run(PROGRAM, ["killed"], within_s=60)
    assert found.document == {"found": ["killed"]}
    assert found.complaint == f"{PROGRAM} ended with -9 and said nothing"


def test_half_of_a_document_is_none():
    with pytest.raises(children.Failed, match="ended with -9"):
        children.run(PROGRAM, ["halfway"], within_s=60)


def test_what_failed_in_the_warm_up_is_a_trouble():
    assert troubles_of(children.Outcome({"failed_in_warm_up": 3})) == ["3 requests failed in the warm-up"]
    assert troubles_of(children.Outcome({"failed_in_warm_up": 0})) == []
    assert troubles_of(children.Outcome([{"what": "search"}])) == []
