"""`python -m deploy.demo --if-empty`: what the local stack runs at its first start."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys

from common.config import ConfigError
from deploy.demo.fill import fill
from deploy.demo.settings import settings_of


def main() -> int:
    """Fill the databases that the environment names; answers the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.demo", description="Four demo companies.")
    parser.add_argument("--if-empty", action="store_true", help="not a site with companies of its own")
    parser.add_argument("--side", choices=("legacy", "service", "both"), default="both",
                        help="whose databases (%(default)s)")  # fmt: skip
    arguments = parser.parse_args()
    try:
        settings = settings_of(os.environ, arguments.side)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    filled = asyncio.run(fill(settings.databases, settings.qr_keys_file, only_if_empty=arguments.if_empty))
    made = filled.made
    if made.companies:
        print(f"made {made.companies} companies, {made.departures} departures, {made.bookings} bookings")
    else:
        print("there is data already: nothing made")
    return 0


if __name__ == "__main__":
    sys.exit(main())
