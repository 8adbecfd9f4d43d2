"""How much is measured, in one table: the full comparison, the quick one, and the smoke run.

The budgets are those of a quiet machine with two cores: 33 minutes, 3 minutes and one minute, of which a
stack of its own takes some to start. A test holds the plans that come of these numbers to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Phase: TypeAlias = Literal["idle", "mix", "routes", "journey", "curves"]
PHASES: Final[tuple[Phase, ...]] = ("idle", "mix", "routes", "journey", "curves")
CURVES: Final = ("search", "seats", "booking", "verify")


@dataclass(frozen=True, slots=True)
class Mix:
    """Locust's people, who wait for answers and think between them; each round on either side.

    With their reads split they come once, at the end: nothing is compared with that.
    """

    rounds: int
    users: int
    seconds: float
    warm_s: float


@dataclass(frozen=True, slots=True)
class Paced:
    """Journeys at a fixed rate; each round on both sides."""

    rounds: int
    per_s: float
    seconds: float
    warm_s: float


@dataclass(frozen=True, slots=True)
class Routes(Paced):
    """Requests of one route at a fixed rate; each round on both sides, so many rounds one after the other.

    Every read is asked at least `fewest` times on each side, in longer windows where its rate is low.
    """

    in_a_row: int
    fewest: int


@dataclass(frozen=True, slots=True)
class Curves:
    """What a side answers when it is full, then rates up to the knee and to both sides of it.

    Full is when so many `connections` ask at once, in so many rounds. The first climb begins at `from_full`
    of it, later ones where the one before has come to; none has more than `most_steps`. Bookings need people
    and seats, and give them up behind each step, which takes long: they have fewer and shorter ones, `sales`.
    """

    rounds: int
    whats: tuple[str, ...]
    step_s: float
    warm_s: float
    full_rounds: int
    full_s: float
    sales: int
    sale_s: float
    connections: int = 24
    from_full: float = 0.7
    most_steps: int = 8

    def rounds_of(self, what: str) -> int:
        return self.sales if what == "booking" else self.rounds

    def step_s_of(self, what: str) -> float:
        return self.sale_s if what == "booking" else self.step_s


@dataclass(frozen=True, slots=True)
class Size:
    """`scale` is that of the demo data, `cast` the people who have logged in before it begins."""

    name: str
    scale: int
    cast: int
    idle_s: float
    mix: Mix
    routes: Routes
    routes_asked: Literal["all", "few", "fewest"]
    journey: Paced
    curves: Curves
    budget_s: float


STACK_STARTS_S: Final = 18
"""With both sides and their demo data; to make more of that takes longer."""

FULL: Final = Size(
    name="full",
    scale=4,
    cast=60,
    idle_s=10,
    mix=Mix(rounds=3, users=60, seconds=15, warm_s=4),
    routes=Routes(rounds=6, per_s=220, seconds=0.49, warm_s=0.1, in_a_row=3, fewest=210),
    routes_asked="all",
    journey=Paced(rounds=5, per_s=10, seconds=6.5, warm_s=5),
    curves=Curves(rounds=3, whats=CURVES, step_s=3, warm_s=0.3, full_rounds=6, full_s=1.2, sales=2, sale_s=2),
    budget_s=33 * 60,
)
QUICK: Final = Size(
    name="quick",
    scale=1,
    cast=24,
    idle_s=3,
    mix=Mix(rounds=2, users=24, seconds=4, warm_s=1),
    routes=Routes(rounds=4, per_s=160, seconds=0.4, warm_s=0.15, in_a_row=4, fewest=100),
    routes_asked="few",
    journey=Paced(rounds=2, per_s=6, seconds=4, warm_s=1),
    curves=Curves(
        rounds=2, whats=("search",), step_s=1, warm_s=0.2, full_rounds=2, full_s=0.8, sales=1, sale_s=1
    ),
    budget_s=3 * 60,
)
SMOKE: Final = Size(
    name="smoke",
    scale=1,
    cast=12,
    idle_s=1,
    mix=Mix(rounds=1, users=6, seconds=2, warm_s=0),
    routes=Routes(rounds=1, per_s=10, seconds=1, warm_s=0, in_a_row=1, fewest=0),
    routes_asked="fewest",
    journey=Paced(rounds=1, per_s=2, seconds=2, warm_s=0),
    curves=Curves(
        rounds=1,
        whats=("search",),
        step_s=1,
        warm_s=0,
        full_rounds=0,
        full_s=0,
        sales=1,
        sale_s=1,
        most_steps=1,
    ),
    budget_s=60,
)
