"""What a command works with: the declared routes, Redis and the strangler's database, opened when needed."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
from redis.asyncio import Redis

from strangler.cli.output import NOT_UNDERSTOOD, CannotDo
from strangler.cli.settings import Settings
from strangler.routing import records, store
from strangler.routing.records import Connection
from strangler.routing.restoring import REDIS_AWAY
from strangler.routing.snapshot import Snapshot, compile_snapshot, default_snapshot
from strangler.routing.table import RouteTable


@dataclass(frozen=True, slots=True)
class Shown:
    """The flags as well as they can be known, and what is not as it should be."""

    snapshot: Snapshot
    origin: str
    trouble: str | None


@asynccontextmanager
async def open_redis(settings: Settings) -> AsyncGenerator[Redis, None]:
    if not settings.redis_url:
        raise _not_told("BANYAN_REDIS_URL", "redis://localhost:6379/0")
    redis = store.connect(settings.redis_url)
    try:
        yield redis
    finally:
        await redis.aclose()


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncGenerator[Connection, None]:
    if not settings.database_url:
        raise _not_told("BANYAN_DATABASE_URL", "postgresql://localhost/db_strangler")
    connection = await records.connect(settings.database_url)
    try:
        yield connection
    finally:
        await connection.close(timeout=2)


async def load_flags(settings: Settings, table: RouteTable) -> Shown:
    """From Redis, else from the record, else nothing but the defaults: looking never fails."""
    trouble = "BANYAN_REDIS_URL is not set"
    if settings.redis_url:
        try:
            async with open_redis(settings) as redis:
                stored = await store.read_table(redis)
        except (*REDIS_AWAY, store.StoreUnreadable) as error:
            trouble = f"Redis does not answer: {error}"
        else:
            if stored is not None:
                return Shown(compile_snapshot(table, stored, "redis", None), "redis", None)
            trouble = "Redis holds no flag table"
    if settings.database_url:
        try:
            async with open_database(settings) as connection:
                recorded = await records.load_table(connection)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            return Shown(
                default_snapshot(table), "defaults", f"{trouble}, and the record cannot be read: {error}"
            )
        if trouble == "Redis holds no flag table" and recorded.version == 0:
            return Shown(compile_snapshot(table, recorded, "defaults", None), "record", None)
        return Shown(compile_snapshot(table, recorded, "defaults", None), "record", trouble)
    return Shown(default_snapshot(table), "defaults", trouble)


def _not_told(variable: str, example: str) -> CannotDo:
    return CannotDo(
        f"{variable} is not set (for example {example}), and no stack of this checkout runs.",
        "Start the stack, which is then found by itself: make run",
        NOT_UNDERSTOOD,
    )
