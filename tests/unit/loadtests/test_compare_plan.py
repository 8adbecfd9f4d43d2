"""The turns of a comparison: both sides alike, close together, and within the time that was promised."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from loadtests.compare import asked, plan
from loadtests.compare.sides import ROUTES_FILE
from loadtests.compare.sizes import FULL, PHASES, QUICK, SMOKE, STACK_STARTS_S
from loadtests.openloop.window import Plan
from loadtests.report import intervals, rule
from strangler.routing.table import load_table

SIDES = ("legacy", "service", "split")
READS = [route.name for route in load_table(ROUTES_FILE).routes if route.group is None]


def turns_of(size, phases=PHASES, sides=SIDES):
    return plan.turns(size, phases, sides, READS)


def sides_of(turns, phase):
    return [turn.side for turn in turns if turn.phase == phase]


def test_people_come_to_every_side_in_turn_and_every_other_round_the_other_way_round():
    sides = [side for side in sides_of(turns_of(FULL), "mix") if side != "split"]
    assert sides == [*("legacy", "service"), *("service", "legacy"), *("legacy", "service")]


@pytest.mark.parametrize("size", [FULL, QUICK, SMOKE], ids=lambda size: size.name)
def test_what_is_written_on_legacy_alone_is_written_when_all_else_is_measured(size):
    turns = turns_of(size)
    assert turns[-1].side == "split"
    assert all("split" not in {turn.side, *turn.sides} for turn in turns[:-1])


def test_a_route_is_asked_on_both_sides_one_right_after_the_other():
    routes = [turn for turn in turns_of(FULL) if turn.phase == "routes"]
    for one, other in zip(routes[::2], routes[1::2], strict=True):
        assert (one.what, one.round, one.per_s) == (other.what, other.round, other.per_s)
        assert {one.side, other.side} == {"legacy", "service"}


@pytest.mark.parametrize(("phase", "how"), [("routes", ""), ("journey", ""), ("curves", "full")])
def test_no_side_is_always_the_first(phase, how):
    turns = [turn for turn in turns_of(FULL) if (turn.phase, turn.how) == (phase, how)]
    first = Counter(turn.side for turn in turns[::2])
    assert abs(first["legacy"] - first["service"]) <= len({turn.what for turn in turns})


def test_climbs_are_on_all_sides_and_another_begins_each_time():
    climbs = [turn for turn in turns_of(FULL) if turn.how == "climb" and turn.what == "search"]
    assert [turn.sides for turn in climbs] == [
        *(("legacy", "service"), ("service", "legacy"), ("legacy", "service"))
    ]
    assert [turn.round for turn in climbs] == [1, 2, 3]
    assert climbs[0].seconds > climbs[1].seconds == climbs[2].seconds
    alone = [turn for turn in turns_of(FULL, sides=("legacy",)) if turn.how == "climb"]
    assert {turn.sides for turn in alone} == {("legacy",)}


def test_what_a_side_answers_when_full_is_known_before_it_climbs():
    curves = [(turn.what, turn.how) for turn in turns_of(FULL) if turn.phase == "curves"]
    for what in FULL.curves.whats:
        hows = [how for one, how in curves if one == what]
        assert hows == sorted(hows, reverse=True)
        assert set(hows) == {"full", "climb"}


@pytest.mark.parametrize("reads", [READS, READS[:-1]], ids=["all", "one less"])
def test_who_was_first_with_a_route_is_second_in_the_next_round(reads):
    """Of an even number of routes as of an odd one."""
    routes = [turn for turn in plan.turns(FULL, ("routes",), SIDES, reads) if turn.phase == "routes"]
    first: dict[str, list[str]] = {}
    for turn in routes[::2]:
        first.setdefault(turn.what, []).append(turn.side)
    for sides in first.values():
        assert len(sides) == FULL.routes.rounds
        assert sides.count("legacy") == sides.count("service")
        assert all(one != other for one, other in pairwise(sides[: FULL.routes.in_a_row]))


@pytest.mark.parametrize("size", [FULL, QUICK], ids=lambda size: size.name)
def test_flags_change_once_in_each_round(size):
    """The last side of a round is the first of the next, also of another route; but not of later rounds."""
    routes = [turn for turn in turns_of(size) if turn.phase == "routes"]
    changes = sum(one.side != other.side for one, other in pairwise(routes))
    assert changes - len(routes) // 2 in {0, 1}


def test_the_rounds_of_a_route_are_some_at_once_and_the_others_much_later():
    rounds = [turn.round for turn in turns_of(FULL) if turn.phase == "routes"]
    half = len(rounds) // 2
    assert set(rounds[:half]) == {1, 2, 3}
    assert set(rounds[half:]) == {4, 5, 6}
    assert rounds[:6] == [1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize("phase", ["mix", "routes", "journey", "curves"])
def test_legacy_and_service_get_the_same_turns(phase):
    turns = [turn for turn in turns_of(FULL) if turn.phase == phase]
    by_side = {
        side: sorted(
            (turn.what, turn.how, turn.round, turn.per_s)
            for turn in turns
            if side in {turn.side, *turn.sides}
        )
        for side in ("legacy", "service")
    }
    assert by_side["legacy"] == by_side["service"]
    assert by_side["legacy"]


@pytest.mark.parametrize("size", [FULL, QUICK, SMOKE], ids=lambda size: size.name)
def test_a_size_keeps_its_promise_of_time(size):
    assert plan.total_s(turns_of(size)) + STACK_STARTS_S <= size.budget_s


def test_every_read_is_asked_alone_but_documents_that_never_change():
    whole = set(asked.routes_of(FULL, READS))
    assert set(READS) - whole == set(asked.NOT_ASKED)


@pytest.mark.parametrize("named", [asked.WRITES, asked.FEW, asked.FEWEST, asked.SHARES, asked.NOT_ASKED])
def test_every_route_that_is_named_is_declared(named):
    assert set(named) <= set(load_table(ROUTES_FILE).by_name)


def test_a_costly_read_is_asked_more_slowly_and_for_longer():
    turns = {turn.what: turn for turn in turns_of(FULL) if turn.phase == "routes"}
    cheap = turns["GET /api/search"]
    for costly in (turns["GET /operator/network"], turns["GET /api/tickets/{id}.pdf"]):
        assert costly.per_s < cheap.per_s
        assert costly.window_s > cheap.window_s
        assert costly.seconds - costly.window_s == pytest.approx(cheap.seconds - cheap.window_s)


def test_every_read_is_asked_often_enough_for_its_p99_to_be_judged():
    """A window asks as often as its rate says; a few that fail are not to be missed."""
    planned: Counter[tuple[str, str]] = Counter()
    for turn in turns_of(FULL):
        if turn.phase == "routes" and turn.what in READS:
            planned[turn.what, turn.side] += Plan(turn.per_s, turn.window_s).count
    assert len(planned) == 2 * (len(READS) - len(asked.NOT_ASKED))
    assert min(planned.values()) * (1 - rule.TOO_MANY_FAILED) > intervals.FEW
    assert planned["GET /api/search", "legacy"] >= 600


def test_a_read_that_is_posted_is_a_read(monkeypatch):
    monkeypatch.setattr(asked, "SHARES", {"POST /api/qr/verify": 0.05, "POST /api/bookings": 0.05})
    assert asked.window_of("POST /api/qr/verify", FULL.routes, READS) > FULL.routes.seconds
    assert asked.window_of("POST /api/bookings", FULL.routes, READS) == FULL.routes.seconds


def test_a_site_that_cannot_be_steered_is_measured_as_it_is_and_never_split():
    turns = turns_of(SMOKE, sides=("as-found",))
    assert {side for turn in turns for side in (turn.side, *turn.sides) if side} == {"as-found"}
    assert {turn.phase for turn in turns} == set(PHASES)


def test_only_the_phases_that_were_asked_for_have_turns():
    turns = turns_of(QUICK, phases=("idle", "journey"))
    assert [turn.phase for turn in turns] == ["idle", *["journey"] * 2 * QUICK.journey.rounds]


def test_more_rounds_take_longer():
    longer = replace(QUICK, journey=replace(QUICK.journey, rounds=3))
    assert plan.total_s(turns_of(longer)) > plan.total_s(turns_of(QUICK))


def test_people_log_in_for_each_round_of_the_mix_and_again_before_their_tokens_end():
    each_s = plan.cast_s(FULL)
    mix = [turn.seconds for turn in turns_of(FULL) if turn.phase == "mix"]
    assert min(mix) > each_s + FULL.mix.seconds
    others = plan.turns(FULL, ("routes",), SIDES, READS)
    longer = [turn for turn in others if turn.seconds > each_s]
    assert [turn.side for turn in longer[:2]] == ["legacy", "service"]
    assert len(longer) == 2 * -(-plan.total_s(others) // plan.CASTS_AFTER_S)
