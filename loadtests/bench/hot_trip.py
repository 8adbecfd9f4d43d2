"""How fast a departure that everybody wants is sold: seats per second, beside pgbench running the claim.

Sixteen clients want the same bus, then the next one, until all are sold out; each sixth request is for a seat
that somebody else is asking for at that moment. The services stand complete, with their events going out and
being heard, since that is what selling a seat costs there. Two scripts of pgbench show what PostgreSQL could
do on the service's own database: the claim alone (one INSERT into a table with the exclusion constraint), and
the whole statement that a hold is there, which also reads the trip, reckons the price and writes the booking.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

import asyncpg
import uvloop
from rich.table import Table

from loadtests.bench import crowd, machine, meter, pgbench, stacks
from loadtests.bench.accounts import open_accounts
from loadtests.bench.pgbench import asks_for, seat_of, users_for
from loadtests.bench.world import LAST_STOP, SEATS, World, order
from loadtests.ranks import percentile

if TYPE_CHECKING:
    from rich.console import Console

    from loadtests.bench.stacks import Stack

CLIENTS: Final = 16
GOAL_SHARE: Final = 0.30
CLAIM, HOLD = "pgbench, the claim", "pgbench, the hold"
SELLERS: Final = {"legacy": "legacy", "service": "ticketing-service"}


@dataclass(frozen=True, slots=True)
class Round:
    """All seats of some departures, sold by one seller; CPU is in milliseconds for each seat sold."""

    seats_per_s: float
    sold: int
    oversold: int
    seller_ms: float
    postgres_ms: float
    others_ms: float
    p50_ms: float | None = None
    p99_ms: float | None = None


class Shop:
    """One side with a company whose departures are wanted."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.world = World.make(stack)

    def departures(self, count: int) -> list[str]:
        return self.world.departures(count)


