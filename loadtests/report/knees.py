"""How much each side takes before it falls behind: from the steps of a curve, by what is asked for."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loadtests.report.result import LEGACY, SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from loadtests.report.result import Step


@dataclass(frozen=True, slots=True)
class Knee:
    """In one round: the last step that held, and the rate of the first that did not (None: none was tried).

    `last` is None where not even the lowest rate held. The knee itself lies in between.
    """

    last: Step | None
    past_per_s: float | None

    @property
    def held_per_s(self) -> float:
        return self.last.rate_per_s if self.last is not None else 0.0

    @property
    def achieved_per_s(self) -> float:
        return self.last.achieved_per_s if self.last is not None else 0.0


@dataclass(frozen=True, slots=True)
class Curve:
    """What was asked for at rising rates; steps by side, knees by side and round."""

    what: str
    steps: Mapping[str, Sequence[Step]]
    knees: Mapping[str, Mapping[int, Knee]]

    def achieved_per_s(self, side: str) -> float | None:
        """At the knee, the mean of the rounds."""
        knees = self.knees.get(side, {}).values()
        return sum(knee.achieved_per_s for knee in knees) / len(knees) if knees else None

    def ratio(self) -> float | None:
        legacy, service = self.achieved_per_s(LEGACY), self.achieved_per_s(SERVICE)
        return service / legacy if service is not None and legacy else None

    def is_higher(self) -> bool | None:
        """Whether the service holds more than legacy; None if the steps are too coarse, or rounds disagree.

        Sure is what every round says: that the service held a rate at which legacy had fallen behind, or that
        it fell behind at one which legacy held.
        """
        legacy, service = self.knees.get(LEGACY, {}), self.knees.get(SERVICE, {})
        rounds = legacy.keys() & service.keys()
        if rounds and all(_is_beyond(service[number], legacy[number]) for number in rounds):
            return True
        if rounds and all(_is_beyond(legacy[number], service[number]) for number in rounds):
            return False
        return None


def of_all(steps: Iterable[Step]) -> list[Curve]:
    found: dict[str, dict[str, list[Step]]] = defaultdict(lambda: defaultdict(list))
    for step in steps:
        found[step.what][step.side].append(step)
    return [
        Curve(
            what,
            {
                side: sorted(those, key=lambda step: (step.round, step.rate_per_s))
                for side, those in sides.items()
            },
            {side: _knees(those) for side, those in sides.items()},
        )
        for what, sides in found.items()
    ]


def _is_beyond(one: Knee, other: Knee) -> bool:
    return one.held_per_s >= (other.past_per_s if other.past_per_s is not None else math.inf)


def _knees(steps: Iterable[Step]) -> dict[int, Knee]:
    rounds: dict[int, list[Step]] = defaultdict(list)
    for step in steps:
        rounds[step.round].append(step)
    return {
        number: _knee(sorted(those, key=lambda step: step.rate_per_s)) for number, those in rounds.items()
    }


def _knee(steps: Sequence[Step]) -> Knee:
    last = None
    for step in steps:
        if step.is_past_knee:
            return Knee(last, step.rate_per_s)
        last = step
    return Knee(last, None)
