"""How search keeps up with data: the same on the demo's 2,460 departures and on a million, on both sides.

A stack of its own is started, filled by the demo generator, and each question put to the monolith and to
ticketing-service in turn, over HTTP, by one client: what is timed is a search as a passenger waits for it,
without a proxy and without a queue.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from deploy.demo.fill import COMPANIES_PER_SCALE, fill
from deploy.demo.generate import slug
from deploy.demo.places import CORRIDORS
from loadtests.bench.stacks import SIDES, stack_of
from loadtests.ranks import percentile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import Console

    from loadtests.bench.stacks import Stack

MILLION, QUICK = 1_000_000, 50_000
DEPARTURES_PER_SCALE = 2_460
SEARCHES, WARM_UP = 2_000, 100
GOAL_P99_MS = 50.0
OWNERS: Final[Mapping[str, str]] = {"legacy": "legacy", "service": "ticketing"}
"""By side: whose database a search is answered from."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Latencies in milliseconds of `searches` searches, and how many offers they found on average."""

    departures: int
    side: str
    fill_s: float
    searches: int
    offers: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float


def run(console: Console, results: Path, *, quick: bool) -> dict[str, Any]:
    """Measure small and large, print the comparison, write `search.json`."""
    goal = QUICK if quick else MILLION
    with stack_of("both", console) as stack:
        small = _measure(stack, 1, console)
        large = _measure(stack, -(-goal // DEPARTURES_PER_SCALE), console)
    table = Table(title="GET /api/search, one client, each deployable directly; milliseconds")
    for column in (
        "departures",
        "side",
        "filled in s",
        "searches",
        "offers each",
        "p50",
        "p90",
        "p99",
        "max",
    ):
        table.add_column(column, justify="right")
    for each in (*small, *large):
        table.add_row(
            f"{each.departures:,}",
            each.side,
            f"{each.fill_s:.0f}",
            f"{each.searches:,}",
            f"{each.offers:.1f}",
            *(f"{value:.1f}" for value in (each.p50_ms, each.p90_ms, each.p99_ms, each.max_ms)),
        )
    console.print(table)
    for few, many in zip(small, large, strict=True):
        console.print(
            f"{many.side}: {many.departures / few.departures:,.0f} times the departures, p99 "
            f"{many.p99_ms / few.p99_ms:.1f} times as long, {many.p99_ms:.1f} ms "
            f"({'within' if many.p99_ms < GOAL_P99_MS else 'ABOVE'} the goal of {GOAL_P99_MS:.0f} ms)."
        )
    legacy, service = large
    console.print(
        f"Service / legacy on {service.departures:,} departures: "
        f"p50 {service.p50_ms / legacy.p50_ms:.2f}, p99 {service.p99_ms / legacy.p99_ms:.2f}."
    )
    measured = [asdict(each) for each in (*small, *large)]
    report = {"benchmark": "search", "goal_p99_ms": GOAL_P99_MS, "measured": measured}
    results.mkdir(parents=True, exist_ok=True)
    (results / "search.json").write_text(json.dumps(report, indent=2) + "\n")
    return report


def _measure(stack: Stack, scale: int, console: Console) -> list[Measured]:
    """Legacy, then the services."""
    databases = {owner: str(stack.facts["databases"][f"db_{owner}"]) for owner in OWNERS.values()}
    columns = (
        TextColumn("companies, {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        tasks = {owner: bar.add_task(owner, total=scale * COMPANIES_PER_SCALE) for owner in databases}
        filled = asyncio.run(
            fill(
                databases,
                Path(stack.facts["environment"]["BANYAN_QR_KEYS_FILE"]),
                scale=scale,
                progress=lambda owner, done, of: bar.update(tasks[owner], completed=done, total=of),
            )
        )
    urls = {"legacy": stack.facts["legacy_url"], "service": stack.facts["service_urls"]["ticketing"]}
    with console.status("Searching …"):
        found = asyncio.run(_search({side: str(urls[side]) for side in SIDES}))
    return [
        Measured(
            scale * DEPARTURES_PER_SCALE,
            side,
            filled.seconds[OWNERS[side]],
            len(latencies),
            offers,
            percentile(latencies, 0.5),
            percentile(latencies, 0.9),
            percentile(latencies, 0.99),
            latencies[-1],
        )
        for side, (latencies, offers) in found.items()
    ]


async def _search(urls: Mapping[str, str]) -> dict[str, tuple[list[float], float]]:
    """By side: latencies in order, and how many offers a search found. Both must find the same."""
    latencies: dict[str, list[float]] = {side: [] for side in urls}
    found = 0
    async with AsyncExitStack() as opened:
        sessions = {
            side: await opened.enter_async_context(aiohttp.ClientSession(url)) for side, url in urls.items()
        }
        for number, query in enumerate(_queries()):
            answers: dict[str, Any] = {}
            for side in SIDES if number % 2 else SIDES[::-1]:
                began = time.perf_counter()
                async with sessions[side].get("/api/search", params=query) as response:
                    answers[side] = await response.json()
                took_ms = (time.perf_counter() - began) * 1000
                if response.status != 200:
                    raise SystemExit(f"{side}, {query}: {response.status} {answers[side]}")
                if number >= WARM_UP:
                    latencies[side].append(took_ms)
            if any(answer != answers["legacy"] for answer in answers.values()):
                raise SystemExit(f"{query}: the sides answer differently")
            if number >= WARM_UP:
                found += len(answers["legacy"]["items"])
    return {side: (sorted(each), found / SEARCHES) for side, each in latencies.items()}


def _queries() -> Iterator[dict[str, str]]:
    """Random pairs of cities, days, sorts and numbers of passengers: the same each time."""
    chance = random.Random(7)  # ruff: ignore[suspicious-non-cryptographic-random-usage] — the same searches each time
    today = datetime.now(UTC).date()
    for _ in range(WARM_UP + SEARCHES):
        corridor = chance.choice(CORRIDORS)
        start, end = sorted(chance.sample(range(len(corridor)), 2))
        places = [slug(corridor[start]), slug(corridor[end])]
        if chance.random() < 0.5:
            places.reverse()
        yield {
            "from": places[0],
            "to": places[1],
            "date": str(today + timedelta(days=chance.randint(1, 29))),
            "passengers": str(chance.choice((1, 1, 2, 4))),
            "sort": chance.choice(("departure", "departure", "price", "duration")),
        }
