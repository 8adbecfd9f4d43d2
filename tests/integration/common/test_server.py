from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import aiohttp
import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PROGRAM = """
import asyncio, os, sys
from aiohttp import web
from common.health import add_health
from common.logs import configure_logging
from common.server import serve

async def slow(request):
    print("entered", flush=True)
    await asyncio.sleep(float(request.query["s"]))
    return web.Response(text="done")

app = web.Application()
app.router.add_get("/slow", slow)
add_health(app, {})
configure_logging("info", "json", "test")
port, drain_s, timeout_s = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
serve(app, "127.0.0.1", port, drain_delay_s=drain_s, shutdown_timeout_s=timeout_s)
"""

Started = tuple[asyncio.subprocess.Process, int]
Start = "Callable[..., Awaitable[Started]]"


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    processes: list[asyncio.subprocess.Process] = []

    async def start(port: int = 0, drain_s: float = 0, timeout_s: float = 5) -> Started:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", "-c", PROGRAM, str(port), str(drain_s), str(timeout_s)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": "."},
        )
        processes.append(process)
        line = await line_with(process, "ready") if port == 0 else ""
        return process, int(re.findall(r'"port":(\d+)', line)[0]) if line else port

    yield start
    for process in processes:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def line_with(process: asyncio.subprocess.Process, word: str) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(20):
        async for line in process.stdout:
            if word in line.decode():
                return line.decode()
    raise AssertionError(f"the process ended without saying {word!r}")


async def test_a_request_in_flight_is_answered_before_the_end(start: Start):
    process, port = await start()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        asked = asyncio.create_task(session.get("/slow?s=0.3"))
        await line_with(process, "entered")
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            assert await (await asked).text() == "done"
            assert await process.wait() == 0


async def test_a_request_that_does_not_end_is_left_behind_in_time(start: Start):
    process, port = await start(timeout_s=0.2)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        asked = asyncio.create_task(session.get("/slow?s=60"))
        await line_with(process, "entered")
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(10):
            assert await process.wait() == 0
        with pytest.raises(aiohttp.ClientError):
            await asked


async def test_while_draining_it_is_not_ready_but_serves(start: Start):
    process, port = await start(drain_s=20)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        assert (await session.get("/readyz")).status == 200
        process.send_signal(signal.SIGTERM)
        await line_with(process, "stopping")
        async with asyncio.timeout(5):
            assert (await session.get("/readyz")).status == 503
            assert (await session.get("/healthz")).status == 200


async def test_a_taken_port_is_a_clear_error(start: Start):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process, _ = await start(port)
        _, error = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 98
    assert f"127.0.0.1:{port} is taken by another process" in error.decode()
    assert "Traceback" not in error.decode()
