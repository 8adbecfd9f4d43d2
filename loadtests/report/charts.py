"""Pictures of a run as lines on axes; `templates/chart.html` draws them.

Every line has a class by its side, which gives it a colour and a dash of its own: colour alone tells nothing.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from loadtests.report.axes import Scale, Tick, linear, logarithmic

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from loadtests.report.intervals import Ratio
    from loadtests.report.knees import Curve
    from loadtests.report.result import MixWindow, Step

WIDTH: Final = 480
HEIGHT: Final = 270
LEFT: Final = 58
RIGHT: Final = 22
HEAD: Final = 14
FOOT: Final = 48
MOST_POINTS: Final = 110
# Parts of all requests, evenly spaced by the number of nines: a tail is as easy to see as the middle.
NINES: Final = (0.0, 0.5, 0.9, 0.99, 0.999)


@dataclass(frozen=True, slots=True)
class Line:
    """`kind` is its class: a side, and what of it."""

    kind: str
    label: str
    points: tuple[tuple[float, float], ...]
    has_dots: bool = False

    @property
    def path(self) -> str:
        return " ".join(f"{x:g},{y:g}" for x, y in self.points)


@dataclass(frozen=True, slots=True)
class Mark:
    """A line from top to bottom, with a word at its head."""

    kind: str
    x: float
    label: str
    row: int
    is_left: bool


@dataclass(frozen=True, slots=True)
class Chart:
    title: str
    x_label: str
    y_label: str
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    lines: tuple[Line, ...]
    marks: tuple[Mark, ...] = ()
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = HEAD
    base: int = HEIGHT - FOOT


def distribution(title: str, samples: Mapping[str, Sequence[float]]) -> Chart | None:
    """Which part of the requests was answered within how long, a line for each side; None without samples."""
    ordered = {side: sorted(those) for side, those in samples.items() if those}
    if not ordered:
        return None
    x = logarithmic(
        min(those[0] for those in ordered.values()),
        max(those[-1] for those in ordered.values()),
        LEFT,
        WIDTH - RIGHT,
    )
    y = Scale(0.0, -math.log10(1 - NINES[-1]), HEIGHT - FOOT, HEAD)
    return Chart(
        title,
        "milliseconds, logarithmic",
        "answered within",
        x.ticks(),
        [Tick(y.at(-math.log10(1 - part)), f"{part:.1%}".replace(".0%", "%")) for part in NINES],
        tuple(Line(side, side, tuple(_distribution(those, x, y))) for side, those in ordered.items()),
    )


def over_time(mix: Iterable[MixWindow], number: int, top_per_s: float) -> Chart:
    """Answers in each second of a round, a line for each side, all rounds to the same height."""
    windows = [window for window in mix if window.round == number and window.per_second]
    seconds = max(len(window.per_second) for window in windows)
    x, y = linear(seconds, LEFT, WIDTH - RIGHT), linear(top_per_s, HEIGHT - FOOT, HEAD)
    return Chart(
        f"Round {number}",
        "seconds",
        "requests/s",
        x.ticks(),
        y.ticks(),
        tuple(Line(window.side, window.side, tuple(_seconds(window.per_second, x, y))) for window in windows),
    )


def latency_by_rate(curve: Curve) -> Chart:
    """Percentiles over the rate that was asked for, the median of the rounds; where each side's knee is."""
    steps = [step for those in curve.steps.values() for step in those]
    x = _rates(steps)
    y = logarithmic(
        min(step.p50_ms for step in steps), max(step.p99_ms for step in steps), HEIGHT - FOOT, HEAD
    )
    lines = []
    for side, those in curve.steps.items():
        for percentile in ("p50", "p99"):
            points = _medians(those, f"{percentile}_ms")
            placed = tuple((x.at(rate), y.at(amount)) for rate, amount in points.items())
            lines.append(Line(f"{side} {percentile}", f"{side} {percentile}", placed, has_dots=True))
    marks = []
    for row, (side, knees) in enumerate(curve.knees.items()):
        held = statistics.median(knee.held_per_s for knee in knees.values())
        if held > 0 and any(knee.past_per_s is not None for knee in knees.values()):
            place = x.at(held)
            marks.append(Mark(side, place, f"{side}: knee", row, place > WIDTH * 0.7))
    return Chart(
        f"Latency: {curve.what}",
        "requests/s asked for, logarithmic",
        "ms, logarithmic",
        x.ticks(),
        y.ticks(),
        tuple(lines),
        tuple(marks),
    )


def achieved_by_rate(curve: Curve) -> Chart:
    """Answers a second over requests a second; on the thin line they are equal."""
    steps = [step for those in curve.steps.values() for step in those]
    top = max(max(step.rate_per_s, step.achieved_per_s) for step in steps)
    x, y = linear(top, LEFT, WIDTH - RIGHT), linear(top, HEIGHT - FOOT, HEAD)
    lines = [Line("equal", "as asked for", ((x.at(0), y.at(0)), (x.at(top), y.at(top))))]
    for side, those in curve.steps.items():
        points = _medians(those, "achieved_per_s")
        placed = tuple((x.at(rate), y.at(amount)) for rate, amount in points.items())
        lines.append(Line(side, side, placed, has_dots=True))
    return Chart(
        f"Throughput: {curve.what}",
        "requests/s asked for",
        "answers/s",
        x.ticks(),
        y.ticks(),
        tuple(lines),
    )


@dataclass(frozen=True, slots=True)
class Whisker:
    """A ratio and its interval in a table's cell, from a half to the double; all in percent of the width."""

    low: float
    high: float
    value: float
    one: float


def whisker(ratio: Ratio | None) -> Whisker | None:
    if ratio is None or ratio.low is None or ratio.high is None:
        return None
    scale = Scale(0.5, 2.0, 2, 98, is_log=True)
    return Whisker(scale.at(ratio.low), scale.at(ratio.high), scale.at(ratio.value), scale.at(1))


def _distribution(ordered: Sequence[float], x: Scale, y: Scale) -> Iterable[tuple[float, float]]:
    """At most MOST_POINTS, evenly spaced on the axis of nines."""
    many = len(ordered)
    ranks = {
        min(int((1 - 10 ** -(y.high * step / MOST_POINTS)) * many), many - 1)
        for step in range(MOST_POINTS + 1)
    }
    for rank in sorted(ranks):
        yield x.at(ordered[rank]), y.at(-math.log10(1 - rank / many))


def _seconds(per_second: Sequence[float], x: Scale, y: Scale) -> Iterable[tuple[float, float]]:
    """Means of as many seconds as keep the line readable."""
    width = -(-len(per_second) // MOST_POINTS)
    for start in range(0, len(per_second), width):
        taken = per_second[start : start + width]
        yield x.at(start + len(taken) / 2), y.at(sum(taken) / len(taken))


def _rates(steps: Sequence[Step]) -> Scale:
    return logarithmic(
        min(step.rate_per_s for step in steps), max(step.rate_per_s for step in steps), LEFT, WIDTH - RIGHT
    )


def _medians(steps: Iterable[Step], figure: str) -> dict[float, float]:
    rates: dict[float, list[float]] = {}
    for step in steps:
        rates.setdefault(step.rate_per_s, []).append(getattr(step, figure))
    return {rate: statistics.median(rates[rate]) for rate in sorted(rates)}
