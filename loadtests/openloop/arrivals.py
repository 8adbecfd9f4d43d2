"""When requests are due: so many in a window as the rate says, at instants that a seed gives."""

from __future__ import annotations

from random import Random
from typing import Literal, TypeAlias

Spacing: TypeAlias = Literal["poisson", "even"]


def arrivals(rate_per_s: float, seconds: float, seed: int, spacing: Spacing = "poisson") -> list[float]:
    """Seconds from the window's beginning, in order.

    A Poisson process given how many come: independent uniform instants, sorted. So two windows of one rate
    ask equally often, and those that have the same seed ask at the same instants.
    """
    count = round(rate_per_s * seconds)
    if spacing == "even":
        return [number * seconds / count for number in range(count)]
    dice = Random(f"arrivals:{seed}")  # ruff: ignore[suspicious-non-cryptographic-random-usage] — it repeats itself
    return sorted(dice.random() * seconds for _ in range(count))
