"""Forward-only migrations: plain SQL files, an advisory lock and checksums.

A folder holds ``NNNN_pre_name.sql`` (runs before the new code, with which the old code must still work) and
``NNNN_post_name.sql`` (runs once only new code is left), numbered without gaps. Each file runs in a
transaction of its own together with its entry in ``banyan.migrations``; a file whose header says ``--
banyan: no-transaction`` holds one statement that cannot (CREATE INDEX CONCURRENTLY). A file that has run is
never edited: that is an error here.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import asyncpg

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from common.database import Connection


Phase: TypeAlias = Literal["all", "pre", "post"]

NO_TRANSACTION: Final = "-- banyan: no-transaction"
_FILE_NAME: Final = re.compile(r"(\d{4})_(pre|post)_([a-z0-9_]+)\.sql")
_LOCK: Final = 0x62616E79616E  # "banyan"
_LOCK_POLL_S: Final = 0.05


class MigrationError(Exception):
    """The folder and the database do not fit together, or a file failed."""


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    phase: str
    name: str
    sql: str
    checksum: str

    @property
    def in_transaction(self) -> bool:
        return not any(line.strip() == NO_TRANSACTION for line in self.sql.splitlines()[:5])


def read_folder(folder: Path) -> list[Migration]:
    """All migrations of a folder in order; raises `MigrationError` for a bad name or a gap."""
    if not folder.is_dir():
        raise MigrationError(f"{folder} is not a folder")
    found = []
    for path in sorted(folder.glob("*.sql")):
        match = _FILE_NAME.fullmatch(path.name)
        if match is None:
            raise MigrationError(f"{path.name}: a migration is named NNNN_pre_name.sql or NNNN_post_name.sql")
        content = path.read_bytes().replace(b"\r\n", b"\n")
        number, phase, _ = match.groups()
        checksum = hashlib.sha256(content).hexdigest()
        found.append(Migration(int(number), phase, path.stem, content.decode(), checksum))
    for expected, migration in enumerate(found, start=1):
        if migration.number != expected:
            raise MigrationError(f"{migration.name}: the number {expected:04d} comes next in {folder}")
    return found


async def migrate(dsn: str, folder: Path, *, phase: Phase = "all", component: str = "app") -> list[str]:
    """Run what has not run yet and return its names.

    Phase ``pre`` stops before the first ``post`` file that is due, ``post`` wants every ``pre`` file before
    it to have run. Two folders may share a database under different `component` names.
    """
    migrations = await asyncio.to_thread(read_folder, folder)
    connection = await asyncpg.connect(
        dsn, server_settings={"application_name": f"banyan-migrate-{component}"}
    )
    try:
        async with _only_one(connection):
            await _make_ledger(connection)
            done = await _read_ledger(connection, component)
            pending = _select(_pending(migrations, done), phase)
            for migration in pending:
                await _apply(connection, migration, component)
    finally:
        await connection.close()
    return [migration.name for migration in pending]


def _pending(migrations: list[Migration], done: dict[int, tuple[str, str]]) -> list[Migration]:
    known = {migration.number: migration for migration in migrations}
    for number, (name, checksum) in sorted(done.items()):
        migration = known.get(number)
        if migration is None:
            raise MigrationError(
                f"{name} has run in this database but is not in the folder: this code is older"
            )
        if migration.checksum != checksum:
            raise MigrationError(
                f"{migration.name} was changed after it had run as {name}; write a new migration"
            )
    missing = [number for number in range(1, max(done, default=0)) if number not in done]
    if missing:
        raise MigrationError(f"the database has run migration {max(done):04d} but not {missing[0]:04d}")
    return [migration for migration in migrations if migration.number not in done]


def _select(pending: list[Migration], phase: Phase) -> list[Migration]:
    if phase == "all":
        return pending
    other = next((i for i, migration in enumerate(pending) if migration.phase != phase), len(pending))
    if phase == "post" and other == 0 and pending:
        raise MigrationError(f"{pending[0].name} must run first, in phase pre")
    late = next((migration for migration in pending[other:] if migration.phase == phase), None)
    if phase == "pre" and late is not None:
        raise MigrationError(f"{late.name} cannot run before {pending[other].name}, which is of phase post")
    return pending[:other]


@asynccontextmanager
async def _only_one(connection: Connection) -> AsyncGenerator[None, None]:
    # Polls, because a session that waits in pg_advisory_lock holds a snapshot, which CREATE INDEX
    # CONCURRENTLY in the session that has the lock would wait for: a deadlock.
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):  # ruff: ignore[async-busy-wait] — see above
        await asyncio.sleep(_LOCK_POLL_S)
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)


async def _make_ledger(connection: Connection) -> None:
    # Asked first: a role that may not create schemas can still run migrations where this exists.
    if await connection.fetchval("SELECT to_regclass('banyan.migrations') IS NOT NULL"):
        return
    if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'banyan')"):
        await connection.execute("CREATE SCHEMA banyan")
    await connection.execute(
        """
        CREATE TABLE banyan.migrations (
            component text NOT NULL,
            number integer NOT NULL,
            name text NOT NULL,
            checksum text NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            PRIMARY KEY (component, number)
        )
        """
    )


async def _read_ledger(connection: Connection, component: str) -> dict[int, tuple[str, str]]:
    rows = await connection.fetch(
        "SELECT number, name, checksum FROM banyan.migrations WHERE component = $1", component
    )
    return {row["number"]: (row["name"], row["checksum"]) for row in rows}


async def _apply(connection: Connection, migration: Migration, component: str) -> None:
    around = connection.transaction() if migration.in_transaction else nullcontext()
    try:
        async with around:
            await connection.execute(migration.sql)
            await _record(connection, migration, component)
    except asyncpg.PostgresError as error:
        line = _line_of(migration.sql, getattr(error, "position", None))
        detail = f" ({error.detail})" if getattr(error, "detail", None) else ""
        raise MigrationError(f"{migration.name}{line}: {error}{detail}") from error


async def _record(connection: Connection, migration: Migration, component: str) -> None:
    await connection.execute(
        "INSERT INTO banyan.migrations (component, number, name, checksum) VALUES ($1, $2, $3, $4)",
        component,
        migration.number,
        migration.name,
        migration.checksum,
    )


def _line_of(sql: str, position: str | None) -> str:
    return f", line {sql.count(chr(10), 0, int(position) - 1) + 1}" if position else ""
