"""The report as one HTML page that needs nothing else: style, script and pictures are in it.

It reads without its script, which only sorts tables and opens what a link leads to.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from loadtests.report import charts, cpu, findings, goals, intervals, routes, rule
from loadtests.report.result import LEGACY, SERVICE, SPLIT, by_side

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from loadtests.report.charts import Chart
    from loadtests.report.cpu import Cost
    from loadtests.report.findings import Verdicts
    from loadtests.report.routes import Findings

MOST_STATEMENTS: Final = 20
JOURNEY_TITLES: Final = {"cpu": "CPU per journey, ms", "throughput": "throughput, journeys/s"}
SHORT: Final = {"p50": "p50", "p99": "p99", "cpu": "CPU"}
_TEMPLATES: Final = Path(__file__).with_name("templates")


@dataclass(frozen=True, slots=True)
class Segment:
    process: str
    ms: float
    percent: float


@dataclass(frozen=True, slots=True)
class Bar:
    """What a request costs on one side, from the edge inwards; `percent` is of the longest bar beside it."""

    side: str
    net_ms: float
    gross_ms: float
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Peak:
    """The most memory of a process on one side; percent is of the largest."""

    process: str
    mib: float
    idle_mib: float | None
    percent: float


def render(verdicts: Verdicts) -> str:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = lambda value: rule.NONE if value is None else rule.number(value)
    environment.filters["setting"] = _setting
    environment.filters["ratio"] = rule.text
    environment.filters["whisker"] = charts.whisker
    return environment.get_template("report.html").render(_context(verdicts))


def _setting(value: object) -> str:
    """Of what JSON holds, in words: names with their values, and lists, one after the other."""
    if isinstance(value, dict):
        return "; ".join(f"{name.replace('_', ' ')} {_setting(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(_setting, value))
    return str(value)


def _context(verdicts: Verdicts) -> dict[str, Any]:
    result = verdicts.result
    rounds = sorted({mix.round for mix in result.mix if mix.per_second})
    top_per_s = max((max(mix.per_second) for mix in result.mix if mix.per_second), default=1.0)
    return {
        "v": verdicts,
        "result": result,
        "counts": {
            "at equal load": (verdicts.counts(), verdicts.routes),
            "in the mix": (verdicts.counts(from_mix=True), verdicts.mix),
        },
        "together": routes.together,
        "short": SHORT,
        "journey_titles": routes.TITLES | JOURNEY_TITLES,
        "titles": routes.TITLES,
        "judged": routes.JUDGED,
        "words": rule.WORDS,
        "signs": rule.SIGNS,
        "goal_signs": goals.SIGNS,
        "rule_text": rule.TEXT,
        "few": intervals.FEW,
        "details": _details(verdicts),
        "over_time": [charts.over_time(result.mix, number, top_per_s) for number in rounds],
        "mix_totals": _mix_totals(verdicts),
        "cpu_bars": _bars({each.name: _costs(each) for each in verdicts.routes}),
        "mix_bars": _bars({"all routes of the mix": _mix_costs(verdicts)}),
        "journey_bars": _bars({"booking journey": _costs(verdicts.journey)} if verdicts.journey else {}),
        "journey_chart": charts.distribution("Search to confirmed", _samples(result.journey)),
        "processes": _processes(verdicts),
        "curves": [
            (curve, charts.latency_by_rate(curve), charts.achieved_by_rate(curve))
            for curve in verdicts.curves
        ],
        "memory": _memory(verdicts),
        "statements": {
            side: findings.statements(windows)[:MOST_STATEMENTS]
            for side, windows in by_side(result.mix).items()
            if any(window.statements for window in windows)
        },
        "sides": [side for side in (LEGACY, SERVICE, SPLIT) if side in _sides(verdicts)],
    }


def _sides(verdicts: Verdicts) -> set[str]:
    result = verdicts.result
    return {each.side for each in (*result.mix, *result.routes, *result.journey, *result.curves)}


def _samples(windows: Iterable[Any]) -> dict[str, list[float]]:
    return {side: [ms for window in those for ms in window.ms] for side, those in by_side(windows).items()}


@dataclass(frozen=True, slots=True)
class Detail:
    """All there is of one route: at equal load, in the mix, or both."""

    number: int
    name: str
    at_load: Findings | None
    in_mix: Findings | None
    charts: tuple[Chart, ...]
    bars: Sequence[tuple[str, Sequence[Bar]]]


def _details(verdicts: Verdicts) -> list[Detail]:
    at_load = {each.name: each for each in verdicts.routes}
    in_mix = {each.name: each for each in verdicts.mix}
    names = [*at_load, *(name for name in in_mix if name not in at_load)]
    found = []
    for number, name in enumerate(names, 1):
        drawn = (
            charts.distribution("At equal load", _samples_of(verdicts, name, from_mix=False)),
            charts.distribution("In the mix", _samples_of(verdicts, name, from_mix=True)),
        )
        bars = _bars({name: _costs(at_load[name])}) if name in at_load else []
        pictures = tuple(chart for chart in drawn if chart is not None)
        found.append(Detail(number, name, at_load.get(name), in_mix.get(name), pictures, bars))
    return found


def _samples_of(verdicts: Verdicts, name: str, *, from_mix: bool) -> dict[str, list[float]]:
    windows = verdicts.result.of_route(name, from_mix=from_mix)
    return {side: [ms for window in those for ms in window.ms] for side, those in windows.items()}


def _costs(found: Findings) -> dict[str, Cost]:
    return {side: each.cost for side, each in found.sides.items() if each.cost is not None}


def _mix_costs(verdicts: Verdicts) -> dict[str, Cost]:
    idle = verdicts.result.idle_cpu_ms_per_s
    found = {}
    for side, windows in by_side(verdicts.result.mix).items():
        costs = [cpu.cost(window, window.requests, idle) for window in windows]
        mean = cpu.mean_cost([each for each in costs if each is not None])
        if mean is not None:
            found[side] = mean
    return found


def _bars(costs: Mapping[str, Mapping[str, Cost]]) -> list[tuple[str, list[Bar]]]:
    """All on one scale. What is below zero (less than when idle) is drawn as nothing, and told in figures."""
    longest = max(
        (
            sum(max(ms, 0.0) for ms in each.net_by_process.values())
            for of in costs.values()
            for each in of.values()
        ),
        default=0.0,
    )
    if longest <= 0:
        return []
    return [
        (
            name,
            [
                Bar(
                    side,
                    of[side].net_ms,
                    of[side].gross_ms,
                    tuple(
                        Segment(process, ms, round(max(ms, 0.0) / longest * 100, 2))
                        for process, ms in of[side].net_by_process.items()
                    ),
                )
                for side in (LEGACY, SERVICE, SPLIT)
                if side in of
            ],
        )
        for name, of in costs.items()
        if of
    ]


def _processes(verdicts: Verdicts) -> list[str]:
    windows = (*verdicts.result.mix, *verdicts.result.routes, *verdicts.result.journey)
    return [name for name in cpu.ORDER if any(name in window.cpu_s for window in windows)]


@dataclass(frozen=True, slots=True)
class MixTotal:
    side: str
    rounds: int
    requests: int
    failed: int
    per_s: float
    booked: int
    cost: Cost | None
    cores: float | None


def _mix_totals(verdicts: Verdicts) -> list[MixTotal]:
    costs = _mix_costs(verdicts)
    found = []
    for side, windows in by_side(verdicts.result.mix).items():
        seconds = sum(window.seconds for window in windows) or 1.0
        spent = sum(sum(window.cpu_s.values()) for window in windows)
        requests = sum(window.requests for window in windows)
        found.append(
            MixTotal(
                side,
                len(windows),
                requests,
                sum(window.failed for window in windows),
                requests / seconds,
                sum(window.booked for window in windows),
                costs.get(side),
                spent / seconds if spent else None,
            )
        )
    return found


def _memory(verdicts: Verdicts) -> dict[str, list[Peak]]:
    """By side, the processes that belong to it."""
    peaks = {
        side: {
            process: max(window.rss_mib.get(process, 0.0) for window in windows)
            for process in cpu.ORDER
            if cpu.belongs(process, side) and any(process in window.rss_mib for window in windows)
        }
        for side, windows in by_side(verdicts.result.mix).items()
    }
    largest = max((mib for of in peaks.values() for mib in of.values()), default=0.0)
    if largest <= 0:
        return {}
    idle = verdicts.result.idle_rss_mib
    return {
        side: [Peak(name, mib, idle.get(name), round(mib / largest * 100, 2)) for name, mib in of.items()]
        for side, of in peaks.items()
        if of
    }
