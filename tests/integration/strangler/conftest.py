"""The flag table on a real Valkey and a real PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import strangler
from common.migrations import migrate
from strangler.routing import records, store
from tests.integration.strangler.servers import PrivateValkey

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from redis.asyncio import Redis

    from tests.conftest import CloneDatabase

MIGRATIONS = Path(strangler.__file__).with_name("migrations")


@pytest.fixture
async def database(clone_database: CloneDatabase) -> str:
    """The address of a fresh `db_strangler`."""
    dsn = await clone_database("strangler", lambda made: migrate(made, MIGRATIONS, component="strangler"))
    connection = await records.connect(dsn)
    await connection.execute(
        "UPDATE flag_table SET lineage = gen_random_uuid()"
    )  # a copy is another database
    await connection.close()
    return dsn


@pytest.fixture
async def connection(database: str) -> AsyncIterator[Any]:
    made = await records.connect(database)
    yield made
    await made.close()


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = store.connect(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
async def valkey() -> AsyncIterator[PrivateValkey]:
    """A running server that the test may do anything to."""
    server = PrivateValkey()
    await server.start()
    yield server
    server.remove()
