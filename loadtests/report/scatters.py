"""What each round says by itself, and by how much rounds stray from each other, learnt from all routes."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from loadtests.report import intervals
from loadtests.report.moderation import Scatter, learnt
from loadtests.report.result import LEGACY, SERVICE, RouteWindow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from loadtests.report.result import JourneyWindow

    Windows: TypeAlias = Mapping[str, Sequence[RouteWindow | JourneyWindow]]
    """By side, in the order of rounds."""


@dataclass(frozen=True, slots=True)
class Scatters:
    """Of each figure, over the routes that were measured in the same way."""

    by_figure: Mapping[str, Scatter]

    @classmethod
    def of(cls, measured: Iterable[Windows]) -> Scatters:
        by_figure: dict[str, list[Mapping[int, float]]] = defaultdict(list)
        for windows in measured:
            for figure, ratios in latency_ratios(windows).items():
                by_figure[figure].append(ratios)
            by_figure["throughput"].append(answers_ratios(windows))
        return cls({figure: pooled(pairs) for figure, pairs in by_figure.items()})


def pooled(pairs: Iterable[Mapping[int, float]]) -> Scatter:
    """Of each route's ratios by round."""
    return learnt([math.log(ratio) for ratio in ratios.values()] for ratios in pairs)


def by_round(
    legacy: Mapping[int, Sequence[float]], service: Mapping[int, Sequence[float]]
) -> dict[str, dict[int, float]]:
    """Of each latency, service over legacy by round; of a p99 by as many as it needs to be more than one."""
    return {
        "p50": intervals.ratios_by_round(service, legacy, 0.5),
        "p99": intervals.ratios_by_round(*intervals.blocks(service, legacy, intervals.FEW_OF_A_BLOCK), 0.99),
        "mean": intervals.means_by_round(service, legacy),
    }


def latency_ratios(windows: Windows) -> dict[str, dict[int, float]]:
    """The same for the scatter of all routes, where a p99 of few and a mean of a handful are left out."""
    legacy, service = (samples(windows.get(side, ())) for side in (LEGACY, SERVICE))
    fewest = min(sum(map(len, rounds.values())) for rounds in (legacy, service))
    least = {"p50": intervals.FEWEST, "p99": intervals.FEW, "mean": intervals.FEWEST}
    return {
        name: ratios if fewest >= least[name] else {} for name, ratios in by_round(legacy, service).items()
    }


def asked(window: RouteWindow | JourneyWindow) -> int:
    return window.asked if isinstance(window, RouteWindow) else window.journeys


def samples(windows: Iterable[RouteWindow | JourneyWindow]) -> dict[int, Sequence[float]]:
    return {window.round: window.ms for window in windows if window.ms}


def answers_ratios(windows: Windows) -> dict[int, float]:
    """Service over legacy by round, where both gave right answers."""
    rounds = {
        side: {window.round: per_second([window]) for window in those} for side, those in windows.items()
    }
    legacy, service = rounds.get(LEGACY, {}), rounds.get(SERVICE, {})
    return {
        number: above / below
        for number in sorted(service.keys() & legacy.keys())
        if (above := service[number]) and (below := legacy[number])
    }


def per_second(windows: Sequence[RouteWindow | JourneyWindow]) -> float | None:
    seconds = sum(window.seconds for window in windows)
    return sum(asked(window) - window.failed for window in windows) / seconds if seconds else None
