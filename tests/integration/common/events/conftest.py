"""A source and a listener, each with a database of its own, and Redis between them."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
import redis.asyncio as redis

from common.database import Pool, open_pool
from common.events.consumer import Consumer
from common.events.event import Change, Event, Handler, Message
from common.events.relay import Relay
from common.ids import uuid7
from common.install import migrate_service

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

PATIENCE_S = 20


def translate(change: Change) -> Message | None:
    if change.row is None:
        return Message("shop.thing.removed", change.key, {"id": change.key})
    if change.row["secret"]:
        return None
    told = "whispered" if change.row["name"].startswith("whisper") else "changed"  # which no window wants
    return Message(f"shop.thing.{told}", change.key, {name: change.row[name] for name in ("id", "name")})


async def until(condition: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not await condition():
        assert time.monotonic() < deadline, f"{what} did not come"
        await asyncio.sleep(0.01)


@dataclass
class Shop:
    """Sells things, and tells of them."""

    dsn: str
    pool: Pool
    redis_url: str

    async def put(self, name: str, *, secret: bool = False) -> UUID:
        thing = uuid7()
        await self.pool.execute("INSERT INTO things VALUES ($1, $2, $3)", thing, name, secret)
        return thing

    async def rename(self, thing: UUID, name: str) -> None:
        await self.pool.execute("UPDATE things SET name = $2 WHERE id = $1", thing, name)

    async def names(self) -> dict[UUID, str]:
        rows = await self.pool.fetch("SELECT id, name FROM things WHERE NOT secret")
        return {row["id"]: row["name"] for row in rows}

    @asynccontextmanager
    async def relaying(self) -> AsyncGenerator[Relay]:
        async with redis.Redis.from_url(self.redis_url, protocol=2) as client:
            relay = Relay(self.dsn, client, "shop", translate)
            async with running(relay.run()):
                yield relay


@dataclass
class Window:
    """Shows the shop's things."""

    dsn: str
    pool: Pool
    redis_url: str
    refused: set[str] = field(default_factory=set)
    """Names that cannot be applied."""
    applied: list[Event] = field(default_factory=list)
    woken: list[str] = field(default_factory=list)

    async def names(self) -> dict[UUID, str]:
        rows = await self.pool.fetch("SELECT id, name FROM shown WHERE name IS NOT NULL")
        return {row["id"]: row["name"] for row in rows}

    async def show(self, conn: Any, events: list[Event]) -> None:
        for event in events:
            if event.data.get("name") in self.refused:
                raise ValueError(event.data["name"])
            await conn.execute(
                """
                INSERT INTO shown (id, name, source_seq) VALUES ($1, $2, $3)
                ON CONFLICT (id) DO UPDATE SET name = excluded.name, source_seq = excluded.source_seq
                WHERE shown.source_seq < excluded.source_seq
                """,
                UUID(event.subject),
                event.data.get("name"),
                event.seq,
            )
            await conn.execute("INSERT INTO told VALUES ($1)", event.seq)
        self.applied += events

    @asynccontextmanager
    async def listening(self) -> AsyncGenerator[Consumer]:
        async with redis.Redis.from_url(self.redis_url, protocol=2) as client:
            consumer = Consumer(
                self.dsn,
                client,
                "window",
                [Handler(("shop.thing.changed", "shop.thing.removed"), self.show, ("dress",))],
                woken=self.woken.append,
                wrote=lambda: None,
                noted=lambda _source, _seconds: None,
            )
            async with running(consumer.run()):
                yield consumer

    async def shows_what(self, shop: Shop) -> None:
        async def is_so() -> bool:
            return await self.names() == await shop.names()

        await until(is_so, "what the shop has")


@asynccontextmanager
async def running(work: Any) -> AsyncGenerator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        while not task.done():  # as the application does: before Python 3.12 a cancellation may be lost
            task.cancel()
            await asyncio.wait([task], timeout=0.25)
        with suppress(asyncio.CancelledError):
            await task


async def _build(dsn: str, tmp_path: Any, sql: str) -> Pool:
    folder = tmp_path / sql.split()[2]
    folder.mkdir()
    (folder / "0001_pre_create.sql").write_text(sql)
    await migrate_service(dsn, folder)
    return await open_pool(dsn, min_size=1, max_size=5)


@pytest.fixture
async def shop(clone_database, redis_url, tmp_path):
    dsn = await clone_database("nothing", _nothing)
    sql = (
        "CREATE TABLE things (id uuid PRIMARY KEY, name text NOT NULL, secret boolean NOT NULL);"
        "SELECT banyan.capture('things', 'things');"
    )
    pool = await _build(dsn, tmp_path, sql)
    yield Shop(dsn, pool, redis_url)
    await pool.close()


@pytest.fixture
async def window(clone_database, redis_url, tmp_path):
    dsn = await clone_database("nothing", _nothing)
    sql = (
        "CREATE TABLE shown (id uuid PRIMARY KEY, name text, source_seq bigint NOT NULL);"
        "CREATE TABLE told (seq bigint NOT NULL);"
    )
    pool = await _build(dsn, tmp_path, sql)
    yield Window(dsn, pool, redis_url)
    await pool.close()


@pytest.fixture
async def wire(redis_url):
    async with redis.Redis.from_url(redis_url, protocol=2) as client:
        yield client


async def _nothing(_dsn: str) -> None:
    pass
