"""Who this process plays, and what its people know of each other."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from loadtests.pools import share_of
from loadtests.pools.claims import Claims

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loadtests.pools import Boarding, Passenger, Pools, Staff

BOARDS_WITHIN: Final = timedelta(hours=20)
_SCANNED_KEPT: Final = 200


class Cast:
    """The share of worker `index` of `count`: no passenger and no ticket is in two processes.

    A person's number is the same in every run with as many workers, and so is what they do.
    """

    def __init__(
        self, pools: Pools, index: int = 0, count: int = 1, *, seed: int, think_factor: float
    ) -> None:
        self.pools, self.seed, self.think_factor = pools, seed, think_factor
        self.passengers: Sequence[Passenger] = share_of(pools["passengers"], index, count)
        self.inspectors: Sequence[Staff] = share_of(pools["inspectors"], index, count) or pools["inspectors"]
        self.operators: Sequence[Staff] = share_of(pools["operators"], index, count) or pools["operators"]
        self.claims = Claims()
        self.booked_ms: list[tuple[float, float]] = []
        """When a journey began, and how long it took from search to confirmed, less the thinking."""
        self.boarding: dict[str, deque[Boarding]] = defaultdict(deque)
        """By company: tickets that nobody has scanned yet."""
        for ticket in share_of(pools["boarding"], index, count):
            self.boarding[ticket["company_id"]].append(ticket)
        self.scanned: dict[str, deque[Boarding]] = defaultdict(lambda: deque(maxlen=_SCANNED_KEPT))
        self.held: dict[str, list[float]] = defaultdict(list)
        """By passenger: when the holds end that they have left alone."""
        self.refused: Counter[str] = Counter()
        """Right answers that were not hoped for: how often somebody else had the seats, and the like."""
        self.asking: dict[object, tuple[str, float]] = {}
        """By person: the route that they wait for an answer of, and since when."""
        self._index, self._count = index, count
        self._numbers: dict[str, int] = defaultdict(int)

    def next_number(self, role: str) -> tuple[int, int]:
        """A new person's number in the whole run, and in this process."""
        nth = self._numbers[role]
        self._numbers[role] += 1
        return nth * self._count + self._index, nth

    def will_board(self, ticket: Boarding, departs_at: str) -> None:
        """Somebody has bought this; an inspector will see it if the bus leaves soon."""
        if datetime.fromisoformat(departs_at) < datetime.now(UTC) + BOARDS_WITHIN:
            self.boarding[ticket["company_id"]].append(ticket)

    def may_hold(self, passenger_id: str, now: float) -> bool:
        """Whether another hold may be left alone; three at once are the site's limit, one is for buying."""
        held = self.held[passenger_id]
        held[:] = [until for until in held if until > now]
        return len(held) < 1
