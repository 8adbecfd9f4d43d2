"""How far a ratio of two sides can be trusted: 95 % intervals by resampling, and by the rounds' scatter.

Latencies are resampled in two levels, first the rounds, then the requests within them, since what disturbs a
machine disturbs a whole round. Where both sides have the same rounds they are drawn together: sides
alternate, so a slow round is slow for both. Two or three rounds drawn again and again show too little of what
disturbs one side and not the other, so an interval is never narrower than what the rounds' ratios of all
routes together say of their scatter (`widened`); of one round alone there is none.

Nothing is resampled one by one. The k-th smallest of n draws with replacement lies at a place that has a Beta
distribution (k, n - k + 1) among the n; a mean of many is normal. So a route with a million requests costs
what one with a hundred does, and a report needs no arrays.
"""

from __future__ import annotations

import math
import random
import statistics
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from loadtests.report.student import student, tail

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ROUND_DRAWS: Final = 200
RESAMPLES: Final = 1000
SEED: Final = 20_250_101
FEWEST: Final = 20  # below, resampling says nothing of a median or a mean
FEW: Final = 200  # below, a p99 is one of the two slowest requests, and says little
LEAST: Final = 1e-3  # a microsecond, in milliseconds; below, a clock says nothing


@dataclass(frozen=True, slots=True)
class Ratio:
    """Service over legacy; `low` and `high` are None where one round alone cannot say.

    The interval's reach is Student's t of `freedom` times an error, or more than that.
    """

    value: float
    low: float | None
    high: float | None
    freedom: int | None = None


def quantile(ordered: Sequence[float], part: float) -> float:
    """The nearest rank, which is a value that was measured."""
    return ordered[_rank(part, len(ordered)) - 1]


def quantile_ratios(
    service: Mapping[int, Sequence[float]], legacy: Mapping[int, Sequence[float]], parts: Sequence[float]
) -> list[Ratio] | None:
    """For each part (0.5 is the median) the ratio of the sides' quantiles over all rounds.

    None if either side has no samples.
    """
    service, legacy = _ordered(service), _ordered(legacy)
    if not service or not legacy:
        return None
    dice = random.Random(SEED)  # ruff: ignore[suspicious-non-cryptographic-random-usage] — the same report again
    drawn: list[list[float]] = [[] for _ in parts]
    for (of_service, of_legacy), times in _rounds_drawn(service, legacy, dice).items():
        above, below = _merged(service, of_service), _merged(legacy, of_legacy)
        for part, ratios in zip(parts, drawn, strict=True):
            ratios.extend(
                _ratio(_redrawn(above, part, dice), _redrawn(below, part, dice)) for _ in range(times)
            )
    all_service, all_legacy = _merged(service, tuple(service)), _merged(legacy, tuple(legacy))
    return [
        _interval(_ratio(quantile(all_service, part), quantile(all_legacy, part)), ratios)
        for part, ratios in zip(parts, drawn, strict=True)
    ]


def ratios_by_round(
    service: Mapping[int, Sequence[float]], legacy: Mapping[int, Sequence[float]], part: float
) -> dict[int, float]:
    """The ratio of the sides' quantiles in each round that both have."""
    service, legacy = _ordered(service), _ordered(legacy)
    return {
        number: _ratio(quantile(service[number], part), quantile(legacy[number], part))
        for number in sorted(service.keys() & legacy.keys())
    }


def means_by_round(
    service: Mapping[int, Sequence[float]], legacy: Mapping[int, Sequence[float]]
) -> dict[int, float]:
    """The ratio of the sides' means in each round that both have."""
    above, below = _summaries(service), _summaries(legacy)
    return {
        number: _ratio(above[number][1], below[number][1]) for number in sorted(above.keys() & below.keys())
    }


def mean_ratio(service: Mapping[int, Sequence[float]], legacy: Mapping[int, Sequence[float]]) -> Ratio | None:
    """The ratio of the means over all rounds; None without samples."""
    above, below = _summaries(service), _summaries(legacy)
    if not above or not below:
        return None
    dice = random.Random(SEED)  # ruff: ignore[suspicious-non-cryptographic-random-usage] — the same report again
    found: list[float] = []
    for (of_service, of_legacy), times in _rounds_drawn(above, below, dice).items():
        (mean_above, error_above), (mean_below, error_below) = (
            _mean([above[number] for number in of_service]),
            _mean([below[number] for number in of_legacy]),
        )
        found += (
            _ratio(mean_above, mean_below) * math.exp(dice.gauss(0, math.hypot(error_above, error_below)))
            for _ in range(times)
        )
    return _interval(_ratio(_mean(list(above.values()))[0], _mean(list(below.values()))[0]), found)


