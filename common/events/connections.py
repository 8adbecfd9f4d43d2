"""The connections that relay and consumer have for themselves."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import asyncpg
from redis.exceptions import RedisError

from common.database import open_connection

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from common.database import Connection

Redis: TypeAlias = Any
"""A redis.asyncio.Redis that answers bytes, which its types cannot say."""

PASSING: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, RedisError, TimeoutError)
"""What happens when a database or Redis is away for a while."""

STANDBY_S: Final = 1.0


@asynccontextmanager
async def connected(dsn: str, application_name: str) -> AsyncGenerator[Connection, None]:
    """A connection that holds session locks for as long as the block runs, and not a moment longer."""
    connection = await open_connection(dsn, application_name=application_name)
    try:
        yield connection
    finally:
        connection.terminate()


async def stand_by(connection: Connection, lock: int) -> None:
    """Wait for one's turn; polls, so that nobody's wait shows as a lock that holds up migrations."""
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", lock):  # ruff: ignore[async-busy-wait] — see above
        await asyncio.sleep(STANDBY_S)
