"""Plots as SVG, drawn by templates from the coordinates that are reckoned here; no scripts, no styles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

WIDTH: Final = 720
HEIGHT: Final = 180
FOOT: Final = 20  # where the dates stand
LABEL: Final = 20  # half as wide as a date


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Column:
    """A day: what came in as a bar, and what went out as a narrower one before it."""

    day: date
    bar: Bar
    against: Bar
    is_labelled: bool
    middle: float


@dataclass(frozen=True, slots=True)
class Plot:
    width: int
    height: int
    base: float
    top: int
    columns: tuple[Column, ...]


def columns(days: Sequence[tuple[date, int, int]], labels: int = 8) -> Plot | None:
    """A column for each day of (day, amount, amount against); None if there is nothing to be seen."""
    top = max((max(amount, against) for _, amount, against in days), default=0)
    if top <= 0:
        return None
    base = HEIGHT - FOOT
    step = WIDTH / len(days)
    every = -(-len(days) // labels)
    drawn = []
    for number, (day, amount, against) in enumerate(days):
        x = number * step
        drawn.append(
            Column(
                day,
                _bar(x + step * 0.1, step * 0.8, amount, top, base),
                _bar(x + step * 0.3, step * 0.4, against, top, base),
                number % every == 0,
                round(min(max(x + step / 2, LABEL), WIDTH - LABEL), 2),
            )
        )
    return Plot(WIDTH, HEIGHT, base, top, tuple(drawn))


def _bar(x: float, width: float, amount: int, top: int, base: float) -> Bar:
    height = round(max(amount, 0) / top * (base - 10), 2)
    return Bar(round(x, 2), round(base - height, 2), round(width, 2), height)
