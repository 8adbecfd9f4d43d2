"""Plots as SVG, drawn by a template from the coordinates that are reckoned here; no scripts, no styles.

Lengths are in units of the picture, which is as wide as its place; amounts are whole numbers of any unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WIDTH: Final = 720
HEIGHT: Final = 270
HEAD: Final = 14  # so that the topmost amount is not cut off
FOOT: Final = 44
LETTER: Final = 11  # as wide as one is on a phone, where letters are drawn larger
MOST_TICKS: Final = 4
MOST_LABELS: Final = 8
MOST_LABELS_ON_A_PHONE: Final = 4


@dataclass(frozen=True, slots=True)
class Value:
    """What is drawn at one place: an amount, what goes against it, and what both are called."""

    label: str
    text: str
    amount: int
    against: int = 0


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Column:
    """A value as a bar, and what goes against it as a narrower one before it.

    `label` is what is written below it, "" for most where there are many; every second is for wide pictures.
    """

    middle: float
    bar: Bar
    against: Bar | None
    label: str
    is_for_wide: bool
    text: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across the picture, and the amount that it stands for."""

    y: float
    label: str


@dataclass(frozen=True, slots=True)
class Plot:
    width: int
    height: int
    left: float
    base: float
    columns: tuple[Column, ...]
    ticks: tuple[Tick, ...]
    has_against: bool


def columns(values: Sequence[Value], amount_text: Callable[[int], str]) -> Plot | None:
    """A column for each value; None if there is nothing to be seen. `amount_text` labels the axis."""
    top = max((max(value.amount, value.against) for value in values), default=0)
    if top <= 0:
        return None
    marks = ticks(top)
    labels = [amount_text(mark) for mark in marks]
    left = LETTER * max(len(label) for label in labels) + 12
    base = HEIGHT - FOOT
    scale = (base - HEAD) / marks[-1]
    step = (WIDTH - left) / len(values)
    every = -(-len(values) // MOST_LABELS)
    is_crowded = -(-len(values) // every) > MOST_LABELS_ON_A_PHONE
    drawn = []
    for number, value in enumerate(values):
        x = left + number * step
        drawn.append(
            Column(
                round(x + step / 2, 2),
                _bar(x + step * 0.1, step * 0.8, value.amount, scale, base),
                _bar(x + step * 0.3, step * 0.4, value.against, scale, base) if value.against > 0 else None,
                value.label if number % every == 0 else "",
                is_crowded and number // every % 2 == 1,
                value.text,
            )
        )
    return Plot(
        WIDTH,
        HEIGHT,
        left,
        base,
        tuple(drawn),
        tuple(Tick(round(base - mark * scale, 2), label) for mark, label in zip(marks, labels, strict=True)),
        any(value.against > 0 for value in values),
    )


def ticks(top: int) -> list[int]:
    """Round amounts from 0 to the first not below `top`, evenly spaced: by 1, 2 or 5 of a power of ten."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if step * factor * MOST_TICKS >= top:
                spaced = step * factor
                return list(range(0, -(-top // spaced) * spaced + 1, spaced))
        step *= 10


def _bar(x: float, width: float, amount: int, scale: float, base: float) -> Bar:
    height = round(max(amount, 0) * scale, 2)
    return Bar(round(x, 2), round(base - height, 2), round(width, 2), height)
