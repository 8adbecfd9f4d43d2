"""`python -m services.qr [serve|migrate]`: reads the environment and runs qr-service."""

# ruff: file-ignore[import-outside-top-level] — each verb loads only what it needs

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path
from typing import Final

from common.config import ConfigError
from common.logs import configure_logging
from services.qr.config import Config

MIGRATIONS: Final = Path(__file__).with_name("migrations")


def main() -> int:
    """Run the command that was asked for; answers the exit code."""
    parser = argparse.ArgumentParser(prog="python -m services.qr", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("serve", help="answer requests (the default)")
    commands.add_parser("migrate", help="bring the database's schema up to date")
    arguments = parser.parse_args()

    try:
        config = Config.from_env(os.environ)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    configure_logging(config.log_level, config.log_format, "qr-service")

    if arguments.command == "migrate":
        return _migrate(config)
    return _serve(config)


def _serve(config: Config) -> int:
    from common.server import serve
    from services.qr.app import create_app

    serve(create_app(config), config.host, config.port)
    return 0


def _migrate(config: Config) -> int:
    from common.install import migrate_service

    for name in asyncio.run(migrate_service(config.database_url, MIGRATIONS)):
        print(f"applied {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
