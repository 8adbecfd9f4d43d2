"""How much each side takes before it falls behind, and answers when it is full: by what is asked for."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from loadtests.report import intervals
from loadtests.report.moderation import learnt
from loadtests.report.result import LEGACY, SERVICE, by_side

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from loadtests.report.intervals import Ratio
    from loadtests.report.moderation import Scatter
    from loadtests.report.result import Full, Step


@dataclass(frozen=True, slots=True)
class Knee:
    """In one round: the last step that held, and the rate of the first that did not (None: none was tried).

    `last` is None where not even the lowest rate held. The knee itself lies in between. `was_late` if the
    generator was so in each try of the rate that was missed: then it may be the generator's.
    """

    last: Step | None
    past_per_s: float | None
    was_late: bool = False

    @property
    def held_per_s(self) -> float:
        return self.last.rate_per_s if self.last is not None else 0.0

    @property
    def achieved_per_s(self) -> float:
        return self.last.achieved_per_s if self.last is not None else 0.0

    @property
    def middle_per_s(self) -> float | None:
        """Of the rate that held and the one that did not, by ratio; None where one of them is not known."""
        if self.last is None or self.past_per_s is None:
            return None
        return math.sqrt(self.held_per_s * self.past_per_s)

    @property
    def width(self) -> float:
        """Of what lies between, as a logarithm."""
        return math.log(self.past_per_s / self.held_per_s) if self.last and self.past_per_s else math.inf


@dataclass(frozen=True, slots=True)
class Curve:
    """What was asked for at rising rates; steps by side, knees by side and round, and their ratio.

    `full` are answers a second by side when it is full, the mean of rounds, and `full_ratio` theirs.
    """

    what: str
    steps: Mapping[str, Sequence[Step]]
    knees: Mapping[str, Mapping[int, Knee]]
    ratio: Ratio | None = None
    full: Mapping[str, float] | None = None
    full_ratio: Ratio | None = None

    def achieved_per_s(self, side: str) -> float | None:
        """At the knee, the mean of the rounds."""
        knees = self.knees.get(side, {}).values()
        return sum(knee.achieved_per_s for knee in knees) / len(knees) if knees else None

    def is_higher(self) -> bool | None:
        """Whether the service holds more than legacy; None if it cannot be told.

        Sure is what the whole interval says; and where a knee was not reached, what every round says: that
        the service held a rate at which legacy had fallen behind, or the other way about.
        """
        if self.ratio is not None:
            return self.ratio.is_above_one
        legacy, service = self.knees.get(LEGACY, {}), self.knees.get(SERVICE, {})
        rounds = legacy.keys() & service.keys()
        if len(rounds) < 2:
            return None
        if all(_is_beyond(service[number], legacy[number]) for number in rounds):
            return True
        if all(_is_beyond(legacy[number], service[number]) for number in rounds):
            return False
        return None


def of_all(steps: Iterable[Step], full: Iterable[Full] = ()) -> list[Curve]:
    by_what: dict[str, list[Step]] = defaultdict(list)
    for step in steps:
        by_what[step.what].append(step)
    when_full: dict[str, list[Full]] = defaultdict(list)
    for window in full:
        when_full[window.what].append(window)
    knees = {
        what: {side: _knees(each) for side, each in by_side(those).items()} for what, those in by_what.items()
    }
    scatter = learnt(_logs(_ratios(each)) for each in knees.values())
    full_scatter = learnt(_logs(_full_ratios(those)) for those in when_full.values())
    return [
        Curve(
            what,
            {
                side: sorted(each, key=lambda step: (step.round, step.rate_per_s))
                for side, each in by_side(those).items()
            },
            knees[what],
            _ratio(knees[what], scatter),
            {
                side: sum(window.answers_per_s for window in each) / len(each)
                for side, each in by_side(when_full[what]).items()
            },
            intervals.ratio_of_rounds(_full_ratios(when_full[what]), full_scatter),
        )
        for what, those in by_what.items()
    ]


def _ratio(knees: Mapping[str, Mapping[int, Knee]], scatter: Scatter) -> Ratio | None:
    """Of the knees' middles; none if some round has not found its knee.

    The interval is no narrower than what is left between the rates says: somewhere in it, all places alike,
    which has a twelfth of its square as variance. Rounds do not make that smaller: a later one begins where
    the one before has come to, and so tries the same rates.
    """
    rounds = knees.get(LEGACY, {}).keys() & knees.get(SERVICE, {}).keys()
    ratios = _ratios(knees)
    if not ratios or ratios.keys() != rounds:
        return None
    found = intervals.ratio_of_rounds(ratios, scatter)
    if found is None or found.low is None or found.high is None:
        return found
    widths = [knees[side][number].width for side in (LEGACY, SERVICE) for number in rounds]
    left = 1.96 * math.sqrt(sum(width**2 / 12 for width in widths) / len(rounds))
    reach = max(math.log(found.high / found.value), left)
    factor = math.exp(reach)
    return intervals.Ratio(found.value, found.value / factor, found.value * factor, found.freedom)


def _ratios(knees: Mapping[str, Mapping[int, Knee]]) -> dict[int, float]:
    legacy, service = knees.get(LEGACY, {}), knees.get(SERVICE, {})
    return {
        number: above / below
        for number in sorted(legacy.keys() & service.keys())
        if (above := service[number].middle_per_s) and (below := legacy[number].middle_per_s)
    }


def _full_ratios(windows: Sequence[Full]) -> dict[int, float]:
    rounds = {
        side: {window.round: window.answers_per_s for window in those}
        for side, those in by_side(windows).items()
    }
    legacy, service = rounds.get(LEGACY, {}), rounds.get(SERVICE, {})
    return {
        number: service[number] / legacy[number]
        for number in sorted(legacy.keys() & service.keys())
        if service[number] > 0 and legacy[number] > 0
    }


def _logs(ratios: Mapping[int, float]) -> list[float]:
    return [math.log(ratio) for ratio in ratios.values()]


def _is_beyond(one: Knee, other: Knee) -> bool:
    return one.held_per_s >= (other.past_per_s if other.past_per_s is not None else math.inf)


def _knees(steps: Iterable[Step]) -> dict[int, Knee]:
    rounds: dict[int, list[Step]] = defaultdict(list)
    for step in steps:
        rounds[step.round].append(step)
    return {number: _knee(those) for number, those in rounds.items()}


def _knee(steps: Sequence[Step]) -> Knee:
    """A rate is missed if each try was: a stall of the machine is no knee."""
    last = None
    for rate, tries in groupby(sorted(steps, key=attrgetter("rate_per_s")), attrgetter("rate_per_s")):
        tried = list(tries)
        held = [step for step in tried if not step.is_past_knee]
        if not held:
            return Knee(last, rate, all(step.is_generator_late for step in tried))
        last = held[-1]
    return Knee(last, None)
