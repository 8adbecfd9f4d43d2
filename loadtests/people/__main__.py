"""`python -m loadtests.people --host URL --pools FILE --out FILE`: a crowd for a while, without a web UI."""

from __future__ import annotations

# Locust patches the standard library at its import, which comes first for that reason.
import locust  # ruff: ignore[unused-import]  # isort: skip

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import gevent
import orjson
from locust.env import Environment

from loadtests.people.cast import Cast
from loadtests.people.inspector import Inspector
from loadtests.people.operator import Operator
from loadtests.people.passenger import Passenger
from loadtests.people.person import Visitor
from loadtests.people.record import Record
from loadtests.pools import PoolsError, load

THINK_FACTOR = 0.1
"""A run of a minute is not long enough for people who think as long as people do."""


def main() -> None:
    args = _arguments()
    try:
        pools = load(args.pools)
    except PoolsError as error:
        raise SystemExit(str(error)) from None
    Visitor.cast = Cast(pools, seed=args.seed, think_factor=args.think_factor)
    _divide(args.users)
    environment = Environment(user_classes=[Passenger, Inspector, Operator], host=args.host)
    record = Record(environment)
    runner = environment.create_local_runner()
    runner.start(args.users, spawn_rate=max(1.0, args.users / max(args.warm / 2, 1)))
    _wait(args.warm, 0, args.warm + args.seconds)
    record.begin(Visitor.cast)
    _wait(args.seconds, args.warm, args.warm + args.seconds)
    record.give_up(Visitor.cast, time.time())
    document = record.document(Visitor.cast, args.seconds)
    runner.quit()
    args.out.write_bytes(orjson.dumps(document))
    errors = [str(each["msg"]) for each in runner.exceptions.values()]
    if errors:
        raise SystemExit(f"the people themselves failed: {errors[0]}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtests.people", description="A crowd at the site.")
    parser.add_argument("--host", required=True, help="the site, as in http://localhost:8080")
    parser.add_argument("--pools", type=Path, required=True, help="what `python -m loadtests.pools` wrote")
    parser.add_argument("--users", type=int, default=100, help="people at a time (%(default)s)")
    parser.add_argument("--seconds", type=float, default=60, help="that count (%(default)s)")
    parser.add_argument(
        "--warm", type=float, default=10, help="seconds before, in which they come (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same deeds (%(default)s)")
    parser.add_argument(
        "--think-factor", type=float, default=THINK_FACTOR, help="of real people's think times (%(default)s)"
    )
    parser.add_argument("--out", type=Path, required=True, help="the file to write")
    return parser.parse_args()


def _divide(users: int) -> None:
    """As many of each kind as their weights say, and one of each in the smallest crowd."""
    kinds: list[type[Visitor]] = [Inspector, Operator]
    whole = Passenger.weight + sum(kind.weight for kind in kinds)
    for kind in kinds:
        kind.fixed_count = max(1, round(users * kind.weight / whole))


def _wait(seconds: float, done: float, of: float) -> None:
    """Tell every second how far it is."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        gevent.sleep(min(1.0, left))
        here: dict[str, Any] = {
            "done": round(done + seconds - max(0.0, until - time.monotonic()), 1),
            "of": of,
        }
        sys.stderr.write(orjson.dumps(here).decode() + "\n")


if __name__ == "__main__":
    main()
