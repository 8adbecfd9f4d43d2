"""Arrivals come as often as the rate says; what was answered wrongly has no latency."""

from __future__ import annotations

import statistics
from itertools import pairwise

import pytest

from loadtests.openloop.arrivals import arrivals
from loadtests.openloop.tally import Tally
from loadtests.openloop.window import Plan
from loadtests.wire import Answer


def test_even_arrivals_are_as_far_apart_as_the_rate_says():
    assert arrivals(4, 1, seed=1, spacing="even") == [0.0, 0.25, 0.5, 0.75]


@pytest.mark.parametrize("seed", range(3))
def test_arrivals_by_chance_are_as_many_and_as_irregular_as_those_of_a_crowd(seed):
    instants = arrivals(500, 20, seed)
    assert len(instants) == 10_000
    assert instants == sorted(instants)
    assert instants[0] >= 0
    assert instants[-1] < 20
    gaps = [later - earlier for earlier, later in pairwise(instants)]
    # Gaps of a Poisson process are exponential: their deviation is their mean, where even ones have none.
    assert statistics.stdev(gaps) == pytest.approx(statistics.mean(gaps), rel=0.05)


def test_a_seed_gives_its_own_instants_again():
    assert arrivals(50, 2, seed=7) == arrivals(50, 2, seed=7)
    assert arrivals(50, 2, seed=7) != arrivals(50, 2, seed=8)


def test_a_plan_asks_in_its_warm_up_too_and_before_the_window():
    plan = Plan(100, 2, warm_s=0.5, seed=3)
    instants = plan.instants()
    assert plan.count == len(instants) == 250
    assert sum(at < 0 for at in instants) == 50
    assert instants == sorted(instants)
    assert instants[0] >= -0.5
    assert [at for at in instants if at >= 0] == Plan(100, 2, warm_s=0.0, seed=3).instants()


def test_a_quick_refusal_is_no_latency_and_is_counted_by_what_it_says():
    tally = Tally()
    problem = b'{"type":"urn:banyan:problem:seats-taken","status":409}'
    for answer in (
        Answer(201, b"", b'{"status":"held"}'),
        Answer(409, b"", problem),
        Answer(409, b"", problem),
        Answer(201, b"", b"<html>"),
        Answer(502, b"", b"Bad Gateway"),
    ):
        tally.heard(answer, {201}, b'"held"', 0.25)
    assert tally.latencies_ms() == [250.0]
    assert tally.failure_rows() == [
        {"status": 409, "what": "409 seats-taken", "count": 2},
        {"status": 201, "what": "201 wrong-body", "count": 1},
        {"status": 502, "what": "502 unexpected-status", "count": 1},
    ]


def test_what_never_came_took_at_least_as_long_as_was_waited():
    tally = Tally()
    assert not tally.heard(Answer(0, b"", b"unanswered"), {200}, b"", 9.5)
    assert tally.latencies_ms() == [9500.0]
    assert tally.failure_rows() == [{"status": 0, "what": "unanswered", "count": 1}]
