"""`python -m loadtests.pools --host URL --out FILE`: gather pools, with progress as JSON lines on stderr."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

import orjson

from deploy.demo import LOGINS, PASSWORD
from loadtests.pools.document import PoolsError, save
from loadtests.pools.gathering import Order, gather


def main() -> None:
    args = _arguments()
    order = Order(args.host, args.people, args.seed, args.admin_email, args.admin_password, PASSWORD)
    try:
        save(asyncio.run(gather(order, _progress, _say)), args.out)
    except* PoolsError as group:
        raise SystemExit(_first(group)) from None


def _arguments() -> argparse.Namespace:
    _, email, password = LOGINS[-1]
    parser = argparse.ArgumentParser(prog="python -m loadtests.pools", description="Gather pools.")
    parser.add_argument("--host", required=True, help="the site, as in http://localhost:8080")
    parser.add_argument("--people", type=int, default=100, help="so many passengers (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed chooses the same (%(default)s)")
    parser.add_argument("--admin-email", default=email, help="who may list users (%(default)s)")
    parser.add_argument("--admin-password", default=password, help="(the demo's)")
    parser.add_argument("--out", type=Path, required=True, help="the file to write")
    return parser.parse_args()


def _progress(done: int, of: int) -> None:
    _line({"done": done, "of": of})


def _say(text: str) -> None:
    _line({"note": text})


def _line(content: dict[str, object]) -> None:
    sys.stderr.write(orjson.dumps(content).decode() + "\n")


def _first(group: BaseExceptionGroup[PoolsError]) -> str:
    """Many tasks may have met the same thing; one line tells it."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error).replace("\n", " ")


if __name__ == "__main__":
    main()
