"""From what programs and PostgreSQL said to what is kept: statements, failures, and their own words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from loadtests.compare import children
from loadtests.compare.result import failures
from loadtests.compare.statements import TOP, Statement, difference

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


def document(**more: Any) -> dict[str, Any]:
    return {"mix": [], "routes": [], "journey": [], "curves": [], "troubles": [], **more}


def test_failures_of_the_same_kind_are_one_sentence():
    one = {"side": "service", "failed": 3, "failures": [{"route": "GET /", "what": "500", "count": 3}]}
    assert failures(document(mix=[one, one])) == ["6 times GET / on service: 500"]


def test_a_failure_that_was_not_explained_is_told_all_the_same():
    one = {"side": "legacy", "failed": 3, "failures": [{"route": "GET /", "what": "500", "count": 1}]}
    assert failures(document(mix=[one])) == [
        "1 times GET / on legacy: 500",
        "2 times some request of the mix on legacy",
    ]


def test_failures_at_a_fixed_rate_and_of_journeys_are_named():
    found = failures(
        document(
            routes=[{"route": "GET /", "side": "legacy", "failed": 2, "failures": [{"what": "wrong body"}]}],
            journey=[{"side": "service", "failed": 1, "failures": []}],
        )
    )
    assert found == ["2 times GET / on legacy: wrong body", "1 times a booking journey on service"]


def test_past_the_knee_failing_is_allowed():
    step = {"what": "search", "side": "legacy", "rate_per_s": 800, "failed": 9, "is_past_knee": True}
    assert failures(document(curves=[step])) == []
    assert failures(document(curves=[step | {"is_past_knee": False}])) != []


def test_a_run_without_failures_has_nothing_to_say():
    assert failures(document()) == []


def test_a_program_tells_how_far_it_is_and_when_it_counts_and_what_it_found():
    lines, shares = [], []
    found = children.run(PROGRAM, ["well"], within_s=60, at_line=lines.append, at_progress=shares.append)
    assert found == {"found": ["well"]}
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


def test_what_a_program_found_counts_even_if_it_complains():
    assert json.dumps(children.run(PROGRAM, ["complaining"], within_s=60)) == '{"found": ["complaining"]}'
