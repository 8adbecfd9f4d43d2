"""`python -m legacy [serve|migrate|create-admin]`: reads the environment and runs the monolith."""

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
from legacy.config import Config

MIGRATIONS: Final = Path(__file__).with_name("migrations")


def main() -> int:
    """Run the command that was asked for; answers the exit code."""
    parser = argparse.ArgumentParser(prog="python -m legacy", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("serve", help="answer requests (the default)")
    commands.add_parser("migrate", help="bring the database's schema up to date")
    admin = commands.add_parser(
        "create-admin", help="make an admin; the password comes from BANYAN_ADMIN_PASSWORD"
    )
    admin.add_argument("--email", required=True)
    admin.add_argument("--name", default="Admin")
    arguments = parser.parse_args()

    try:
        config = Config.from_env(os.environ)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    configure_logging(config.log_level, config.log_format, "legacy")

    if arguments.command == "migrate":
        return _migrate(config)
    if arguments.command == "create-admin":
        return _create_admin(config, arguments.email, arguments.name)
    return _serve(config)


def _serve(config: Config) -> int:
    from common.server import serve
    from legacy.app import create_app

    serve(create_app(config), config.host, config.port)
    return 0


def _migrate(config: Config) -> int:
    from common.migrations import migrate

    for name in asyncio.run(migrate(config.database_url, MIGRATIONS)):
        print(f"applied {name}")
    return 0


def _create_admin(config: Config, email: str, name: str) -> int:
    from legacy.accounts import create_admin

    password = os.environ.get("BANYAN_ADMIN_PASSWORD", "")
    try:
        print(asyncio.run(create_admin(config.database_url, email, name, password)))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
