"""Runs an application until it is told to stop: uvloop, a clear word about a taken port, a drain."""

import asyncio
import errno
import signal
import socket
import sys
from typing import Final

import structlog
import uvloop
from aiohttp import web

from common.health import READINESS

# Longer than any proxy in front keeps an idle connection: who closes first must be the one who would send a
# request, or a request meets a connection that is just being closed.
KEEPALIVE_S: Final = 75.0
SHUTDOWN_TIMEOUT_S: Final = 20.0
# The edge decides how large headers may be; what it lets pass must not be refused here in a form of its own.
LARGEST_HEADER: Final = 65536
EXIT_PORT_TAKEN: Final = 98  # EADDRINUSE, so that a runner can tell it from a crash

_log: Final = structlog.get_logger("server")


def serve(
    app: web.Application,
    host: str,
    port: int,
    *,
    reuse_port: bool = False,
    shutdown_timeout_s: float = SHUTDOWN_TIMEOUT_S,
    drain_delay_s: float = 0,
) -> None:
    """Serve until SIGTERM or SIGINT; ends the process with `EXIT_PORT_TAKEN` if the address is in use.

    On the signal /readyz turns 503; `drain_delay_s` later (so that a balancer sees it) no new connection is
    taken, and requests that are being worked on have `shutdown_timeout_s` to end.
    """
    try:
        listener = listen(host, port, reuse_port=reuse_port)
    except OSError as error:
        if error.errno not in {errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL}:
            raise
        _log.error("cannot listen", host=host, port=port, reason=error.strerror)
        reason = (
            "is taken by another process"
            if error.errno == errno.EADDRINUSE
            else f"cannot be used: {error.strerror}"
        )
        sys.stderr.write(f"{host}:{port} {reason}\n")
        raise SystemExit(EXIT_PORT_TAKEN) from None
    uvloop.run(_serve(app, listener, shutdown_timeout_s, drain_delay_s))


def listen(host: str, port: int, *, reuse_port: bool = False) -> socket.socket:
    """A bound socket; taken before the application starts, so that a taken port costs nothing."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((host, port))
    except BaseException:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


async def _serve(
    app: web.Application, listener: socket.socket, shutdown_timeout_s: float, drain_delay_s: float
) -> None:
    told_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told_to_stop.set)
    runner = web.AppRunner(
        app,
        access_log=None,
        keepalive_timeout=KEEPALIVE_S,
        shutdown_timeout=shutdown_timeout_s,
        max_line_size=LARGEST_HEADER,
        max_field_size=LARGEST_HEADER,
        # A packed body is never unpacked; where it is read, it is refused: `wire.require_plain`.
        auto_decompress=False,
    )
    await runner.setup()
    try:
        await web.SockSite(runner, listener, backlog=1024).start()
        host, port = listener.getsockname()[:2]
        _log.info("ready", host=host, port=port)
        await told_to_stop.wait()
        _log.info("stopping")
        readiness = app.get(READINESS)
        if readiness is not None:
            readiness.draining = True
        await asyncio.sleep(drain_delay_s)
    finally:
        await runner.cleanup()
        listener.close()
    _log.info("stopped")
