"""What is found out of one route, or of the journey: figures of either side, their ratios, and verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from loadtests.ranks import percentile
from loadtests.report import cpu, intervals, rule
from loadtests.report.result import LEGACY, SERVICE, RouteWindow, by_side
from loadtests.report.scatters import (
    Scatters,
    answers_ratios,
    asked,
    by_round,
    per_second,
    pooled,
    samples,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from loadtests.report.intervals import Ratio
    from loadtests.report.moderation import Scatter
    from loadtests.report.result import JourneyWindow, Result
    from loadtests.report.rule import Word
    from loadtests.report.scatters import Windows

JUDGED: Final = ("p50", "p99", "cpu")
TITLES: Final = {
    "p50": "p50, ms",
    "p99": "p99, ms",
    "mean": "mean, ms",
    "cpu": "CPU per request, ms",
    "throughput": "throughput, requests/s",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of both sides; `verdict` is None where nothing is judged, `why_unsure` "" where all is said.

    Sides that failed too much, or were not both measured, are not comparable whatever the figures.
    """

    name: str
    legacy: float | None
    service: float | None
    ratio: Ratio | None
    verdict: Word | None = None
    why_unsure: str = ""
    is_comparable: bool = True


@dataclass(frozen=True, slots=True)
class Side:
    """A side's counts and costs, all rounds together."""

    side: str
    rounds: int
    asked: int
    failed: int
    samples: int
    p50_ms: float | None
    p99_ms: float | None
    cost: cpu.Cost | None

    @property
    def failed_share(self) -> float:
        return self.failed / self.asked if self.asked else 0.0


@dataclass(frozen=True, slots=True)
class Findings:
    """Of a route at one rate, of a route in the mix, or of the journey."""

    name: str
    rate_per_s: float | None
    sides: Mapping[str, Side]
    figures: Mapping[str, Figure]
    is_read: bool

    @property
    def has_few(self) -> bool:
        """Whether a p99 rests on fewer requests than it should."""
        return any(side.samples < intervals.FEW for side in self.sides.values())

    def verdicts(self) -> dict[str, Word]:
        return {name: figure.verdict for name, figure in self.figures.items() if figure.verdict is not None}


def of_all(result: Result) -> tuple[list[Findings], list[Findings], Findings | None, Scatter]:
    """The routes at equal load, the routes in the mix, and the journey, each in the order of names."""
    idle = result.idle_cpu_ms_per_s
    at_load = {name: result.of_route(name, from_mix=False) for name in {each.route for each in result.routes}}
    in_mix = {
        name: result.of_route(name, from_mix=True)
        for name in {name for mix in result.mix for name in mix.routes}
    }
    journey = by_side(result.journey)
    costs = [_costs(sides, idle) for sides in at_load.values()]
    cpu_scatter = pooled(_cpu_ratios(each) for each in (*costs, _costs(journey, idle)))
    found_at_load, found_in_mix = (
        [
            _of(name, those[name], idle, cpu_scatter, scatters, is_read=result.is_read(name))
            for name in sorted(those, key=_by_path)
        ]
        for those in (at_load, in_mix)
        for scatters in (Scatters.of(those.values()),)
    )
    found_journey = None
    if journey:
        scatters = Scatters.of([journey])
        found_journey = _of("booking journey", journey, idle, cpu_scatter, scatters, is_read=False)
    return found_at_load, found_in_mix, found_journey, cpu_scatter


def together(found: Iterable[Findings], figure: str) -> Ratio | None:
    """Of all routes that can be compared, their ratios' geometric mean."""
    figures = [each.figures[figure] for each in found if figure in each.figures]
    return intervals.together(
        [each.ratio for each in figures if each.is_comparable and each.ratio is not None]
    )


def _by_path(route: str) -> tuple[str, str]:
    method, _, path = route.partition(" ")
    return path, method


def _of(
    name: str,
    windows: Windows,
    idle: Mapping[str, float],
    scatter: Scatter,
    scatters: Scatters,
    *,
    is_read: bool,
) -> Findings:
    """`scatter` is that of CPU."""
    costs = _costs(windows, idle)
    sides = {side: _side(side, those, costs.get(side, {})) for side, those in windows.items()}
    why = _why_unsure(sides)
    legacy, service = (samples(windows.get(side, ())) for side in (LEGACY, SERVICE))
    figures = _latencies(legacy, service, why, scatters)
    figures["throughput"] = _throughput(windows, scatters.by_figure["throughput"])
    nets = {side: each.cost.net_ms for side, each in sides.items() if each.cost is not None}
    if nets:
        ratio = intervals.ratio_of_rounds(_cpu_ratios(costs), scatter)
        figures["cpu"] = _judged("cpu", nets.get(LEGACY), nets.get(SERVICE), ratio, why)
    rates = [each.rate_per_s for those in windows.values() for each in those if isinstance(each, RouteWindow)]
    return Findings(name, next((rate for rate in rates if rate), None), sides, figures, is_read=is_read)


