"""PostgreSQL: one pool per deployable, and transactions.

A pooled connection is handed on as it is: nothing that outlives a transaction may be done to its session. Use
``SET LOCAL`` and ``pg_advisory_xact_lock``; a LISTEN or a session lock needs a connection of its own.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias, TypeVar
from uuid import UUID

import asyncpg
import orjson
from aiohttp import web

Connection: TypeAlias = Any
"""What `transaction` yields: an ``asyncpg.Connection`` or the pool's proxy of one, which asyncpg does not
type.
"""

Pool: TypeAlias = asyncpg.Pool
Isolation: TypeAlias = Literal["read_committed", "repeatable_read", "serializable"]

POOL: Final = web.AppKey("pool", asyncpg.Pool)

ACQUIRE_TIMEOUT_S: Final = 5.0
_JSONB_VERSION: Final = b"\x01"
_SESSION: Final[Mapping[str, str]] = {
    "timezone": "UTC",
    "jit": "off",  # its compilation costs more than these short queries take
    # Between two machines something may forget a connection that says nothing for minutes.
    "tcp_keepalives_idle": "60",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}

_Result = TypeVar("_Result")


def _plain(value: object) -> str:
    if isinstance(value, Decimal | UUID):  # asyncpg's UUID is a subclass, which orjson does not take for one
        return str(value)
    raise TypeError(f"{type(value).__name__} does not go into jsonb")


def _encode_jsonb(value: Any) -> bytes:
    return _JSONB_VERSION + orjson.dumps(value, default=_plain)


def _decode_jsonb(value: bytes) -> Any:
    return orjson.loads(memoryview(value)[1:])


async def _prepare(connection: Connection) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", format="binary", encoder=_encode_jsonb, decoder=_decode_jsonb
    )
    await connection.set_type_codec(
        "json",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: orjson.dumps(value, default=_plain),
        decoder=orjson.loads,
    )


async def _hand_on(_connection: Connection) -> None:
    """Skip asyncpg's RESET ALL, a round trip per use; asyncpg has ended any transaction by itself."""


async def open_pool(
    dsn: str,
    *,
    min_size: int = 2,
    max_size: int = 10,
    application_name: str = "banyan",
    statement_timeout_s: float = 30,
    idle_in_transaction_timeout_s: float = 30,
) -> Pool:
    """Connect; jsonb is Python values both ways, numeric as Decimal, timestamptz as aware UTC datetimes."""
    pool = asyncpg.create_pool(
        dsn,
        min_size=min_size,
        max_size=max_size,
        init=_prepare,
        reset=_hand_on,
        timeout=ACQUIRE_TIMEOUT_S,
        command_timeout=statement_timeout_s + 5,  # the server speaks first; this is for one that is gone
        max_cached_statement_lifetime=0,
        statement_cache_size=512,
        # What was opened stays, though few ask for it now: to open another costs what sixty queries do.
        max_inactive_connection_lifetime=0,
        server_settings={
            "application_name": application_name,
            "statement_timeout": str(int(statement_timeout_s * 1000)),
            "idle_in_transaction_session_timeout": str(int(idle_in_transaction_timeout_s * 1000)),
            **_SESSION,
        },
    )
    return await pool


async def open_connection(dsn: str, *, application_name: str, **settings: str) -> Connection:
    """One connection of one's own, for session locks; values are as with `open_pool`.

    `settings` are PostgreSQL's, for its session.
    """
    connection = await asyncpg.connect(
        dsn,
        timeout=ACQUIRE_TIMEOUT_S,
        max_cached_statement_lifetime=0,
        server_settings={"application_name": application_name, **_SESSION, **settings},
    )
    await _prepare(connection)
    return connection


@asynccontextmanager
async def transaction(
    pool: Pool, isolation: Isolation = "read_committed", *, readonly: bool = False
) -> AsyncGenerator[Connection, None]:
    """A connection in a transaction that commits at the end of the block, or rolls back at an error.

    Raises TimeoutError if no connection is free within `ACQUIRE_TIMEOUT_S`.
    """
    async with (
        pool.acquire(timeout=ACQUIRE_TIMEOUT_S) as connection,
        connection.transaction(isolation=isolation, readonly=readonly),
    ):
        yield connection


async def retry_serialization(work: Callable[[], Awaitable[_Result]], *, attempts: int = 5) -> _Result:
    """Run `work`, which opens its own transaction, again when PostgreSQL asks for that (40001, 40P01)."""
    for attempt in range(1, attempts):
        try:
            return await work()
        except (asyncpg.SerializationError, asyncpg.DeadlockDetectedError):
            await asyncio.sleep(random.uniform(0, 0.01 * 2**attempt))  # ruff: ignore[suspicious-non-cryptographic-random-usage] — spreads retries, guards nothing
    return await work()


def pool_ctx(
    dsn: str, *, min_size: int = 2, max_size: int = 10, application_name: str = "banyan"
) -> Callable[[web.Application], AsyncIterator[None]]:
    """For ``app.cleanup_ctx``: the pool is ``app[POOL]`` from start-up to shutdown."""

    async def pool_of_app(app: web.Application) -> AsyncIterator[None]:
        pool = await open_pool(dsn, min_size=min_size, max_size=max_size, application_name=application_name)
        app[POOL] = pool
        yield
        try:
            await asyncio.wait_for(pool.close(), timeout=10)
        except TimeoutError:
            pool.terminate()

    return pool_of_app


async def check_pool(app: web.Application) -> None:
    """A readiness check: the database answers a query."""
    await app[POOL].fetchval("SELECT 1")
