"""How soon the others know: the time from a commit to its being applied elsewhere, at 300 bookings a minute.

People come at a steady pace and buy: they hold a seat, pay, and are confirmed by what the payments' service
tells. All goes through the gateway of a site whose services stand alone. Every listener keeps a histogram of
how old a change was when it had applied it (`event_lag_seconds`); what is printed is how those grew.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import time
from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import aiohttp
import uvloop
from prometheus_client.parser import text_string_to_metric_families
from rich.table import Table

from loadtests.bench import machine, meter, stacks
from loadtests.bench.world import CARD, SEATS, World, order

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rich.console import Console

    from loadtests.bench.stacks import Stack

PER_MINUTE: Final = 300
GOAL_P99_MS: Final = 100.0
PEOPLE: Final = 20
"""How many take turns; each gives up nothing, so each holds one seat at a time."""
SETTLES_WITHIN_S: Final = 30.0

Histograms: TypeAlias = "dict[tuple[str, str], dict[float, float]]"
"""By source and listener: how many up to each bound, in seconds."""


@dataclass(frozen=True, slots=True)
class Lag:
    source: str
    listener: str
    events: int
    p50_ms: float
    p99_ms: float


def run(console: Console, results: Path, *, quick: bool) -> dict[str, Any]:
    """Let people buy, print how late each listener was, write `events.json`."""
    seconds = 10 if quick else 60
    with stacks.stack_of("service", console) as stack:
        world = World.make(stack)
        bookings = PER_MINUTE * seconds // 60
        trips = world.departures(-(-(bookings + PEOPLE) // SEATS))
        tokens = [str(world.passenger().token) for _ in range(PEOPLE)]
        with console.status(f"{bookings} people buy …"):
            lags, took_s, cpu_s = uvloop.run(_measure(stack, world.site, trips, tokens, bookings))
    everywhere = lags[-1]
    report = {
        "benchmark": "events",
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "bookings": bookings,
        "seconds": took_s,
        "cpu_ms_per_booking": {name: value / bookings * 1e3 for name, value in cpu_s.items()},
        "load_average": machine.load_average(),
        "goal_p99_ms": GOAL_P99_MS,
        "lags": [asdict(each) for each in lags],
    }
    _print(console, lags, report)
    console.print(
        f"p99 from commit to projection is {everywhere.p99_ms:.0f} ms "
        f"({'within' if everywhere.p99_ms < GOAL_P99_MS else 'ABOVE'} the goal of {GOAL_P99_MS:.0f} ms)."
    )
    results.mkdir(parents=True, exist_ok=True)
    (results / "events.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return report


async def _measure(
    stack: Stack, site: str, trips: list[str], tokens: list[str], bookings: int
) -> tuple[list[Lag], float, dict[str, float]]:
    seats = ((trip, f"A{number}") for trip in trips for number in range(1, SEATS + 1))
    async with aiohttp.ClientSession(site) as session:
        # Everybody once, unmeasured: connections, plans and keys are there when it counts.
        await _all_buy(session, list(itertools.islice(seats, PEOPLE)), tokens)
        before = await _histograms(session, stack)
        cpu = meter.Meter(stack.pids())
        began = time.perf_counter()
        await _all_buy(session, list(itertools.islice(seats, bookings)), tokens)
        took_s = time.perf_counter() - began
        spent = cpu.read(stack.pids())
        after = await _histograms(session, stack)
    grown = {
        key: {bound: count - before.get(key, {}).get(bound, 0) for bound, count in counts.items()}
        for key, counts in after.items()
    }
    return _lags(grown), took_s, spent


async def _all_buy(session: aiohttp.ClientSession, seats: list[tuple[str, str]], tokens: list[str]) -> None:
    """One begins every 200 ms, whether or not those before are done."""
    began = time.perf_counter()
    async with asyncio.TaskGroup() as buyers:
        for number, (trip, seat) in enumerate(seats):
            await asyncio.sleep(max(0.0, began + number * 60 / PER_MINUTE - time.perf_counter()))
            buyers.create_task(_buy(session, trip, seat, tokens[number % len(tokens)]))


async def _buy(session: aiohttp.ClientSession, trip: str, seat: str, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}

    async def call(method: str, path: str, body: Any = None) -> Any:
        async with session.request(method, path, json=body, headers=headers) as answer:
            if answer.status >= 400:
                raise SystemExit(f"{method} {path}: {answer.status} {(await answer.text())[:400]}")
            return await answer.json()

    booking = await call("POST", "/api/bookings", order(trip, seat))
    payment = await call("POST", "/api/payments", {"booking_id": booking["id"]})
    await call("POST", f"/api/payments/{payment['id']}/confirm", {"card": CARD})
    deadline = time.monotonic() + SETTLES_WITHIN_S
    while (await call("GET", f"/api/bookings/{booking['id']}"))["status"] != "confirmed":
        if time.monotonic() > deadline:
            raise SystemExit(f"booking {booking['id']} is not confirmed")
        await asyncio.sleep(0.25)


async def _histograms(session: aiohttp.ClientSession, stack: Stack) -> Histograms:
    found: Histograms = {}
    for listener, url in stack.facts["service_urls"].items():
        async with session.get(f"{url}/metrics") as answer:
            text = await answer.text()
        for family in text_string_to_metric_families(text):
            if family.name == "event_lag_seconds":
                for sample in family.samples:
                    if sample.name.endswith("_bucket"):
                        counts = found.setdefault((sample.labels["source"], listener), {})
                        counts[float(sample.labels["le"])] = sample.value
    return found


def _lags(grown: Histograms) -> list[Lag]:
    """Each, and everything together at the end."""
    together: dict[float, float] = defaultdict(float)
    lags = []
    for (source, listener), counts in sorted(grown.items()):
        if counts[math.inf]:
            lags.append(_lag(source, listener, counts))
            for bound, count in counts.items():
                together[bound] += count
    return [*lags, _lag("all", "all", together)]


def _lag(source: str, listener: str, counts: Mapping[float, float]) -> Lag:
    p50_ms, p99_ms = (quantile(share, counts) * 1e3 for share in (0.5, 0.99))
    return Lag(source, listener, int(counts[math.inf]), p50_ms, p99_ms)


def quantile(share: float, counts: Mapping[float, float]) -> float:
    """What `histogram_quantile` of Prometheus answers: as if all of a bucket were spread evenly over it."""
    wanted = share * counts[math.inf]
    low, below = 0.0, 0.0
    for bound in sorted(counts):
        if counts[bound] >= wanted:
            if math.isinf(bound):
                return low
            inside = counts[bound] - below
            return low + (bound - low) * ((wanted - below) / inside if inside else 0.0)
        low, below = bound, counts[bound]
    return low


def _print(console: Console, lags: list[Lag], report: dict[str, Any]) -> None:
    table = Table(
        title=f"From commit to projection, {report['bookings']} bookings in {report['seconds']:.0f} s; ms",
        caption=f"Load of the machine: {report['load_average']:.1f}.",
    )
    for column in ("source", "listener"):
        table.add_column(column)
    for column in ("events", "p50", "p99"):
        table.add_column(column, justify="right")
    for lag in lags:
        table.add_row(lag.source, lag.listener, f"{lag.events:,}", f"{lag.p50_ms:.0f}", f"{lag.p99_ms:.0f}")
    console.print(table)
