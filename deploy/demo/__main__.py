"""`python -m deploy.demo --if-empty`: what the local stack runs at its first start."""

from __future__ import annotations

import asyncio
import os
import sys

from common.config import ConfigError, ConfigReader
from deploy.demo.fill import fill


def main() -> int:
    """Fill the database that the environment names; answers the exit code."""
    read = ConfigReader(os.environ)
    dsn, qr_keys_file = read.url("DATABASE_URL"), read.path("QR_KEYS_FILE")
    try:
        read.done()
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    filled = asyncio.run(fill(dsn, qr_keys_file, only_if_empty="--if-empty" in sys.argv[1:]))
    if filled.companies:
        print(
            f"made {filled.companies} companies, {filled.departures} departures, {filled.bookings} bookings"
        )
    else:
        print("there is data already: nothing made")
    return 0


if __name__ == "__main__":
    sys.exit(main())
