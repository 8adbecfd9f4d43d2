from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import asyncpg
import pytest
from aiohttp import web

from common.database import POOL, check_pool, open_pool, pool_ctx, retry_serialization, transaction
from common.problems import problem_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def pool(fresh_database: str) -> AsyncIterator[asyncpg.Pool]:
    pool = await open_pool(fresh_database, min_size=1, max_size=4, application_name="tests")
    yield pool
    await pool.close()


@pytest.mark.parametrize(
    "value",
    [{"a": [1, 2.5, None, True, "आशा"]}, [], "text", 5, None, {"nested": {"id": "x"}}, {"price": "4.50"}],
)
async def test_jsonb_comes_back_as_the_value_that_went_in(pool: asyncpg.Pool, value: Any):
    assert await pool.fetchval("SELECT $1::jsonb", value if value is not None else None) == value
    assert await pool.fetchval("SELECT jsonb_build_object('v', $1::jsonb)", value) == {"v": value}


async def test_what_python_has_and_json_has_not_is_written_as_text(pool: asyncpg.Pool):
    identifier, moment = uuid4(), datetime(2030, 1, 1, tzinfo=UTC)
    stored = await pool.fetchval(
        "SELECT $1::jsonb", {"id": identifier, "at": moment, "fare": Decimal("4.50")}
    )
    assert stored == {"id": str(identifier), "at": "2030-01-01T00:00:00+00:00", "fare": "4.50"}


async def test_an_id_that_was_read_can_be_written_into_jsonb(pool: asyncpg.Pool):
    identifier = await pool.fetchval("SELECT gen_random_uuid()")
    assert await pool.fetchval("SELECT $1::jsonb", {"id": identifier}) == {"id": str(identifier)}


async def test_json_is_decoded_too(pool: asyncpg.Pool):
    assert await pool.fetchval("SELECT json_build_object('a', 1)") == {"a": 1}
    assert await pool.fetchval("SELECT $1::json", {"a": 1}) == {"a": 1}


async def test_connections_are_kept_however_long_nobody_needs_them(pool: asyncpg.Pool, monkeypatch):
    async with pool.acquire(), pool.acquire(), pool.acquire():
        assert pool.get_size() == 3
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "time", lambda: time.monotonic() + 24 * 3600)
    for _ in range(3):  # what is due is done in the first turn
        await asyncio.sleep(0)
    assert pool.get_size() == pool.get_idle_size() == 3


async def test_numbers_stay_decimal_and_instants_aware(pool: asyncpg.Pool):
    row = await pool.fetchrow(
        "SELECT 450.10::numeric(10,2) AS fare, '2030-01-01 00:00+05:30'::timestamptz AS at"
    )
    assert (row["fare"], type(row["fare"])) == (Decimal("450.10"), Decimal)
    assert row["at"] == datetime(2029, 12, 31, 18, 30, tzinfo=UTC)
    assert await pool.fetchval("SHOW timezone") == "UTC"


async def test_a_transaction_commits_at_its_end_and_rolls_back_at_an_error(pool: asyncpg.Pool):
    await pool.execute("CREATE TABLE t (n int)")
    async with transaction(pool) as connection:
        await connection.execute("INSERT INTO t VALUES (1)")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await insert_and_fail(pool)
    assert await pool.fetchval("SELECT array_agg(n) FROM t") == [1]


async def insert_and_fail(pool: asyncpg.Pool) -> None:
    async with transaction(pool) as connection:
        await connection.execute("INSERT INTO t VALUES (2)")
        await connection.execute("SELECT 1 / 0")


async def test_isolation_and_readonly_are_passed_on(pool: asyncpg.Pool):
    async with transaction(pool, "repeatable_read", readonly=True) as connection:
        assert await connection.fetchval("SHOW transaction_isolation") == "repeatable read"
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await connection.execute("CREATE TABLE x ()")


async def test_work_that_could_not_be_serialized_is_done_again(pool: asyncpg.Pool):
    await pool.execute("CREATE TABLE t AS SELECT 0 AS n")
    both_have_read = asyncio.Barrier(2)
    attempts = 0

    async def increase() -> None:
        nonlocal attempts
        attempts += 1
        first_try = attempts <= 2
        async with transaction(pool, "repeatable_read") as connection:
            number = await connection.fetchval("SELECT n FROM t")
            if first_try:
                await both_have_read.wait()
            await connection.execute("UPDATE t SET n = $1", number + 1)

    await asyncio.gather(retry_serialization(increase), retry_serialization(increase))
    assert await pool.fetchval("SELECT n FROM t") == 2
    assert attempts == 3


async def test_a_statement_that_takes_too_long_is_ended_and_means_try_again(fresh_database: str):
    pool = await open_pool(fresh_database, min_size=1, max_size=1, statement_timeout_s=0.05)
    with pytest.raises(asyncpg.QueryCanceledError) as slow:
        await pool.fetchval("SELECT pg_sleep(10)")
    problem = problem_of(slow.value)
    assert problem is not None
    assert problem.status == 503
    assert await pool.fetchval("SELECT 1") == 1
    await pool.close()


async def test_a_pool_that_is_exhausted_says_so_in_time(pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("common.database.ACQUIRE_TIMEOUT_S", 0.05)
    held = [await pool.acquire() for _ in range(4)]
    with pytest.raises(TimeoutError):
        async with transaction(pool):
            pass
    for connection in held:
        await pool.release(connection)


async def test_a_pool_belongs_to_the_life_of_its_application(fresh_database: str, aiohttp_client: Any):
    app = web.Application()
    app.cleanup_ctx.append(pool_ctx(fresh_database, max_size=2, application_name="legacy"))
    client = await aiohttp_client(app)
    await check_pool(app)
    assert await app[POOL].fetchval("SHOW application_name") == "legacy"
    await client.close()
    with pytest.raises(asyncpg.InterfaceError) as closed:
        await check_pool(app)
    problem = problem_of(closed.value)
    assert problem is not None
    assert problem.status == 503


async def test_a_fence_means_421(pool: asyncpg.Pool):
    await pool.execute(
        """
        CREATE TABLE bookings (id int);
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'bookings are fenced' USING ERRCODE = 'BY421'; END $$;
        CREATE TRIGGER fence BEFORE INSERT ON bookings FOR EACH ROW EXECUTE FUNCTION refuse();
        """
    )
    with pytest.raises(asyncpg.PostgresError) as refused:
        await pool.execute("INSERT INTO bookings VALUES (1)")
    problem = problem_of(refused.value)
    assert problem is not None
    assert (problem.status, problem.slug) == (421, "wrong-side")
