"""The servers that all other tests stand on."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
import redis


async def _value(dsn: str, query: str) -> Any:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_a_fresh_database_is_empty_and_has_the_extensions(fresh_database):
    tables = await _value(
        fresh_database, "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
    )
    extensions = await _value(fresh_database, "SELECT array_agg(extname::text) FROM pg_extension")
    assert tables == 0
    assert {"btree_gist", "citext", "pg_trgm"} <= set(extensions)


async def test_the_tests_role_is_not_a_superuser(fresh_database):
    assert await _value(fresh_database, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False


async def test_a_template_is_built_once_and_its_copies_are_independent(clone_database):
    built = []

    async def build(dsn: str) -> None:
        built.append(dsn)
        connection = await asyncpg.connect(dsn)
        await connection.execute("CREATE TABLE seats (number int); INSERT INTO seats VALUES (1)")
        await connection.close()

    one = await clone_database("seats", build)
    other = await clone_database("seats", build)
    await _value(one, "INSERT INTO seats VALUES (2) RETURNING 1")
    assert len(built) <= 1
    assert await _value(one, "SELECT count(*) FROM seats") == 2
    assert await _value(other, "SELECT count(*) FROM seats") == 1


async def test_a_template_whose_building_failed_is_built_anew(clone_database, worker_id):
    async def fail(dsn: str) -> None:
        await asyncio.sleep(0)
        raise RuntimeError("the migration has a fault")

    async def build(dsn: str) -> None:
        await _value(dsn, "SELECT 1")

    name = f"faulty_{worker_id}"
    with pytest.raises(RuntimeError, match="fault"):
        await clone_database(name, fail)
    assert urlsplit(await clone_database(name, build)).path.startswith("/test_")


def test_redis_is_empty_at_the_start_of_a_test(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("left", "behind")


def test_redis_forgets_what_the_test_before_left(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        assert client.get("left") is None
