from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg
import pytest

from common.migrations import MigrationError, migrate, read_folder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def database(fresh_database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(fresh_database)
    yield connection
    await connection.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "0001_pre_create_t.sql", "CREATE TABLE t (n int); INSERT INTO t VALUES (1);")
    write(tmp_path, "0002_post_drop_n.sql", "ALTER TABLE t ADD m int;")
    return tmp_path


def write(folder: Path, name: str, sql: str) -> None:
    (folder / name).write_text(sql, encoding="utf-8")


async def test_every_file_runs_once_and_in_order(
    fresh_database: str, database: asyncpg.Connection, folder: Path
):
    assert await migrate(fresh_database, folder) == ["0001_pre_create_t", "0002_post_drop_n"]
    assert await migrate(fresh_database, folder) == []
    write(folder, "0003_pre_more.sql", "INSERT INTO t VALUES (2, 2);")
    assert await migrate(fresh_database, folder) == ["0003_pre_more"]
    assert await database.fetchval("SELECT count(*) FROM t") == 2


async def test_phases_wait_for_each_other(fresh_database: str, folder: Path):
    with pytest.raises(MigrationError, match="0001_pre_create_t must run first"):
        await migrate(fresh_database, folder, phase="post")
    assert await migrate(fresh_database, folder, phase="pre") == ["0001_pre_create_t"]
    assert await migrate(fresh_database, folder, phase="pre") == []
    write(folder, "0003_pre_more.sql", "SELECT 1")
    with pytest.raises(MigrationError, match="0003_pre_more cannot run before 0002_post_drop_n"):
        await migrate(fresh_database, folder, phase="pre")
    assert await migrate(fresh_database, folder, phase="post") == ["0002_post_drop_n"]
    assert await migrate(fresh_database, folder, phase="pre") == ["0003_pre_more"]


async def test_many_at_once_run_each_file_once(
    fresh_database: str, database: asyncpg.Connection, folder: Path
):
    results = await asyncio.gather(*(migrate(fresh_database, folder) for _ in range(6)))
    assert sorted(len(result) for result in results) == [0, 0, 0, 0, 0, 2]
    assert await database.fetchval("SELECT count(*) FROM t") == 1


async def test_a_file_that_fails_leaves_nothing_and_is_named_with_its_line(
    fresh_database: str, database: asyncpg.Connection, folder: Path
):
    write(folder, "0003_pre_bad.sql", "CREATE TABLE half (n int);\n\nCREATE TABLE oops (n nonsense);")
    with pytest.raises(MigrationError, match=r'0003_pre_bad, line 3: type "nonsense" does not exist'):
        await migrate(fresh_database, folder)
    assert await database.fetchval("SELECT to_regclass('half')") is None
    assert await database.fetchval("SELECT count(*) FROM banyan.migrations") == 2
    write(folder, "0003_pre_bad.sql", "CREATE TABLE half (n int);")
    assert await migrate(fresh_database, folder) == ["0003_pre_bad"]


async def test_a_file_that_was_changed_after_it_ran_is_an_error(fresh_database: str, folder: Path):
    await migrate(fresh_database, folder)
    write(folder, "0001_pre_create_t.sql", "CREATE TABLE t (n bigint);")
    with pytest.raises(MigrationError, match="0001_pre_create_t was changed"):
        await migrate(fresh_database, folder)


async def test_line_ends_of_another_system_are_no_change(fresh_database: str, folder: Path):
    write(folder, "0001_pre_create_t.sql", "CREATE TABLE t\n(n int);\n")
    await migrate(fresh_database, folder)
    (folder / "0001_pre_create_t.sql").write_bytes(b"CREATE TABLE t\r\n(n int);\r\n")
    assert await migrate(fresh_database, folder) == []


async def test_older_code_refuses_a_newer_database(fresh_database: str, folder: Path):
    await migrate(fresh_database, folder)
    (folder / "0002_post_drop_n.sql").unlink()
    with pytest.raises(MigrationError, match="this code is older"):
        await migrate(fresh_database, folder)


async def test_a_gap_in_what_the_database_has_run_is_an_error(
    fresh_database: str, database: asyncpg.Connection, folder: Path
):
    await migrate(fresh_database, folder)
    await database.execute("DELETE FROM banyan.migrations WHERE number = 1")
    with pytest.raises(MigrationError, match="has run migration 0002 but not 0001"):
        await migrate(fresh_database, folder)


async def test_an_index_can_be_built_without_a_transaction_while_others_wait(
    fresh_database: str, database: asyncpg.Connection, folder: Path
):
    sql = "-- banyan: no-transaction\nCREATE INDEX CONCURRENTLY t_n ON t (n);"
    write(folder, "0003_pre_index_t.sql", sql)
    async with asyncio.timeout(30):
        await asyncio.gather(*(migrate(fresh_database, folder) for _ in range(4)))
    assert await database.fetchval("SELECT indisvalid FROM pg_index WHERE indexrelid = 't_n'::regclass")


async def test_two_components_share_a_database(fresh_database: str, folder: Path, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    write(other, "0001_pre_other.sql", "CREATE TABLE other ()")
    await migrate(fresh_database, folder)
    assert await migrate(fresh_database, other, component="sync") == ["0001_pre_other"]
    assert await migrate(fresh_database, folder) == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("0002_pre_twice.sql", "0003 comes next"),
        ("0004_pre_gap.sql", "0003 comes next"),
        ("3_pre_short.sql", "is named NNNN_pre_name.sql"),
        ("0003_during_x.sql", "is named NNNN_pre_name.sql"),
        ("0003_pre_Name.sql", "is named NNNN_pre_name.sql"),
    ],
)
def test_a_folder_with_a_bad_name_or_number_is_refused(folder: Path, name: str, reason: str):
    write(folder, name, "SELECT 1")
    with pytest.raises(MigrationError, match=reason):
        read_folder(folder)


def test_a_missing_folder_is_named(tmp_path: Path):
    with pytest.raises(MigrationError, match="is not a folder"):
        read_folder(tmp_path / "none")
