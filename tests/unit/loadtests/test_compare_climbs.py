"""Both sides climb to their knees step by step in turn; what is known of them says where a climb begins."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from loadtests.compare import plan
from loadtests.compare.attendant import Attendant
from loadtests.compare.measuring import Meters
from loadtests.compare.sizes import FULL
from loadtests.compare.stage import Stage
from loadtests.openloop.knee import CLOSE
from tests.unit.loadtests.attending import KNEES

CLIMBS = [turn for turn in plan.turns(FULL, ("curves",), ("legacy", "service"), ()) if turn.what == "search"]


class Stages:
    """Notes which side is put in front."""

    def __init__(self) -> None:
        self.on: list[str] = []

    def __call__(self, side: str) -> Path:
        self.on.append(side)
        return Path(f"{side}.json")


@pytest.fixture(scope="module")
def climbed():
    """All turns of a curve: the sides that were put in front in each, and what was found."""
    found = []
    with closing(Attendant(module=("tests.unit.loadtests.attending",))) as attendant:
        meters = Meters(Stage("http://localhost"), FULL, 1, attendant)
        for turn in CLIMBS:
            stages = Stages()
            measured = meters.curve(turn, stages, lambda _share: None)
            found.append((turn, stages.on, measured.windows))
    return [each for each in found if each[0].how == "climb"]


def test_sides_take_turns_until_one_is_done(climbed):
    for turn, on, _ in climbed:
        both = 2 * min(on.count(side) for side in KNEES)
        assert on[: both - 1 : 2] == [on[0] if n % 2 == 0 else on[1] for n in range(both // 2)]
        assert set(on[:2]) == set(KNEES)
        assert on[0] == turn.sides[0]


def test_each_round_finds_the_knee_of_each_side(climbed):
    for turn, _, windows in climbed:
        for side, knee in KNEES.items():
            steps = [step for step in windows if step["side"] == side]
            held = max(step["rate_per_s"] for step in steps if not step["is_past_knee"])
            missed = min(step["rate_per_s"] for step in steps if step["is_past_knee"])
            assert held <= knee < missed <= held * CLOSE * 1.001
            assert {step["round"] for step in steps} == {turn.round}
            assert [step["rate_per_s"] for step in steps].count(missed) == 2


def test_a_climb_begins_near_the_knee_and_the_next_at_it(climbed):
    (_, _, first), (_, _, second), _ = climbed
    for side, knee in KNEES.items():
        begins, goes_on = (next(step for step in those if step["side"] == side) for those in (first, second))
        assert begins["rate_per_s"] == pytest.approx(FULL.curves.from_full * knee * 1.2)
        held = [step["rate_per_s"] for step in first if step["side"] == side and not step["is_past_knee"]]
        assert goes_on["rate_per_s"] == max(held)


def test_of_knees_that_stay_climbs_take_a_step_or_two_less_than_is_planned(climbed):
    planned = [plan.FIRST_CLIMB_STEPS, plan.LATER_CLIMB_STEPS, plan.LATER_CLIMB_STEPS]
    for (_, on, _), steps in zip(climbed, planned, strict=True):
        assert 0 < steps - len(on) / 2 <= 2


def test_the_same_round_asks_both_sides_at_the_same_instants(climbed):
    for turn, _, windows in climbed:
        assert {step["seed"] for step in windows} == {1 + turn.round}
