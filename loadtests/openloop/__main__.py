"""`python -m loadtests.openloop steps|route|journey`: requests at rates of their own.

Progress goes to stderr as JSON lines; stdout says when the counted window begins and ends, so that whoever
started this reads the CPU of processes just then.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson
import uvloop

from loadtests.openloop.cast import CannotAskError, Cast
from loadtests.openloop.lines import MOST, Lines
from loadtests.openloop.route import measure_route, result_of
from loadtests.openloop.routes import ROUTES
from loadtests.openloop.window import Listener, Plan
from loadtests.pools import PoolsError, load

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def main() -> None:
    args = _arguments()
    try:
        result = uvloop.run(_with_cast(args, args.run))
    except (CannotAskError, PoolsError) as error:
        raise SystemExit(str(error).replace("\n", " ")) from None
    if args.out is not None:
        args.out.write_bytes(orjson.dumps(result))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m loadtests.openloop", description="Requests at fixed rates."
    )
    commands = parser.add_subparsers(required=True, metavar="steps|route|journey")
    route = commands.add_parser("route", help="one route at a fixed rate")
    route.add_argument(
        "--route", required=True, choices=ROUTES, metavar="ROUTE", help='as in "GET /api/search"'
    )
    route.set_defaults(run=_route)
    for command in (route,):
        command.add_argument("--rate", type=float, required=True, help="so many a second")
    for command in (route,):
        command.add_argument("--host", required=True, help="the site, as in http://localhost:8080")
        command.add_argument(
            "--pools", type=Path, required=True, help="what `python -m loadtests.pools` gathered"
        )
        command.add_argument("--seconds", type=float, default=10.0, help="that count (%(default)s)")
        command.add_argument("--warm", type=float, default=2.0, help="seconds before them (%(default)s)")
        command.add_argument("--seed", type=int, default=1, help="the same seed asks the same (%(default)s)")
        command.add_argument(
            "--spacing", choices=("poisson", "even"), default="poisson", help="(%(default)s)"
        )
        command.add_argument("--connections", type=int, default=MOST, help="at the most (%(default)s)")
        command.add_argument("--out", type=Path, help="the file to write the result to, as JSON")
    return parser.parse_args()


async def _with_cast(
    args: argparse.Namespace, run: Callable[[Cast, argparse.Namespace], Awaitable[Any]]
) -> Any:
    site = urlsplit(args.host)
    if site.scheme != "http" or site.hostname is None:
        raise CannotAskError(f"{args.host} is no address that starts with http://")
    lines = Lines(site.hostname, site.port or 80, most=args.connections)
    try:
        return await run(Cast(load(args.pools), lines, args.seed), args)
    finally:
        await lines.close()


async def _route(cast: Cast, args: argparse.Namespace) -> Any:
    plan = Plan(args.rate, args.seconds, args.warm, args.seed, args.spacing)
    return result_of(args.route, await measure_route(cast, ROUTES[args.route], plan, _listener()))


def _listener() -> Listener:
    return Listener(
        began=lambda: print("measuring", flush=True),
        ended=lambda: print("measured", flush=True),
        progress=_progress,
    )


def _progress(done: int, of: int) -> None:
    sys.stderr.write(orjson.dumps({"done": done, "of": of}).decode() + "\n")


if __name__ == "__main__":
    main()
