"""What a request costs on its way: the strangler, nginx and a plain aiohttp proxy, side by side.

Each has one core before the same upstream, and is asked the same 4,096 requests of 500 users on 16
connections. Rounds alternate, so that what else happens on the machine falls on all alike. What counts is
CPU time per request by the kernel's own clock: on a shared machine it is steadier than requests per second.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess  # ruff: ignore[suspicious-subprocess-import] — the peers are processes
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from loadtests.bench import machine, peers

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from rich.console import Console

    Peer = Callable[[Path, int, int], AbstractContextManager[tuple[int, int]]]

GOAL_RATIO, LIMIT_RATIO = 1.5, 2.0
CONNECTIONS = 16

PEERS: dict[str, Peer] = {
    "nginx proxy_pass": peers.nginx,
    "strangler": peers.strangler,
    "aiohttp + ClientSession": peers.aiohttp_proxy,
}


@dataclass(frozen=True, slots=True)
class Round:
    """One measurement of one peer."""

    cpu_us: float
    per_s: float
    p50_ms: float
    p99_ms: float
    errors: int


def run(console: Console, results: Path, *, quick: bool) -> dict[str, Any]:
    """Measure all peers in alternating rounds, print the comparison, write `proxy.json`."""
    rounds, measured_s = (2, 1.0) if quick else (3, 4.0)
    cores = machine.Cores.here()
    measured: dict[str, list[Round]] = {name: [] for name in PEERS}
    with tempfile.TemporaryDirectory(prefix="banyan-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o777)  # nginx's worker gives up root, and must get in
        upstream_port = stack.enter_context(peers.upstream(folder, cores.others))
        asyncio.run(machine.answers(upstream_port))
        running = {
            peer: stack.enter_context(start(folder, cores.proxy, upstream_port))
            for peer, start in PEERS.items()
        }
        for port, _ in running.values():
            asyncio.run(machine.answers(port))
        with console.status("") as status:
            for number in range(1, rounds + 1):
                for peer, (port, pid) in running.items():
                    status.update(f"Round {number} of {rounds}: {peer} …")
                    measured[peer].append(_measure(port, pid, cores, measured_s))
    report = _report(measured, cores)
    _print(console, measured, report)
    results.mkdir(parents=True, exist_ok=True)
    (results / "proxy.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return report


def _measure(port: int, pid: int, cores: machine.Cores, measured_s: float) -> Round:
    machine.pin(pid, cores.proxy)
    pids = machine.family(pid)
    command = [machine.python(), "-m", "loadtests.bench.load", "--port", str(port)]
    command += ["--seconds", str(measured_s), "--connections", str(CONNECTIONS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as load:  # ruff: ignore[subprocess-without-shell-equals-true] — ours
        os.sched_setaffinity(load.pid, {cores.others})
        assert load.stdout is not None
        load.stdout.readline()
        began_s = machine.cpu_s(pids)
        load.stdout.readline()
        cpu_s = machine.cpu_s(pids) - began_s
        found = json.loads(load.stdout.readline())
        load.terminate()
    if not found["requests"]:
        raise SystemExit(f"No request was answered: {found}")
    return Round(
        cpu_us=cpu_s / found["requests"] * 1e6,
        per_s=found["requests"] / found["seconds"],
        p50_ms=found["p50_ms"],
        p99_ms=found["p99_ms"],
        errors=found["errors"],
    )


def _report(measured: dict[str, list[Round]], cores: machine.Cores) -> dict[str, Any]:
    cpu = {peer: statistics.median(each.cpu_us for each in rounds) for peer, rounds in measured.items()}
    nginx = cpu["nginx proxy_pass"]
    return {
        "benchmark": "proxy",
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "connections": CONNECTIONS,
        "own_core": cores.proxy != cores.others,
        "goal_ratio": GOAL_RATIO,
        "limit_ratio": LIMIT_RATIO,
        "cpu_us": cpu,
        "ratio_to_nginx": {peer: value / nginx for peer, value in cpu.items()},
        "rounds": {peer: [asdict(each) for each in rounds] for peer, rounds in measured.items()},
    }


def _print(console: Console, measured: dict[str, list[Round]], report: dict[str, Any]) -> None:
    rounds_each = len(next(iter(measured.values())))
    table = Table(
        title=f"One core each, {CONNECTIONS} connections; ranges of {rounds_each} rounds",
        caption="strangler: match, sticky split by token, rewriting, counters, histogram, access log. "
        "nginx: proxy_pass with keep-alive, no access log.",
    )
    table.add_column("proxy")
    for column in ("CPU us/request", "x nginx", "requests/s", "p50 ms", "p99 ms", "errors"):
        table.add_column(column, justify="right")
    for peer, rounds in measured.items():
        table.add_row(
            peer,
            _span([each.cpu_us for each in rounds], ".1f"),
            f"{report['ratio_to_nginx'][peer]:.2f}",
            _span([each.per_s for each in rounds], ",.0f"),
            _span([each.p50_ms for each in rounds], ".2f"),
            _span([each.p99_ms for each in rounds], ".2f"),
            str(sum(each.errors for each in rounds)),
        )
    console.print(table)
    ratio = report["ratio_to_nginx"]["strangler"]
    aiohttp = report["ratio_to_nginx"]["aiohttp + ClientSession"]
    if ratio <= GOAL_RATIO:
        verdict = f"within the goal of {GOAL_RATIO}"
    elif ratio <= LIMIT_RATIO:
        verdict = f"within the limit of {LIMIT_RATIO}"
    else:
        verdict = f"ABOVE the limit of {LIMIT_RATIO}"
    console.print(
        f"The strangler costs {ratio:.2f} times nginx, {verdict}, "
        f"and {ratio / aiohttp:.2f} times the aiohttp proxy."
    )


def _span(values: list[float], form: str) -> str:
    low, high = format(min(values), form), format(max(values), form)
    return low if low == high else f"{low} to {high}"
