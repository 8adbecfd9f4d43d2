"""`python -m strangler proxy | migrate | …`: the only place that reads the environment.

`proxy` serves; `migrate` brings `db_strangler` up to date; everything else is the command line that steers.
"""

# ruff: file-ignore[import-outside-top-level] — each verb loads only what it needs

import asyncio
import os
import socket
import sys
from pathlib import Path

from common.config import ConfigError, ConfigReader
from common.logs import configure_logging


def main(arguments: list[str]) -> int:
    """Run one command; returns the exit code."""
    verb = arguments[0] if arguments else ""
    try:
        if verb == "proxy":
            return _proxy()
        if verb == "proxy-worker":
            return _proxy_worker(int(arguments[1]), int(arguments[2]))
        if verb == "migrate":
            return _migrate()
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    from strangler.cli.app import app

    app()
    return 0


def _proxy() -> int:
    from strangler.config import ProxyConfig
    from strangler.proxy.supervisor import Supervisor
    from strangler.routing.table import RouteTableError, load_table

    config = ProxyConfig.from_env(os.environ)
    configure_logging(config.log_level, config.log_format, "strangler")
    try:
        table = load_table(config.routes_file)
        supervisor = Supervisor(config)
        supervisor.warn_of_upstreams_without_routes(table.domains)
        asyncio.run(supervisor.run())
    except RouteTableError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"The strangler cannot listen on {config.host}: {error}\n")
        return 1
    return 0


def _proxy_worker(listener_fd: int, control_fd: int) -> int:
    import uvloop

    from strangler.config import ProxyConfig
    from strangler.proxy.worker import run_worker

    config = ProxyConfig.from_env(os.environ)
    configure_logging(config.log_level, config.log_format, "strangler")
    uvloop.run(run_worker(config, socket.socket(fileno=listener_fd), socket.socket(fileno=control_fd)))
    return 0


def _migrate() -> int:
    from common.migrations import MigrationError, migrate

    read = ConfigReader(os.environ)
    dsn = read.url(
        "DATABASE_URL", schemes=("postgresql", "postgres"), example="postgresql://localhost/db_strangler"
    )
    read.done()
    try:
        done = asyncio.run(migrate(dsn, Path(__file__).with_name("migrations"), component="strangler"))
    except MigrationError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("".join(f"{name}\n" for name in done) or "Nothing to do.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
