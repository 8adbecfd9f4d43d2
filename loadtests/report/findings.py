"""All that a run says, taken together: goals, verdicts, failures, and what the run lacks."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loadtests.report import goals, knees, lacks, routes, rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from loadtests.report.goals import Goal
    from loadtests.report.knees import Curve
    from loadtests.report.moderation import Scatter
    from loadtests.report.result import MixWindow, Result
    from loadtests.report.routes import Findings
    from loadtests.report.rule import Word


@dataclass(frozen=True, slots=True)
class Failure:
    part: str
    side: str
    route: str
    what: str
    count: int


@dataclass(frozen=True, slots=True)
class Statement:
    """One of PostgreSQL's statements, all rounds of the mix together; `share` is of the side's time."""

    database: str
    query: str
    calls: float
    total_ms: float
    rows: float
    share: float

    @property
    def ms_per_call(self) -> float:
        return self.total_ms / self.calls if self.calls else 0.0


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What `python -m loadtests` ends with; printed by loadtests.report.terminal."""

    result: Result
    goals: tuple[Goal, ...]
    routes: tuple[Findings, ...]
    mix: tuple[Findings, ...]
    journey: Findings | None
    curves: tuple[Curve, ...]
    scatter: Scatter
    failures: tuple[Failure, ...]
    lacks: tuple[str, ...]

    def counts(self, *, from_mix: bool = False) -> dict[str, Counter[Word]]:
        """By judged figure, how many routes have which verdict."""
        found: dict[str, Counter[Word]] = defaultdict(Counter)
        for findings in self.mix if from_mix else self.routes:
            for figure, word in findings.verdicts().items():
                found[figure][word] += 1
        return {figure: found[figure] for figure in routes.JUDGED if figure in found}

    def statements(self, side: str) -> list[Statement]:
        return statements([mix for mix in self.result.mix if mix.side == side])


def of(result: Result) -> Verdicts:
    at_load, in_mix, journey, scatter = routes.of_all(result)
    curves = knees.of_all(result.curves, result.saturation)
    return Verdicts(
        result=result,
        goals=goals.of_all(at_load, journey, curves),
        routes=tuple(at_load),
        mix=tuple(in_mix),
        journey=journey,
        curves=tuple(curves),
        scatter=scatter,
        failures=tuple(_failures(result)),
        lacks=tuple(lacks.of(result, at_load)),
    )


def statements(windows: Sequence[MixWindow]) -> list[Statement]:
    """The same statement of several rounds as one, the longest first."""
    totals: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for window in windows:
        for each in window.statements:
            sums = totals[str(each.get("database", "")), " ".join(str(each.get("query", "")).split())]
            for place, key in enumerate(("calls", "total_ms", "rows")):
                sums[place] += float(each.get(key) or 0)
    all_ms = sum(total_ms for _, total_ms, _ in totals.values()) or 1.0
    found = [
        Statement(database, query, calls, total_ms, rows, total_ms / all_ms)
        for (database, query), (calls, total_ms, rows) in totals.items()
    ]
    return sorted(found, key=lambda statement: (-statement.total_ms, statement.query))


def _failures(result: Result) -> Iterator[Failure]:
    """Each kind once, the most frequent first. What failed without a word is counted, too."""
    counts: Counter[tuple[str, str, str, str]] = Counter()

    def add(part: str, side: str, route: str, failed: int, said: Sequence[Mapping[str, object]]) -> None:
        for each in said:
            count = int(str(each.get("count") or 1))
            counts[part, side, str(each.get("route") or route), str(each.get("what") or "failed")] += count
            failed -= count
        if failed > 0:
            counts[part, side, route, "failed, nothing said"] += failed

    for part, windows in (
        ("mix", [(each, "any") for each in result.mix]),
        ("equal load", [(each, each.route) for each in result.routes]),
        ("journey", [(each, "booking journey") for each in result.journey]),
        ("when full", [(each, each.what) for each in result.saturation]),
    ):
        for window, route in windows:
            add(part, window.side, route, window.failed, window.failures)
    held = {
        (curve.what, side, number): knee.held_per_s
        for curve in knees.of_all(result.curves)
        for side, rounds in curve.knees.items()
        for number, knee in rounds.items()
    }
    for step in result.curves:
        if step.rate_per_s <= held[step.what, step.side, step.round]:  # above it, failing is what it does
            add("curves", step.side, f"{step.what} at {step.rate_per_s:g}/s", step.failed, ())
    for (part, side, route, what), count in counts.most_common():
        yield Failure(part, side, route, what, count)


def verdict_line(counts: Counter[Word]) -> str:
    return " · ".join(f"{counts[word]} {word}" for word in rule.WORDS)
