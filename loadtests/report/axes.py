"""Where amounts lie on a picture: scales and the ticks beside them. Lengths are in units of the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

MOST_TICKS: Final = 5


@dataclass(frozen=True, slots=True)
class Tick:
    place: float
    label: str


@dataclass(frozen=True, slots=True)
class Scale:
    """From `low` at `start` to `high` at `end`; amounts beyond lie at the edge."""

    low: float
    high: float
    start: float
    end: float
    is_log: bool = False

    def at(self, amount: float) -> float:
        low, high, here = self.low, self.high, min(max(amount, self.low), self.high)
        if self.is_log:
            low, high, here = math.log(low), math.log(high), math.log(here)
        return round(self.start + (here - low) / (high - low) * (self.end - self.start), 1)

    def ticks(self) -> list[Tick]:
        amounts = _log_ticks(self.low, self.high) if self.is_log else _ticks(self.low, self.high)
        return [Tick(self.at(amount), f"{amount:g}") for amount in amounts]


def linear(high: float, start: float, end: float) -> Scale:
    """From 0 to the first round amount that is not below `high`."""
    step = _step(high if high > 0 else 1.0)
    return Scale(0.0, math.ceil((high if high > 0 else 1.0) / step - 1e-9) * step, start, end)


def logarithmic(low: float, high: float, start: float, end: float) -> Scale:
    """From the last of 1, 2, 5 times a power of ten that is not above `low` to the first not below `high`."""
    least = max(low, 1e-3)
    bottom = max(each for each in _round_amounts(least / 10, least) if each <= least * (1 + 1e-9))
    most = max(high, bottom * 2)
    top = min(each for each in _round_amounts(most, most * 10) if each >= most * (1 - 1e-9))
    return Scale(bottom, top, start, end, is_log=True)


def _step(span: float) -> float:
    power = 10.0 ** math.floor(math.log10(span))
    return next(
        factor * unit
        for unit in (power / 10, power)
        for factor in (1, 2, 5)
        if factor * unit * MOST_TICKS >= span * (1 - 1e-9)
    )


def _ticks(low: float, high: float) -> list[float]:
    step = _step(high - low)
    return [low + number * step for number in range(round((high - low) / step) + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    """All round amounts if they are few, else powers of ten alone."""
    amounts = [each for each in _round_amounts(low, high) if low * (1 - 1e-9) <= each <= high * (1 + 1e-9)]
    if len(amounts) <= MOST_TICKS + 2:
        return amounts
    return [each for each in amounts if abs(math.log10(each) - round(math.log10(each))) < 1e-9]


def _round_amounts(low: float, high: float) -> list[float]:
    powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 2)
    return [float(f"{factor}e{power}") for power in powers for factor in (1, 2, 5)]
