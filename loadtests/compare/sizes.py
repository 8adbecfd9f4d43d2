"""How much is measured, in one table: the full comparison, the quick one, and the smoke run.

The budgets are those of a machine with two cores: 30 minutes, 3 minutes, 40 s on a stack that runs. A test
holds the plans that come of these numbers to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Phase: TypeAlias = Literal["idle", "mix", "routes", "journey", "curves"]
PHASES: Final[tuple[Phase, ...]] = ("idle", "mix", "routes", "journey", "curves")
CURVES: Final = ("search", "seats", "booking", "verify")


@dataclass(frozen=True, slots=True)
class Mix:
    """Locust's people, who wait for answers and think between them; each round on every side."""

    rounds: int
    users: int
    seconds: float
    warm_s: float


@dataclass(frozen=True, slots=True)
class Paced:
    """Requests, or journeys, at a fixed rate; each round on both sides."""

    rounds: int
    per_s: float
    seconds: float
    warm_s: float


@dataclass(frozen=True, slots=True)
class Curves:
    """Steps of a rate, up to the knee and no further."""

    rounds: int
    whats: tuple[str, ...]
    rates: tuple[int, ...]
    step_s: float
    warm_s: float


@dataclass(frozen=True, slots=True)
class Size:
    """`scale` is that of the demo data, `cast` the people who have logged in before it begins."""

    name: str
    scale: int
    cast: int
    idle_s: float
    mix: Mix
    routes: Paced
    routes_asked: Literal["all", "few", "fewest"]
    journey: Paced
    curves: Curves
    budget_s: float


FULL: Final = Size(
    name="full",
    scale=4,
    cast=60,
    idle_s=10,
    mix=Mix(rounds=3, users=60, seconds=30, warm_s=4),
    routes=Paced(rounds=2, per_s=80, seconds=1.7, warm_s=0.3),
    routes_asked="all",
    journey=Paced(rounds=3, per_s=10, seconds=15, warm_s=2),
    curves=Curves(rounds=2, whats=CURVES, rates=(150, 450, 750, 1100, 1600), step_s=2, warm_s=0.3),
    budget_s=30 * 60,
)
QUICK: Final = Size(
    name="quick",
    scale=1,
    cast=40,
    idle_s=4,
    mix=Mix(rounds=1, users=40, seconds=10, warm_s=2),
    routes=Paced(rounds=1, per_s=40, seconds=1.5, warm_s=0.3),
    routes_asked="few",
    journey=Paced(rounds=1, per_s=4, seconds=5, warm_s=1),
    curves=Curves(rounds=1, whats=("search", "booking"), rates=(50, 150, 400), step_s=2, warm_s=0.3),
    budget_s=3 * 60,
)
SMOKE: Final = Size(
    name="smoke",
    scale=1,
    cast=12,
    idle_s=1,
    mix=Mix(rounds=1, users=6, seconds=2, warm_s=0),
    routes=Paced(rounds=1, per_s=10, seconds=1, warm_s=0),
    routes_asked="fewest",
    journey=Paced(rounds=1, per_s=2, seconds=2, warm_s=0),
    curves=Curves(rounds=1, whats=("search",), rates=(20,), step_s=1, warm_s=0),
    budget_s=40,
)
