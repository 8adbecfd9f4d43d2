"""How far a ratio of two sides can be trusted: 95 % intervals by the scatter between rounds.

Sides alternate, so a slow round is slow for both, and its ratio is one observation; what disturbs a side for
a whole round shows in none of its requests, but in the scatter. A p99 needs more requests than a median: its
observations are blocks: as many rounds as have enough of them. One alone has no interval.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from loadtests.ranks import percentile
from loadtests.report.student import student, tail

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loadtests.report.moderation import Scatter

FEWEST: Final = 20  # below, a median or a mean says nothing
FEW: Final = 200  # below, a p99 is one of the two slowest requests, and says little
FEW_OF_A_BLOCK: Final = 100  # below, a p99 is the slowest
LEAST: Final = 1e-3  # a microsecond, in milliseconds; below, a clock says nothing


@dataclass(frozen=True, slots=True)
class Ratio:
    """Service over legacy; `low` and `high` are None where one round alone cannot say.

    The interval's reach is Student's t of `freedom` times an error.
    """

    value: float
    low: float | None
    high: float | None
    freedom: int | None = None

    @property
    def is_above_one(self) -> bool | None:
        """What the whole interval says; None if 1 is in it, or if there is none."""
        if self.low is None or self.high is None:
            return None
        return True if self.low > 1 else (False if self.high < 1 else None)


def ratios_by_round(
    service: Mapping[int, Sequence[float]], legacy: Mapping[int, Sequence[float]], part: float
) -> dict[int, float]:
    """The ratio of the sides' quantiles in each round that both have."""
    service, legacy = _ordered(service), _ordered(legacy)
    return {
        number: _ratio(percentile(service[number], part), percentile(legacy[number], part))
        for number in sorted(service.keys() & legacy.keys())
    }


def blocks(
    service: Mapping[int, Sequence[float]], legacy: Mapping[int, Sequence[float]], least: int
) -> tuple[dict[int, list[float]], dict[int, list[float]]]:
    """Rounds that both have, joined with those after them until each block has at least so many samples."""
    joined: tuple[dict[int, list[float]], dict[int, list[float]]] = ({}, {})
    held: tuple[list[float], list[float]] = ([], [])
    number = 0
    for each in sorted(service.keys() & legacy.keys()):
        for samples, of_side in zip(held, (service, legacy), strict=True):
            samples.extend(of_side[each])
        if min(map(len, held)) >= least:
            number += 1
            for found, samples in zip(joined, held, strict=True):
                found[number] = samples.copy()
                samples.clear()
    if number:
        for found, samples in zip(joined, held, strict=True):
            found[number] += samples
    return joined


def means_by_round(
    service: Mapping[int, Sequence[float]], legacy: Mapping[int, Sequence[float]]
) -> dict[int, float]:
    """The ratio of the sides' means in each round that both have."""
    return {
        number: _ratio(statistics.fmean(service[number]), statistics.fmean(legacy[number]))
        for number in sorted(service.keys() & legacy.keys())
        if service[number] and legacy[number]
    }


def without_interval(service: float, legacy: float) -> Ratio:
    return Ratio(_ratio(service, legacy), None, None)


def ratio_of_rounds(ratios: Mapping[int, float], scatter: Scatter) -> Ratio | None:
    """The geometric mean of the rounds' ratios, its interval by the moderated t; none of one round alone."""
    logs = [math.log(ratio) for ratio in ratios.values()]
    if not logs:
        return None
    middle = statistics.fmean(logs)
    reach, freedom = scatter.reach(logs)
    if not freedom:
        return Ratio(math.exp(middle), None, None)
    return Ratio(math.exp(middle), math.exp(middle - reach), math.exp(middle + reach), freedom)


def together(ratios: Sequence[Ratio]) -> Ratio | None:
    """The geometric mean of several routes' ratios, which says more than any of them alone.

    Their errors are taken to be independent. None if no ratio has an interval.
    """
    known = [
        (math.log(each.value), math.log(each.high / each.low))
        for each in ratios
        if each.low is not None and each.high is not None
    ]
    if not known:
        return None
    middle = statistics.fmean(log for log, _ in known)
    reach = math.sqrt(sum((width / 2) ** 2 for _, width in known)) / len(known)
    return Ratio(math.exp(middle), math.exp(middle - reach), math.exp(middle + reach))


def beyond(ratio: Ratio, limit: float) -> float:
    """How likely a ratio that is truly at the limit looks as far above it as this one: a one-sided p-value.

    1 where there is no interval, or the ratio is not above the limit.
    """
    if ratio.low is None or not ratio.freedom or ratio.value <= limit:
        return 1.0
    error = math.log(ratio.value / ratio.low) / student(ratio.freedom)
    return tail(math.log(ratio.value / limit) / error, ratio.freedom) if error > 0 else 0.0


def _ordered(rounds: Mapping[int, Sequence[float]]) -> dict[int, list[float]]:
    return {number: sorted(samples) for number, samples in rounds.items() if samples}


def _ratio(above: float, below: float) -> float:
    return max(above, LEAST) / max(below, LEAST)