def _latencies(
    legacy: Mapping[int, Sequence[float]],
    service: Mapping[int, Sequence[float]],
    why: str,
    scatters: Scatters,
) -> dict[str, Figure]:
    """`why` they cannot be compared, if so."""
    fewest = min(sum(map(len, rounds.values())) for rounds in (legacy, service))
    of_rounds = by_round(legacy, service)
    figures = {}
    for name, part, least in (("p50", 0.5, intervals.FEWEST), ("p99", 0.99, intervals.FEW)):
        ratio = intervals.ratio_of_rounds(of_rounds[name], scatters.by_figure[name])
        below, above = _quantile(legacy, part), _quantile(service, part)
        if ratio is None and below is not None and above is not None:  # too few for a single block
            ratio = intervals.without_interval(above, below)
        ratio = _unless_few(ratio, fewest, least)
        figures[name] = _judged(name, below, above, ratio, why or _why_few(fewest, least))
    mean = intervals.ratio_of_rounds(of_rounds["mean"], scatters.by_figure["mean"])
    mean = _unless_few(mean, fewest, intervals.FEWEST)
    return figures | {"mean": Figure("mean", _mean(legacy), _mean(service), mean)}


def _judged(name: str, legacy: float | None, service: float | None, ratio: Ratio | None, why: str) -> Figure:
    if why:
        return Figure(name, legacy, service, ratio, "unsure", why, is_comparable=False)
    if ratio is None:
        return Figure(
            name, legacy, service, None, "unsure", "not measured on both sides", is_comparable=False
        )
    if ratio.low is None:
        return Figure(name, legacy, service, ratio, "unsure", "one round alone has no interval")
    word = rule.judge(ratio)
    return Figure(name, legacy, service, ratio, word, "interval too wide" if word == "unsure" else "")


def _why_unsure(sides: Mapping[str, Side]) -> str:
    missing = [side for side in (LEGACY, SERVICE) if side not in sides]
    if missing:
        return f"{' and '.join(missing)} not measured"
    failing = [
        f"{side} failed {sides[side].failed_share:.1%}"
        for side in (LEGACY, SERVICE)
        if sides[side].failed_share > rule.TOO_MANY_FAILED
    ]
    return ", ".join(failing)


def _why_few(fewest: int, least: int) -> str:
    return f"too few requests ({fewest})" if fewest < least else ""


def _unless_few(ratio: Ratio | None, fewest: int, least: int) -> Ratio | None:
    """Of too few no interval can be given: one would look surer than it is."""
    return intervals.Ratio(ratio.value, None, None) if ratio is not None and fewest < least else ratio


def _side(side: str, windows: Sequence[RouteWindow | JourneyWindow], costs: Mapping[int, cpu.Cost]) -> Side:
    ordered = sorted(each for window in windows for each in window.ms)
    return Side(
        side=side,
        rounds=len(windows),
        asked=sum(asked(window) for window in windows),
        failed=sum(window.failed for window in windows),
        samples=len(ordered),
        p50_ms=percentile(ordered, 0.5) if ordered else None,
        p99_ms=percentile(ordered, 0.99) if ordered else None,
        cost=cpu.mean_cost(list(costs.values())),
    )


def _costs(
    windows: Mapping[str, Iterable[RouteWindow | JourneyWindow]], idle: Mapping[str, float]
) -> dict[str, dict[int, cpu.Cost]]:
    """By side and round; rounds without CPU are left out."""
    return {
        side: {
            window.round: found
            for window in those
            if (found := cpu.cost(window, asked(window), idle)) is not None
        }
        for side, those in windows.items()
    }


def _cpu_ratios(costs: Mapping[str, Mapping[int, cpu.Cost]]) -> dict[int, float]:
    """Service over legacy by round, where both have one; what cost nothing above idle has no ratio."""
    legacy, service = costs.get(LEGACY, {}), costs.get(SERVICE, {})
    return {
        number: service[number].net_ms / legacy[number].net_ms
        for number in sorted(legacy.keys() & service.keys())
        if service[number].net_ms > 0 and legacy[number].net_ms > 0
    }


def _quantile(rounds: Mapping[int, Sequence[float]], part: float) -> float | None:
    ordered = sorted(each for samples in rounds.values() for each in samples)
    return percentile(ordered, part) if ordered else None


def _mean(rounds: Mapping[int, Sequence[float]]) -> float | None:
    samples = [each for of_round in rounds.values() for each in of_round]
    return sum(samples) / len(samples) if samples else None


def _throughput(windows: Windows, scatter: Scatter) -> Figure:
    """Right answers a second. A rate from outside, or people's thinking, is no merit: it is not judged."""
    amounts = {side: per_second(those) for side, those in windows.items()}
    legacy, service = amounts.get(LEGACY), amounts.get(SERVICE)
    ratio = intervals.ratio_of_rounds(answers_ratios(windows), scatter)
    return Figure("throughput", legacy, service, ratio)
