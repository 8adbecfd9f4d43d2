"""Ejection and return of an address, as a table of times."""

from strangler.proxy.health import FAILURES_IN_A_ROW, FIRST_EJECTION_S, LONGEST_EJECTION_S, Health
from strangler.proxy.refusals import UPSTREAM_DOWN, UPSTREAM_TIMEOUT


def fail(health: Health, times: int, now: float = 0.0) -> None:
    for _ in range(times):
        health.failed(UPSTREAM_DOWN, now)


def test_failures_in_a_row_eject_and_an_answer_in_between_does_not():
    health = Health()
    fail(health, FAILURES_IN_A_ROW - 1)
    health.answered()
    fail(health, FAILURES_IN_A_ROW - 1)
    assert health.state == "healthy"
    fail(health, 1)
    assert health.state == "ejected"


def test_an_ejected_address_is_tried_when_its_time_is_over_and_returns_with_its_first_answer():
    health = Health()
    fail(health, FAILURES_IN_A_ROW, now=10.0)
    assert not health.due(10.0)
    assert health.due(10.0 + FIRST_EJECTION_S)
    health.reachable()
    assert health.state == "trial"
    health.answered()
    assert health.state == "healthy"
    assert health.failures == 0


def test_each_failed_trial_doubles_the_time_up_to_a_limit():
    health = Health()
    fail(health, FAILURES_IN_A_ROW)
    now, spans = 0.0, []
    for _ in range(8):
        now = health.until
        health.reachable()
        fail(health, 1, now)
        spans.append(health.until - now)
    assert spans[:3] == [FIRST_EJECTION_S * 2, FIRST_EJECTION_S * 4, FIRST_EJECTION_S * 8]
    assert spans[-1] == LONGEST_EJECTION_S


def test_who_is_turned_away_hears_of_the_last_failure():
    health = Health()
    health.failed(UPSTREAM_TIMEOUT, 0.0)
    assert health.last_failure is UPSTREAM_TIMEOUT
