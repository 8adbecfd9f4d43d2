"""Databases for tests on the one server of a test run: empty ones, and copies of a template built once."""

from __future__ import annotations

import asyncio
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from deploy.local.databases import prepare_template

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

ROLE: Final = "banyan_test"
_PASSWORD: Final = "test"


class Administrator:
    """The superuser's one connection of a worker, on a loop of its own: a test's loop ends with the test."""

    def __init__(self, dsn: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="administrator", daemon=True)
        self._thread.start()
        self._turn = asyncio.Lock()
        self._connection = asyncio.run_coroutine_threadsafe(asyncpg.connect(dsn), self._loop).result()

    async def execute(self, statement: str) -> None:
        """Run a statement outside any transaction; may be asked from any loop."""
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._run(statement), self._loop))

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._connection.close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _run(self, statement: str) -> None:
        async with self._turn:
            await self._connection.execute(statement)


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """`admin_dsn` is the superuser's; databases belong to an ordinary role, which rules of privilege bind."""

    admin_dsn: str
    administrator: Administrator
    _known: set[str] = field(default_factory=set, repr=False)
    """Templates that there are, as far as this worker knows."""

    def dsn(self, database: str) -> str:
        parts = urlsplit(self.admin_dsn)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, f"{ROLE}:{_PASSWORD}@{host}", f"/{database}", "", ""))

    async def create(self, template: str = "template1") -> str:
        """A new database; answers its DSN.

        Without fsync, copying the files takes a third of what it takes to write the pages to the log, and
        the checkpoints that go with it have little to write.
        """
        name = f"test_{secrets.token_hex(6)}"
        await self.administrator.execute(
            f'CREATE DATABASE {name} OWNER {ROLE} TEMPLATE "{template}" STRATEGY file_copy'
        )
        return self.dsn(name)

    async def drop(self, dsn: str) -> None:
        """Gone, with whatever is connected to it."""
        await self.administrator.execute(f"DROP DATABASE IF EXISTS {urlsplit(dsn).path[1:]} WITH (FORCE)")

    async def clone(self, template: str, build: Callable[[str], Awaitable[object]]) -> str:
        """A copy of the template, which `build` fills when nobody has yet; answers the copy's DSN."""
        name = f"template_{template}"
        if name not in self._known:
            await self._make_template(name, build)
            self._known.add(name)
        return await self.create(name)

    async def _make_template(self, name: str, build: Callable[[str], Awaitable[object]]) -> None:
        connection = await asyncpg.connect(self.admin_dsn)
        try:
            # One worker builds, the others wait here and then find it.
            await connection.execute("SELECT pg_advisory_lock(hashtext($1))", name)
            if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
                return
            half_done = f"building_{name}"
            await connection.execute(f'DROP DATABASE IF EXISTS "{half_done}" WITH (FORCE)')
            await connection.execute(f'CREATE DATABASE "{half_done}" OWNER {ROLE}')
            await build(self.dsn(half_done))
            await connection.execute(f'ALTER DATABASE "{half_done}" RENAME TO "{name}"')
        finally:
            await connection.close()


async def prepare(admin_dsn: str) -> None:
    """Extensions for every database to come, and the tests' role."""
    await prepare_template(admin_dsn)
    connection = await asyncpg.connect(admin_dsn)
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", ROLE):
            # Each connection is asked to stretch the password as often as was done when it was set.
            await connection.execute("SET scram_iterations = 1")
            await connection.execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{_PASSWORD}'")
    finally:
        await connection.close()


def wait_for(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run it to its end from a synchronous fixture, away from whatever loop pytest-asyncio has here."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()
