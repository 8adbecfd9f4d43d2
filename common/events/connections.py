"""The connections that relay and consumer have for themselves."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import asyncpg
from redis.exceptions import RedisError, ResponseError

from common.database import open_connection

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from common.database import Connection

Redis: TypeAlias = Any
"""A redis.asyncio.Redis that answers bytes, which its types cannot say."""

PASSING: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, RedisError, TimeoutError)
"""What happens when a database or Redis is away for a while."""

STANDBY_S: Final = 1.0
ANSWERED_WITHIN_S: Final = 5.0
SILENT_S: Final = 30.0
"""Whoever is in between may have hung up on a line that was silent for so long."""

Command: TypeAlias = "tuple[str | bytes | int, ...]"


@asynccontextmanager
async def connected(dsn: str, application_name: str) -> AsyncGenerator[Connection, None]:
    """A connection that holds session locks for as long as the block runs, and not a moment longer.

    It is asked the same few things again and again: they are planned once, whatever the values.
    """
    connection = await open_connection(
        dsn, application_name=application_name, plan_cache_mode="force_generic_plan"
    )
    try:
        yield connection
    finally:
        connection.terminate()


class Line:
    """A connection to Redis of one's own; commands go out together and are answered in one round trip.

    For what relay and consumer do at every turn: a pipeline, with its pool around it, costs twice as much.
    """

    def __init__(self, redis: Redis) -> None:
        pool = redis.connection_pool
        self._connection = pool.connection_class(**pool.connection_kwargs | {"socket_timeout": None})
        self._used_at = 0.0

    async def ask(self, commands: Sequence[Command]) -> list[Any]:
        """What each command is answered, as Redis says it; a refusal is an answer, too: a ResponseError.

        Raises what PASSING names if no answers come; the next call connects anew.
        """
        connection, now = self._connection, time.monotonic()
        if now - self._used_at > SILENT_S:
            await self.close()
        self._used_at = now
        try:
            async with asyncio.timeout(ANSWERED_WITHIN_S):
                await connection.send_packed_command(connection.pack_commands(commands))
                return [await self._answer() for _ in commands]
        except BaseException:
            await self.close()  # what is answered now would be taken for the answer to something else
            raise

    async def _answer(self) -> Any:
        try:
            return await self._connection.read_response()
        except ResponseError as refusal:
            return refusal

    async def close(self) -> None:
        await self._connection.disconnect(nowait=True)


@asynccontextmanager
async def line_to(redis: Redis) -> AsyncGenerator[Line, None]:
    line = Line(redis)
    try:
        yield line
    finally:
        await line.close()


def raise_refusal(answers: Sequence[Any]) -> None:
    """Raises the first answer that is one."""
    for answer in answers:
        if isinstance(answer, ResponseError):
            raise answer


async def stand_by(connection: Connection, lock: int) -> None:
    """Wait for one's turn; polls, so that nobody's wait shows as a lock that holds up migrations."""
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", lock):  # ruff: ignore[async-busy-wait] — see above
        await asyncio.sleep(STANDBY_S)
