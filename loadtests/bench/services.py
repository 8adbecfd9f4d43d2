"""Each service beside the monolith: its size, its start, its memory, and what its busiest requests cost.

Both sides stand at the same time, with the same people, departures and bookings, made through the API. A
request is measured in turn on either side, at the deployable itself, by few connections that ask again as
soon as they are answered. CPU is that of the process, of its PostgreSQL, and of everything else that the
stack does meanwhile: on the services' side that is where events go out and are heard.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess  # ruff: ignore[suspicious-subprocess-import] — the deployables are processes
import tempfile
import time
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.error import URLError

import uvloop
from rich.table import Table

from loadtests.bench import crowd, machine, meter, stacks
from loadtests.bench.requests import REQUESTS, Population
from loadtests.ranks import percentile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from loadtests.bench.requests import Wanted
    from loadtests.bench.stacks import Side, Stack

CONNECTIONS: Final = 4
WARM_UP: Final = 20
STARTS: Final = 3
READY_WITHIN_S: Final = 60.0
SETTLED_AFTER_S: Final = 1.0
_CHECKOUT: Final = Path(__file__).parents[2]
_CODE: Final = (".py", ".sql", ".html", ".js", ".css")


@dataclass(frozen=True, slots=True)
class Deployable:
    """One process as it is started; lines are those that are not empty."""

    name: str
    python_lines: int
    lines: int
    start_s: float
    idle_mib: float


@dataclass(frozen=True, slots=True)
class Round:
    """One request, many times; CPU is in milliseconds for each."""

    p50_ms: float
    p99_ms: float
    process_ms: float
    postgres_ms: float
    others_ms: float


def run(console: Console, results: Path, *, quick: bool) -> dict[str, Any]:
    """Measure every service and the monolith, print two tables, write `services.json`."""
    rounds, many = (1, 60) if quick else (3, 300)
    measured: dict[str, dict[Side, list[Round]]] = {}
    with stacks.both(console) as running, console.status("") as status:
        status.update("Starting each by itself …")
        deployables = _deployables(running)
        status.update("People come, and buy …")
        populations = {
            side: Population.make(stack, rounds * (many + WARM_UP)) for side, stack in running.items()
        }
        for wanted in REQUESTS:
            measured[wanted.name] = {side: [] for side in running}
        for number in range(rounds):
            for wanted in REQUESTS:
                status.update(f"Round {number + 1} of {rounds}: {wanted.name} …")
                for side, stack in running.items():
                    measured[wanted.name][side].append(_ask(stack, populations[side], wanted, many))
    report = {
        "benchmark": "services",
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "connections": CONNECTIONS,
        "requests_per_round": many,
        "load_average": machine.load_average(),
        "deployables": [asdict(each) for each in deployables],
        "requests": {
            name: {side: [asdict(each) for each in found] for side, found in sides.items()}
            for name, sides in measured.items()
        },
    }
    _print(console, deployables, measured)
    results.mkdir(parents=True, exist_ok=True)
    (results / "services.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return report


def _deployables(running: dict[Side, Stack]) -> list[Deployable]:
    found = [_deployable("legacy", "legacy", running["legacy"].facts["environments"]["legacy"])]
    service = running["service"]
    environments = service.facts["environments"]
    found += (
        _deployable(f"{domain}-service", f"services.{domain}", environments[domain])
        for domain in service.facts["service_urls"]
    )
    return found


def _deployable(name: str, module: str, environment: dict[str, str]) -> Deployable:
    """Started a few times beside the one of the stack, on another port."""
    starts = [_start(module, environment) for _ in range(STARTS)]
    folder = _CHECKOUT.joinpath(*module.split("."))
    lines = {path: _lines(path) for path in folder.rglob("*") if path.suffix in _CODE}
    return Deployable(
        name,
        sum(count for path, count in lines.items() if path.suffix == ".py"),
        sum(lines.values()),
        statistics.median(start_s for start_s, _ in starts),
        statistics.median(mib for _, mib in starts),
    )


def _lines(path: Path) -> int:
    return sum(1 for line in path.read_text(encoding="utf-8").splitlines() if line.strip())


def _start(module: str, environment: dict[str, str]) -> tuple[float, float]:
    port = machine.free_port()
    env = {name: value for name, value in os.environ.items() if not name.startswith("BANYAN_")}
    env |= environment | {"BANYAN_PORT": str(port)}
    with tempfile.TemporaryFile() as said:
        began = time.monotonic()
        with subprocess.Popen(  # ruff: ignore[subprocess-without-shell-equals-true] — our own
            [machine.python(), "-m", module], stdout=said, stderr=said, env=env, cwd=_CHECKOUT
        ) as process:
            try:
                while not _is_ready(port):
                    if process.poll() is not None or time.monotonic() > began + READY_WITHIN_S:
                        said.seek(0)
                        raise SystemExit(f"{module} does not start:\n{said.read()[-2000:]!r}")
                    time.sleep(0.01)
                start_s = time.monotonic() - began
                time.sleep(SETTLED_AFTER_S)
                return start_s, meter.resident_mib(process.pid)
            finally:
                process.terminate()


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return int(answer.status) == 200
    except (URLError, OSError):
        return False


def _ask(stack: Stack, population: Population, wanted: Wanted, many: int) -> Round:
    many = int(many * wanted.share)
    asks = [wanted.ask(population) for _ in range(many + WARM_UP)]
    host, port = stack.host_of(wanted.domain)
    warm = uvloop.run(crowd.ask(host, port, asks[:WARM_UP], CONNECTIONS))
    groups = _groups(stack, wanted.domain)
    began = meter.Meter(groups)
    answers = uvloop.run(crowd.ask(host, port, asks[WARM_UP:], CONNECTIONS))
    time.sleep(0.1)  # what others hear of it belongs to it
    cpu = began.read(groups)
    for status, body in zip(warm.statuses + answers.statuses, warm.bodies + answers.bodies, strict=True):
        if status >= 400:
            raise SystemExit(f"{stack.side}, {wanted.name}: {status} {body[:400]!r}")
    latencies = sorted(answers.latencies_s)
    return Round(
        percentile(latencies, 0.5) * 1e3,
        percentile(latencies, 0.99) * 1e3,
        *(cpu[part] / many * 1e3 for part in ("process", "postgres", "others")),
    )


def _groups(stack: Stack, domain: str) -> dict[str, list[int]]:
    pids = stack.pids()
    process, postgres = pids.pop(stack.process_of(domain)), pids.pop("postgres")
    return {
        "process": process,
        "postgres": postgres,
        "others": [pid for each in pids.values() for pid in each],
    }


def _print(
    console: Console, deployables: Sequence[Deployable], measured: dict[str, dict[Side, list[Round]]]
) -> None:
    table = Table(title=f"Each by itself; medians of {STARTS} starts", caption="Lines that are not empty.")
    table.add_column("deployable")
    for column in ("lines of Python", "with SQL, pages, scripts", "start to ready, s", "RSS idle, MiB"):
        table.add_column(column, justify="right")
    for each in deployables:
        table.add_row(
            each.name,
            f"{each.python_lines:,}",
            f"{each.lines:,}",
            f"{each.start_s:.2f}",
            f"{each.idle_mib:.0f}",
        )
    console.print(table)
    table = Table(
        title=f"The same requests and data, {CONNECTIONS} connections, at the deployable; service | legacy",
        caption="CPU in ms per request. All: process, PostgreSQL, and the rest of the stack meanwhile. "
        f"Load of the machine: {machine.load_average():.1f}.",
    )
    table.add_column("request", no_wrap=True)
    for column in ("p50 ms", "p99 ms", "process", "PostgreSQL", "all", "ratio of all"):
        table.add_column(column, justify="right")
    for name, sides in measured.items():
        service, legacy = sides["service"], sides["legacy"]
        table.add_row(
            name,
            *(f"{_median(service, part)} | {_median(legacy, part)}" for part in _PARTS),
            f"{_all(service):.2f} | {_all(legacy):.2f}",
            f"{_all(service) / _all(legacy):.2f}",
        )
    console.print(table)


_PARTS: Final = ("p50_ms", "p99_ms", "process_ms", "postgres_ms")


def _median(rounds: Sequence[Round], part: str) -> str:
    return f"{statistics.median(getattr(each, part) for each in rounds):.2f}"


def _all(rounds: Sequence[Round]) -> float:
    return statistics.median(each.process_ms + each.postgres_ms + each.others_ms for each in rounds)