def scatter_of_rounds(pairs: Iterable[Mapping[int, float]]) -> tuple[float, int]:
    """By how much one round's ratio strays from another's (of logarithms), and its degrees of freedom.

    Each mapping is one route's ratio by round. Two or three rounds say little of their own scatter; twenty
    routes in the same rounds say it together.
    """
    squares, freedom = 0.0, 0
    for ratios in pairs:
        logs = [math.log(ratio) for ratio in ratios.values()]
        if len(logs) > 1:
            squares += statistics.variance(logs) * (len(logs) - 1)
            freedom += len(logs) - 1
    return (math.sqrt(squares / freedom) if freedom else 0.0), freedom


def ratio_of_rounds(ratios: Mapping[int, float], scatter: float, freedom: int) -> Ratio | None:
    """The geometric mean of the rounds' ratios, its interval by Student's t; none of one round alone.

    A route that strays more than the others is believed to do so.
    """
    logs = [math.log(ratio) for ratio in ratios.values()]
    if not logs:
        return None
    middle = statistics.fmean(logs)
    if len(logs) < 2 or not freedom:
        return Ratio(math.exp(middle), None, None)
    reach = _reach(logs, scatter, freedom)
    return Ratio(math.exp(middle), math.exp(middle - reach), math.exp(middle + reach), freedom)


def widened(resampled: Ratio, ratios: Mapping[int, float], scatter: float, freedom: int) -> Ratio:
    """The wider of two intervals: by resampling, and by the rounds' scatter; none of one round alone."""
    logs = [math.log(ratio) for ratio in ratios.values()]
    if resampled.low is None or resampled.high is None or len(logs) < 2 or not freedom:
        return Ratio(resampled.value, None, None)
    factor = math.exp(_reach(logs, scatter, freedom))
    return Ratio(
        resampled.value,
        min(resampled.low, resampled.value / factor),
        max(resampled.high, resampled.value * factor),
        freedom,
    )


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


def _reach(logs: Sequence[float], scatter: float, freedom: int) -> float:
    return student(freedom) * max(scatter, statistics.stdev(logs)) / math.sqrt(len(logs))


def _rank(part: float, many: int) -> int:
    return min(max(math.ceil(part * many - 1e-9), 1), many)


def _ordered(rounds: Mapping[int, Sequence[float]]) -> dict[int, list[float]]:
    return {number: sorted(samples) for number, samples in rounds.items() if samples}


def _rounds_drawn(
    service: Mapping[int, object], legacy: Mapping[int, object], dice: random.Random
) -> Counter[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Which rounds make up a resample of either side, and how many resamples are to be made of them."""
    drawn: Counter[tuple[tuple[int, ...], tuple[int, ...]]] = Counter()
    are_paired = service.keys() == legacy.keys()
    for _ in range(ROUND_DRAWS):
        above = tuple(sorted(dice.choices(list(service), k=len(service))))
        below = above if are_paired else tuple(sorted(dice.choices(list(legacy), k=len(legacy))))
        drawn[above, below] += RESAMPLES // ROUND_DRAWS
    return drawn


def _merged(rounds: Mapping[int, list[float]], numbers: Sequence[int]) -> list[float]:
    merged = [each for number in numbers for each in rounds[number]]
    merged.sort()  # of runs that are sorted already: a merge
    return merged


def _redrawn(ordered: Sequence[float], part: float, dice: random.Random) -> float:
    many = len(ordered)
    rank = _rank(part, many)
    return ordered[min(int(dice.betavariate(rank, many - rank + 1) * many), many - 1)]


def _summaries(rounds: Mapping[int, Sequence[float]]) -> dict[int, tuple[int, float, float]]:
    """By round: how many, their mean, their variance."""
    return {
        number: (len(samples), statistics.fmean(samples), _variance(samples))
        for number, samples in rounds.items()
        if samples
    }


def _variance(samples: Sequence[float]) -> float:
    if len(samples) < 2:
        return 0.0
    mean = statistics.fmean(samples)
    return math.fsum((each - mean) ** 2 for each in samples) / (len(samples) - 1)


def _mean(summaries: Sequence[tuple[int, float, float]]) -> tuple[float, float]:
    """The mean of rounds taken together, and its relative error."""
    many = sum(count for count, _, _ in summaries)
    mean = sum(count * each for count, each, _ in summaries) / many
    error = math.sqrt(sum(count * variance for count, _, variance in summaries)) / many
    return mean, (error / mean if mean > 0 else 0.0)


def _ratio(above: float, below: float) -> float:
    return max(above, LEAST) / max(below, LEAST)


def _interval(value: float, found: list[float]) -> Ratio:
    found.sort()
    return Ratio(value, quantile(found, 0.025), quantile(found, 0.975))
