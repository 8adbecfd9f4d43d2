"""`python -m loadtests.openloop steps|route|journey|attend`: requests at rates of their own.

Progress goes to stderr as JSON lines; stdout says when the counted window begins and ends, so that whoever
started this reads the CPU of processes just then.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson
import uvloop
from rich.console import Console

from loadtests.openloop.attendant import Attendant, attend
from loadtests.openloop.cast import CannotAskError, Cast
from loadtests.openloop.journey import measure_journeys
from loadtests.openloop.lines import MOST, Lines
from loadtests.openloop.route import measure_route, result_of
from loadtests.openloop.routes import ROUTES
from loadtests.openloop.steps import WHAT, measure_steps, table_of
from loadtests.openloop.window import Listener, Plan
from loadtests.pools import PoolsError, load

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable


def main() -> None:
    args = _arguments()
    _come_first()
    try:
        result = uvloop.run(args.run(args) if args.run is _attend else _with_cast(args, args.run))
    except (CannotAskError, PoolsError) as error:
        raise SystemExit(str(error).replace("\n", " ")) from None
    if args.out is not None:
        args.out.write_bytes(orjson.dumps(result))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m loadtests.openloop", description="Requests at rates of their own."
    )
    commands = parser.add_subparsers(required=True, metavar="steps|route|journey|attend")
    steps = commands.add_parser("steps", help="one rate after the other, up to the knee")
    steps.add_argument("--what", required=True, choices=WHAT)
    steps.add_argument("--rates", type=_rates, default=None, help="50,100,200 or auto (which climbs)")
    steps.add_argument("--json", action="store_true", help="the result on stdout instead of a table")
    steps.set_defaults(run=_steps)
    route = commands.add_parser("route", help="one route at a fixed rate")
    route.add_argument(
        "--route", required=True, choices=ROUTES, metavar="ROUTE", help="as in 'GET /api/search'"
    )
    route.set_defaults(run=_route)
    journey = commands.add_parser("journey", help="the booking journey at a fixed rate")
    journey.set_defaults(run=_journey)
    for command in (route, journey):
        command.add_argument("--rate", type=float, required=True, help="so many a second")
    for command in (steps, route, journey):
        _add_common(command)
    attending = commands.add_parser("attend", help="for programs: orders on stdin, one after the other")
    attending.set_defaults(run=_attend, out=None)
    for command in (steps, route, journey, attending):
        _add_site(command)
    return parser.parse_args()


def _add_common(command: argparse.ArgumentParser) -> None:
    command.add_argument("--pools", type=Path, required=True, help="what `python -m loadtests.pools` wrote")
    command.add_argument("--seconds", type=float, default=5.0, help="that count (%(default)s)")
    command.add_argument("--warm", type=float, default=1.0, help="seconds before them (%(default)s)")
    command.add_argument(
        "--spacing", choices=("poisson", "even"), default="poisson", help="of arrivals (%(default)s)"
    )
    command.add_argument("--out", type=Path, help="the file to write the result to, as JSON")


def _add_site(command: argparse.ArgumentParser) -> None:
    command.add_argument("--host", required=True, help="the site, as in http://localhost:8080")
    command.add_argument("--seed", type=int, default=1, help="the same seed asks the same (%(default)s)")
    command.add_argument("--connections", type=int, default=MOST, help="at the most (%(default)s)")


def _rates(text: str) -> list[float] | None:
    return None if text == "auto" else [float(each) for each in text.split(",")]


async def _with_cast(
    args: argparse.Namespace, run: Callable[[Cast, argparse.Namespace], Awaitable[Any]]
) -> Any:
    async with _lines(args) as lines:
        return await run(Cast(load(args.pools), lines, args.seed, args.warm + args.seconds), args)


async def _attend(args: argparse.Namespace) -> None:
    async with _lines(args) as lines:
        await attend(Attendant(lines, args.seed, LISTENER, _note))


@contextlib.asynccontextmanager
async def _lines(args: argparse.Namespace) -> AsyncGenerator[Lines]:
    site = urlsplit(args.host)
    if site.scheme != "http" or site.hostname is None:
        raise CannotAskError(f"{args.host} is no address that starts with http://")
    lines = Lines(site.hostname, site.port or 80, most=args.connections)
    try:
        yield lines
    finally:
        await lines.close()


async def _route(cast: Cast, args: argparse.Namespace) -> Any:
    return result_of(
        args.route, await measure_route(cast, ROUTES[args.route], _plan(args, args.rate), LISTENER)
    )


async def _journey(cast: Cast, args: argparse.Namespace) -> Any:
    return await measure_journeys(cast, _plan(args, args.rate), LISTENER)


async def _steps(cast: Cast, args: argparse.Namespace) -> Any:
    steps = await measure_steps(cast, args.what, _plan(args, 0.0), args.rates, LISTENER, _note)
    rows = [step.row() for step in steps]
    if args.json:
        print(orjson.dumps(rows).decode())
    else:
        Console(width=None if sys.stdout.isatty() else 120).print(table_of(steps))
    return rows


def _come_first() -> None:
    """Be woken before what is measured, on the same cores, where that is allowed: people are elsewhere."""
    with contextlib.suppress(PermissionError):
        os.nice(-10)


def _plan(args: argparse.Namespace, rate_per_s: float) -> Plan:
    return Plan(rate_per_s, args.seconds, args.warm, args.seed, args.spacing)


def _progress(done: int, of: int) -> None:
    _tell({"done": done, "of": of})


def _note(text: str) -> None:
    _tell({"note": text})


def _tell(content: dict[str, Any]) -> None:
    sys.stderr.write(orjson.dumps(content).decode() + "\n")


LISTENER = Listener(
    began=lambda: print("measuring", flush=True),
    ended=lambda: print("measured", flush=True),
    progress=_progress,
)


if __name__ == "__main__":
    main()
