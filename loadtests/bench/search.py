"""How search keeps up with data: the same searches on the demo's 2,460 departures and on a million.

A stack of its own is started, filled by the demo generator, and the monolith asked over HTTP by one client:
what is timed is a search as a passenger waits for it, without a proxy and without a queue.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess  # ruff: ignore[suspicious-subprocess-import] — starts our own stack
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from deploy.demo.fill import COMPANIES_PER_SCALE, fill
from deploy.demo.generate import slug
from deploy.demo.places import CORRIDORS
from loadtests.ranks import percentile

if TYPE_CHECKING:
    from collections.abc import Generator

    from rich.console import Console

MILLION, QUICK = 1_000_000, 50_000
DEPARTURES_PER_SCALE = 2_460
SEARCHES, WARM_UP = 2_000, 100
START_WITHIN_S = 120
GOAL_P99_MS = 50.0


@dataclass(frozen=True, slots=True)
class Measured:
    """Latencies in milliseconds of `searches` searches, and how many offers they found on average."""

    departures: int
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
    with _stack(console) as facts:
        small = _measure(facts, 1, console)
        large = _measure(facts, -(-goal // DEPARTURES_PER_SCALE), console)
    table = Table(title="GET /api/search, one client, legacy directly; milliseconds")
    for column in ("departures", "filled in s", "searches", "offers each", "p50", "p90", "p99", "max"):
        table.add_column(column, justify="right")
    for each in (small, large):
        table.add_row(
            f"{each.departures:,}",
            f"{each.fill_s:.0f}",
            f"{each.searches:,}",
            f"{each.offers:.1f}",
            *(f"{value:.1f}" for value in (each.p50_ms, each.p90_ms, each.p99_ms, each.max_ms)),
        )
    console.print(table)
    console.print(
        f"{large.departures / small.departures:,.0f} times the departures: p99 is "
        f"{large.p99_ms / small.p99_ms:.1f} times as long, {large.p99_ms:.1f} ms "
        f"({'within' if large.p99_ms < GOAL_P99_MS else 'ABOVE'} the goal of {GOAL_P99_MS:.0f} ms)."
    )
    report = {"benchmark": "search", "goal_p99_ms": GOAL_P99_MS, "measured": [asdict(small), asdict(large)]}
    results.mkdir(parents=True, exist_ok=True)
    (results / "search.json").write_text(json.dumps(report, indent=2) + "\n")
    return report


@contextmanager
def _stack(console: Console) -> Generator[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="banyan-bench-") as folder:
        state = Path(folder)
        state.chmod(0o711)  # PostgreSQL steps down from root to a user who must get in
        log = state / "runner.txt"
        command = [
            sys.executable,
            "-m",
            "deploy.local",
            "--state",
            str(state),
            "run",
            "--port",
            "0",
            "--no-demo",
        ]
        with log.open("w") as output:
            runner = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)  # ruff: ignore[subprocess-without-shell-equals-true] — our own
        facts_file = state / "run" / "stack.json"
        try:
            with console.status("Starting a stack …"):
                deadline = time.monotonic() + START_WITHIN_S
                while not facts_file.exists():
                    if runner.poll() is not None or time.monotonic() > deadline:
                        raise SystemExit(f"The stack did not start:\n{log.read_text()[-4000:]}")
                    time.sleep(0.1)
            yield json.loads(facts_file.read_text())
        finally:
            os.kill(runner.pid, signal.SIGTERM)
            runner.wait(60)


def _measure(facts: dict[str, Any], scale: int, console: Console) -> Measured:
    columns = (TextColumn("companies"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    started = time.monotonic()
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=scale * COMPANIES_PER_SCALE)
        asyncio.run(
            fill(
                {"legacy": facts["databases"]["db_legacy"]},
                Path(facts["environment"]["BANYAN_QR_KEYS_FILE"]),
                scale=scale,
                progress=lambda _owner, done, of: bar.update(task, completed=done, total=of),
            )
        )
    fill_s = time.monotonic() - started
    with console.status("Searching …"):
        latencies, offers = asyncio.run(_search(facts["legacy_url"]))
    latencies.sort()

    return Measured(
        scale * DEPARTURES_PER_SCALE,
        fill_s,
        len(latencies),
        offers,
        percentile(latencies, 0.5),
        percentile(latencies, 0.9),
        percentile(latencies, 0.99),
        latencies[-1],
    )


async def _search(legacy_url: str) -> tuple[list[float], float]:
    chance = random.Random(7)  # ruff: ignore[suspicious-non-cryptographic-random-usage] — the same searches each time
    today = datetime.now(UTC).date()
    latencies: list[float] = []
    found = 0
    async with aiohttp.ClientSession(legacy_url) as session:
        for number in range(WARM_UP + SEARCHES):
            corridor = chance.choice(CORRIDORS)
            start, end = sorted(chance.sample(range(len(corridor)), 2))
            places = [slug(corridor[start]), slug(corridor[end])]
            if chance.random() < 0.5:
                places.reverse()
            query = {
                "from": places[0],
                "to": places[1],
                "date": str(today + timedelta(days=chance.randint(1, 29))),
                "passengers": str(chance.choice((1, 1, 2, 4))),
                "sort": chance.choice(("departure", "departure", "price", "duration")),
            }
            began = time.perf_counter()
            async with session.get("/api/search", params=query) as response:
                answer = await response.json()
            took_ms = (time.perf_counter() - began) * 1000
            if response.status != 200:
                raise SystemExit(f"{query}: {response.status} {answer}")
            if number >= WARM_UP:
                latencies.append(took_ms)
                found += len(answer["items"])
    return latencies, found / SEARCHES