def run(console: Console, results: Path, *, quick: bool) -> dict[str, Any]:
    """Sell by each in alternating rounds, print the comparison, write `hot_trip.json`."""
    rounds, departures = (1, 8) if quick else (4, 40)
    measured: dict[str, list[Round]] = {name: [] for name in (*SELLERS.values(), CLAIM, HOLD)}
    with stacks.both(console) as running, tempfile.TemporaryDirectory() as folder:
        shops = {side: Shop(stack) for side, stack in running.items()}
        with console.status("") as status:
            for number in range(rounds):
                for side, shop in shops.items():
                    status.update(f"Round {number + 1} of {rounds}: {SELLERS[side]} …")
                    measured[SELLERS[side]].append(uvloop.run(_sell(shop, departures)))
                for name, statement in ((CLAIM, pgbench.CLAIM), (HOLD, pgbench.HOLD)):
                    status.update(f"Round {number + 1} of {rounds}: {name} …")
                    measured[name].append(
                        _sell_by_pgbench(shops["service"], statement, departures, Path(folder))
                    )
    report = _report(measured, departures)
    _print(console, measured, report)
    results.mkdir(parents=True, exist_ok=True)
    (results / "hot_trip.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return report


async def _sell(shop: Shop, departures: int) -> Round:
    trips = await asyncio.to_thread(shop.departures, departures)
    seats = departures * SEATS
    tokens = await open_accounts(shop.stack, users_for(seats))
    asks = [_ask(trips, number, tokens[number % len(tokens)]) for number in range(asks_for(seats))]
    stack = shop.stack
    host, port = stack.host_of("ticketing")
    began = meter.Meter(_groups(stack))
    answers = await crowd.ask(host, port, asks, CLIENTS)
    cpu = began.read(_groups(stack))
    sold = answers.count(201)
    if sold + answers.count(409) < len(asks):
        other = next(
            body
            for status, body in zip(answers.statuses, answers.bodies, strict=True)
            if status not in {201, 409}
        )
        raise SystemExit(f"{stack.side} answered {other!r}")
    latencies = sorted(answers.latencies_s)
    return Round(
        sold / answers.took_s,
        sold,
        await _oversold(stack, trips, sold),
        cpu["seller"] / sold * 1e3,
        cpu["postgres"] / sold * 1e3,
        cpu["others"] / sold * 1e3,
        percentile(latencies, 0.5) * 1e3,
        percentile(latencies, 0.99) * 1e3,
    )


def _ask(trips: list[str], number: int, token: str) -> bytes:
    trip, seat = divmod(seat_of(number), SEATS)
    body = order(trips[trip], f"A{seat + 1}")
    return crowd.request("POST", "/api/bookings", token=token, body=body)


def _groups(stack: Stack) -> dict[str, list[int]]:
    pids = stack.pids()
    seller, postgres = pids.pop(stack.process_of("ticketing")), pids.pop("postgres")
    return {
        "seller": seller,
        "postgres": postgres,
        "others": [pid for each in pids.values() for pid in each],
    }


def _sell_by_pgbench(shop: Shop, statement: str, departures: int, folder: Path) -> Round:
    trips = shop.departures(departures)
    dsn = shop.stack.dsn_of("ticketing")
    postmaster = shop.stack.pids()["postgres"][0]
    began = meter.of_own_ended_children(), meter.of_ended_children(postmaster)
    per_s = pgbench.run(
        statement, dsn, folder, trips=trips, last=LAST_STOP, clients=CLIENTS, mark=uuid4().hex
    )
    seats = departures * SEATS
    own_s = meter.of_own_ended_children() - began[0]
    sessions_s = meter.of_ended_children(postmaster) - began[1]
    oversold = asyncio.run(_oversold(shop.stack, trips, seats))
    return Round(per_s, seats, oversold, own_s / seats * 1e3, sessions_s / seats * 1e3, 0.0)


async def _oversold(stack: Stack, trips: list[str], sold: int) -> int:
    """Seats that two have; raises SystemExit if not every seat is sold, or not to whom was told so."""
    connection = await asyncpg.connect(stack.dsn_of("ticketing"))
    try:
        row = await connection.fetchrow(
            """WITH live AS (
                   SELECT ticket_id, trip_id, seat, segment FROM seat_claims
                   WHERE trip_id = ANY($1) AND status IN ('held', 'confirmed')
               )
               SELECT (SELECT count(*) FROM live) AS claims,
                      (SELECT count(*) FROM live a JOIN live b USING (trip_id, seat)
                       WHERE a.ticket_id < b.ticket_id AND a.segment && b.segment) AS twice""",
            [UUID(trip) for trip in trips],
        )
    finally:
        await connection.close()
    if row["claims"] != sold or sold != len(trips) * SEATS:
        raise SystemExit(
            f"{stack.side}: {sold} were sold, {row['claims']} claims are there, {len(trips) * SEATS} seats"
        )
    twice: int = row["twice"]
    return twice


def _report(measured: dict[str, list[Round]], departures: int) -> dict[str, Any]:
    medians = {
        name: statistics.median(each.seats_per_s for each in rounds) for name, rounds in measured.items()
    }
    cpu = {
        name: statistics.median(each.seller_ms + each.postgres_ms + each.others_ms for each in rounds)
        for name, rounds in measured.items()
    }
    return {
        "benchmark": "hot_trip",
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "clients": CLIENTS,
        "seats_per_round": departures * SEATS,
        "load_average": machine.load_average(),
        "goal_share": GOAL_SHARE,
        "seats_per_s": medians,
        "share_of_claim": {name: value / medians[CLAIM] for name, value in medians.items()},
        "share_of_hold": {name: value / medians[HOLD] for name, value in medians.items()},
        "cpu_ms_per_seat": cpu,
        "share_of_hold_by_cpu": {name: cpu[HOLD] / value for name, value in cpu.items()},
        "rounds": {name: [asdict(each) for each in rounds] for name, rounds in measured.items()},
    }


def _print(console: Console, measured: dict[str, list[Round]], report: dict[str, Any]) -> None:
    table = Table(
        title=f"{report['seats_per_round']:,} seats of hot departures, {CLIENTS} clients; "
        f"medians of {len(measured[CLAIM])} rounds in turn",
        caption="Seller, PostgreSQL, others: CPU in ms for each seat; by CPU: what the same CPU would sell, "
        f"beside pgbench's hold. Load of the machine: {report['load_average']:.1f}.",
    )
    table.add_column("seller", no_wrap=True)
    columns = (
        "seats/s",
        "of claim",
        "of hold",
        "by CPU",
        "seller",
        "PostgreSQL",
        "others",
        "p50 ms",
        "p99 ms",
    )
    for column in (*columns, "oversold"):
        table.add_column(column, justify="right")
    for name, rounds in measured.items():
        parts = ("seller_ms", "postgres_ms", "others_ms", "p50_ms", "p99_ms")
        table.add_row(
            name,
            f"{report['seats_per_s'][name]:,.0f}",
            f"{report['share_of_claim'][name]:.0%}",
            f"{report['share_of_hold'][name]:.0%}",
            f"{report['share_of_hold_by_cpu'][name]:.0%}",
            *(_median(rounds, part) for part in parts),
            str(sum(each.oversold for each in rounds)),
        )
    console.print(table)
    share = report["share_of_hold"][SELLERS["service"]]
    console.print(
        f"ticketing-service sells {share:.0%} of what pgbench sells with the same statement "
        f"({'within' if share >= GOAL_SHARE else 'BELOW'} the goal of {GOAL_SHARE:.0%}), for the same CPU "
        f"{report['share_of_hold_by_cpu'][SELLERS['service']]:.0%}."
    )


def _median(rounds: list[Round], part: str) -> str:
    values = [value for each in rounds if (value := getattr(each, part)) is not None]
    return f"{statistics.median(values):.2f}" if values else ""
