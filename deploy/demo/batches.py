"""Makes some companies and writes them down for every database that lacks them: what a worker process does.

Nothing here knows a database; what comes out are bytes for COPY.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
from collections import defaultdict, deque
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from common.keyring import KeyRing
from deploy.demo.copying import Rows
from deploy.demo.generate import admin, company
from deploy.demo.sides import SIDES
from deploy.demo.sides.given import Given
from deploy.demo.sides.mirrored import Journeys
from deploy.demo.sides.written import Departure, Sale

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence
    from pathlib import Path

    from deploy.demo.plan import Missing

    Make = Callable[[Sequence[Missing]], asyncio.Future["Batch"]]

EACH: Final = 8  # companies in a batch: some 5,000 departures
ALONE_UP_TO: Final = 8  # companies that are made sooner than processes for them
AHEAD: Final = 2  # batches that each process may be ahead of the databases


class Made(NamedTuple):
    """How much was made."""

    companies: int = 0
    departures: int = 0
    bookings: int = 0
    passengers: int = 0

    def and_also(self, other: Made) -> Made:
        return Made(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


@dataclass(slots=True)
class Batch:
    """Rows by database and table, how many companies are in them for each, and what they are in all."""

    rows: dict[str, dict[str, bytes]] = field(default_factory=dict)
    companies: dict[str, int] = field(default_factory=dict)
    made: Made = field(default_factory=Made)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What all batches have in common."""

    seed: int
    password_hash: str
    qr_keys_file: Path
    sign: bool


class _Process:
    """What a worker process keeps from one batch to the next."""

    maker: Maker


class Maker:
    """Makes batches; in a process of its own or in ours."""

    def __init__(self, recipe: Recipe) -> None:
        self._seed = recipe.seed
        self._password_hash = recipe.password_hash
        self._qr_keys, self._sign = KeyRing.from_file(recipe.qr_keys_file), recipe.sign

    def make(self, companies: Sequence[Missing]) -> Batch:
        rows: dict[str, Rows] = defaultdict(Rows)
        counts: dict[str, int] = defaultdict(int)
        made = Made()
        for each in companies:
            one = company(each.index, each.now, self._seed)
            given = Given(
                self._password_hash,
                self._qr_keys,
                self._sign,
                Journeys(one),
                list(map(Departure.of, one.trips)),
                list(map(Sale.of, one.bookings)),
            )
            for owner in each.owners:
                SIDES[owner].add(rows[owner], one, given)
                counts[owner] += 1
            made = made.and_also(Made(1, len(one.trips), len(one.bookings), len(one.passengers)))
        return Batch({owner: each.taken() for owner, each in rows.items()}, dict(counts), made)

    def make_admin(self, missing: Missing) -> Batch:
        rows: dict[str, Rows] = defaultdict(Rows)
        user = admin(missing.now, self._seed)
        for owner in missing.owners:
            add = SIDES[owner].add_admin
            if add is not None:
                add(rows[owner], user, self._password_hash)
        return Batch({owner: each.taken() for owner, each in rows.items()})


class Ahead:
    """Batches in order, made ahead of whoever takes them, but not far."""

    def __init__(self, make: Make, parts: Sequence[Sequence[Missing]], many: int) -> None:
        self._make, self._left = make, iter(parts)
        self._coming: deque[asyncio.Future[Batch]] = deque()
        self._order(many)

    def __aiter__(self) -> Ahead:
        return self

    async def __anext__(self) -> Batch:
        if not self._coming:
            raise StopAsyncIteration
        batch = await self._coming.popleft()
        self._order(1)
        return batch

    def _order(self, many: int) -> None:
        self._coming.extend(self._make(part) for part in islice(self._left, many))

    def cancel(self) -> None:
        for each in self._coming:
            each.cancel()


@asynccontextmanager
async def batches(recipe: Recipe, companies: Sequence[Missing]) -> AsyncGenerator[Ahead]:
    """All that is missing; by processes of their own where that is worth it."""
    parts = [companies[at : at + EACH] for at in range(0, len(companies), EACH)]
    loop = asyncio.get_running_loop()
    if len(companies) <= ALONE_UP_TO:
        maker = Maker(recipe)
        yield Ahead(lambda part: loop.run_in_executor(None, maker.make, part), parts, 1)
        return
    workers = os.cpu_count() or 1
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(recipe,)) as pool:
        ahead = Ahead(lambda part: loop.run_in_executor(pool, _make, part), parts, workers * AHEAD)
        try:
            yield ahead
        finally:
            ahead.cancel()


def _begin(recipe: Recipe) -> None:
    """A worker makes batches and throws them away whole: there is nothing for the collector to find."""
    gc.disable()
    _Process.maker = Maker(recipe)


def _make(companies: Sequence[Missing]) -> Batch:
    return _Process.maker.make(companies)
