"""The strangler as it is run: a supervisor, worker processes, real upstreams, a real Redis."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp

from strangler.routing.snapshot import FlagTable
from strangler.routing.store import connect, replace
from tests.proxy.edge import Client

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

ROOT = Path(__file__).parents[2]
START_WITHIN_S = 30.0
ROUTES = """
[domains.things]
groups = ["things"]
routes = [
  { route = "GET /things/{id}", read = ["things"] },
  { route = "POST /things", write = "things" },
  { route = "GET /slow", read = [] },
  { route = "GET /download", read = [] },
  { route = "POST /upload", write = "things", max_body = "1 GiB", timeout_s = 60 },
]
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def until(condition: Callable[[], Any], within_s: float = START_WITHIN_S) -> None:
    """Wait until the condition, plain or awaitable, holds."""
    async with asyncio.timeout(within_s):
        while True:
            found = condition()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return
            await asyncio.sleep(0.02)


async def listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


@dataclass
class Application:
    name: str
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    async def start(self) -> None:
        command = [sys.executable, "-m", "tests.proxy.application", str(self.port), self.name]
        self.process = subprocess.Popen(command, cwd=ROOT)
        await until(lambda: listens(self.port))

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@dataclass
class Strangler:
    port: int
    admin_port: int
    process: subprocess.Popen[bytes]
    redis_url: str
    log: Path
    applications: dict[str, Application]
    session: aiohttp.ClientSession
    stack: contextlib.AsyncExitStack
    version: int = 1

    async def admin(self, path: str) -> tuple[int, str]:
        async with self.session.get(f"http://127.0.0.1:{self.admin_port}{path}") as response:
            return response.status, await response.text()

    async def health(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((await self.admin("/healthz"))[1])
        return document

    async def worker_pids(self) -> list[int]:
        return [worker["pid"] for worker in (await self.health())["workers"]]

    async def is_ready(self) -> bool:
        try:
            return (await self.admin("/readyz"))[0] == 200
        except aiohttp.ClientError:
            return False

    async def client(self) -> Client:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
        client = Client(reader, writer)
        self.stack.push_async_callback(client.close)
        return client

    async def set_flags(self, **flags: Any) -> None:
        """`set_flags(**{"GET /x": {…}})`: announce, and wait until all workers see it."""
        await self.announce(flags)
        await until(self._all_see_it)

    async def announce(self, flags: dict[str, Any]) -> None:
        self.version += 1
        stored = {route: json.dumps(flag).encode() for route, flag in flags.items()}
        redis = connect(self.redis_url)
        try:
            table = FlagTable(self.version, "test", stored)
            await replace(redis, table, announcement={"version": self.version}, force=True)
        finally:
            await redis.aclose()

    async def _all_see_it(self) -> bool:
        workers = (await self.health())["workers"]
        return all(worker["flags"]["version"] == self.version for worker in workers)

    def access_log(self) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line for line in lines if line.get("event") == "request"]

    def stop(self, within_s: float = 20.0) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within_s)


@asynccontextmanager
async def running(
    folder: Path, redis_url: str, applications: dict[str, Application], *, workers: int = 2, **env: str
) -> AsyncGenerator[Strangler]:
    """A strangler of its own before two applications, `legacy` and `service`: those that run, or new ones."""
    routes = folder / "routes.toml"
    routes.write_text(ROUTES, encoding="utf-8")
    log = folder / "log.jsonl"
    async with contextlib.AsyncExitStack() as stack:
        for name in ("legacy", "service"):
            if name not in applications or not applications[name].runs:
                applications[name] = Application(name)
                await applications[name].start()
        port, admin_port = free_port(), free_port()
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "strangler", "proxy"],
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={
                    "PATH": os.environ["PATH"],
                    "BANYAN_PORT": str(port),
                    "BANYAN_ADMIN_PORT": str(admin_port),
                    "BANYAN_WORKERS": str(workers),
                    "BANYAN_REDIS_URL": redis_url,
                    "BANYAN_STATE_DIR": str(folder / "state"),
                    "BANYAN_ROUTES_FILE": str(routes),
                    "BANYAN_UPSTREAM_LEGACY": f"http://127.0.0.1:{applications['legacy'].port}",
                    "BANYAN_UPSTREAM_THINGS": f"http://127.0.0.1:{applications['service'].port}",
                    **{f"BANYAN_{name}": value for name, value in env.items()},
                },
            )
        stack.callback(end, process)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        strangler = Strangler(port, admin_port, process, redis_url, log, applications, session, stack)
        await strangler.announce({})
        try:
            await until(strangler.is_ready)
        except TimeoutError:
            raise AssertionError(log.read_text()) from None
        yield strangler


def end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
