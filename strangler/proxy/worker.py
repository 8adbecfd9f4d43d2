"""One worker process: its connections, its clock, and how it ends.

It listens on a socket that the supervisor opened and keeps, so that nothing is lost in a socket's queue when
a worker is replaced. On SIGTERM, or when the supervisor is gone, it stops accepting, lets idle clients come
back once more for a moment (each answer then says `Connection: close`), finishes what runs, and is gone by
the deadline.
"""

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from time import perf_counter
from typing import Any, Final

import orjson
import structlog

from strangler.config import ProxyConfig
from strangler.proxy.access_log import AccessLog
from strangler.proxy.client import ClientConnection
from strangler.proxy.pool import Pool
from strangler.proxy.switchboard import Switchboard
from strangler.routing.table import load_table
from strangler.routing.watcher import FlagWatcher

TICK_S: Final = 0.1
CLIENTS_EVERY_TICKS: Final = 10
GRACE_S: Final = 0.5
"""How long idle clients are kept once draining begins: a request that is on its way still gets its answer."""
BACKLOG: Final = 2048

_log: Final = structlog.get_logger("worker")


async def run_worker(config: ProxyConfig, listener: socket.socket, control: socket.socket) -> None:
    """Serve until SIGTERM or until the supervisor's end of `control` is closed, then drain."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        table = load_table(config.routes_file)
        watcher = await stack.enter_async_context(
            FlagWatcher(table=table, redis_url=config.redis_url, state_dir=config.state_dir)
        )
        board = await stack.enter_async_context(serving(config, watcher, table.routes, table.home))
        server = await loop.create_server(lambda: ClientConnection(board), sock=listener, backlog=BACKLOG)
        reader, writer = await asyncio.open_unix_connection(sock=control)
        stack.callback(writer.close)
        reports = asyncio.create_task(_answer_supervisor(reader, writer, board, watcher, stop))
        # What lives now lives for good: the collector need not look at it again. Exchanges leave no cycles
        # behind.
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 50, 100)
        writer.write(b'{"ready":true}\n')
        await stop.wait()
        server.close()
        await drain(board)
        reports.cancel()


@asynccontextmanager
async def serving(
    config: ProxyConfig, live: Any, routes: Any, home: str | None = None
) -> AsyncGenerator[Switchboard, None]:
    """A switchboard with its pools, log and clock, for as long as the block lasts."""
    log = None
    if config.access_log:
        for_people = config.log_format == "text"
        log = AccessLog(sys.stdout.fileno(), sample=config.access_log_sample, for_people=for_people)
    pools = {
        name: Pool(name, urls, config.limits, config.timeouts)
        for name, urls in config.upstreams.items()
        if urls
    }
    board = Switchboard(config, live, routes, pools, log, home)
    clock = asyncio.create_task(_tick(board))
    try:
        yield board
    finally:
        clock.cancel()
        for client in tuple(board.clients):
            client.transport.abort()
        for pool in pools.values():
            await pool.close()
        if log is not None:
            await asyncio.to_thread(log.close)


async def drain(board: Switchboard) -> None:
    """Finish what runs, within `drain_s`."""
    board.draining = True
    deadline = perf_counter() + board.timeouts.drain_s
    await asyncio.sleep(min(GRACE_S, board.timeouts.drain_s))
    while board.clients and perf_counter() < deadline:
        board.drain()
        await asyncio.sleep(TICK_S / 2)
    if board.clients:
        _log.warning("drain deadline passed", clients=len(board.clients), in_flight=len(board.in_flight))


async def _tick(board: Switchboard) -> None:
    count = 0
    while True:
        await asyncio.sleep(TICK_S)
        now = perf_counter()
        try:
            board.tick(now)
            count += 1
            if count % CLIENTS_EVERY_TICKS == 0:
                board.tick_clients(now)
        except Exception:  # ruff: ignore[blind-except] — the clock must go on: all deadlines hang on it
            _log.exception("tick failed")


async def _answer_supervisor(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    board: Switchboard,
    watcher: FlagWatcher,
    stop: asyncio.Event,
) -> None:
    while await reader.readline():
        writer.write(orjson.dumps(report(board, watcher.state)) + b"\n")
    stop.set()  # the supervisor is gone


def report(board: Switchboard, flags: dict[str, Any]) -> dict[str, Any]:
    """What `/metrics` and `/healthz` are made of."""
    return {
        "pid": os.getpid(),
        "draining": board.draining,
        "clients": len(board.clients),
        "in_flight": len(board.in_flight),
        "log_lines_lost": 0 if board.log is None else board.log.lost,
        "flags": flags,
        "upstreams": {
            name: [
                {
                    "address": address.label.decode(),
                    "state": address.health.state,
                    "busy": address.busy,
                    "idle": len(address.idle),
                }
                for address in pool.addresses
            ]
            for name, pool in board.pools.items()
        },
        "cells": board.report(),
    }
