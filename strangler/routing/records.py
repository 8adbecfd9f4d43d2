"""The durable copy of the flag table and the log of its changes: all SQL that concerns flags.

Whoever changes the table holds `only_writer` on a connection of its own from the first look to the last word
to Redis, so that versions reach Redis in the order in which they were recorded.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import asyncpg
import orjson

from strangler.routing.flags import Flag, FlagError, dump_flag, flag_document, read_flag
from strangler.routing.refusals import ChangeRefused
from strangler.routing.snapshot import FlagTable, Group, dump_group

Connection = Any  # asyncpg ships no types

_LOCK: Final = 0x666C616773  # "flags"
LOCK_WITHIN_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Record:
    """One line of the log: a route's flag before and after, as documents; None where there was none."""

    version: int
    route: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    who: str
    why: str
    at: datetime


async def connect(dsn: str, *, timeout_s: float = 5.0) -> Connection:
    """A connection to `db_strangler` of one's own; jsonb is JSON text."""
    return await asyncpg.connect(
        dsn, timeout=timeout_s, command_timeout=30, server_settings={"application_name": "banyan-flags"}
    )


@asynccontextmanager
async def only_writer(connection: Connection) -> AsyncGenerator[None, None]:
    """Raises `ChangeRefused` if somebody else is at it for too long.

    PostgreSQL lets go of the lock if this process dies.
    """
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK, timeout=LOCK_WITHIN_S)
    except TimeoutError:
        raise ChangeRefused(
            f"Somebody else has been changing flags for {LOCK_WITHIN_S:g} s.", "Try again."
        ) from None
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)


async def load_version(connection: Connection) -> tuple[int, str]:
    row = await connection.fetchrow("SELECT version, lineage FROM flag_table")
    return row["version"], str(row["lineage"])


async def load_table(connection: Connection) -> FlagTable:
    """The whole durable copy, at one moment."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        version, lineage = await load_version(connection)
        flags = await connection.fetch("SELECT route, value FROM flags")
        groups = await connection.fetch("SELECT name, owner, epoch FROM group_owners")
    return FlagTable(
        version,
        lineage,
        {row["route"]: _as_written(row["value"]) for row in flags},
        {row["name"]: orjson.dumps({"owner": row["owner"], "epoch": row["epoch"]}) for row in groups},
    )


async def record_changes(
    connection: Connection,
    version: int,
    changes: Mapping[str, tuple[Flag | None, Flag]],
    *,
    who: str,
    why: str,
) -> None:
    """Make a version of some routes' flags, (before, after) each, with its lines in the log."""
    async with connection.transaction():
        await set_version(connection, version)
        for route, (before, after) in changes.items():
            await connection.execute(
                """
                INSERT INTO flags (route, value, version) VALUES ($1, $2, $3)
                ON CONFLICT (route) DO UPDATE SET value = excluded.value, version = excluded.version
                """,
                route,
                _json(after),
                version,
            )
            await connection.execute(
                """
                INSERT INTO flag_changes (version, route, before, after, who, why)
                VALUES ($1, $2, $3, $4, $5, $6)
                """,
                version,
                route,
                _json(before),
                _json(after),
                who,
                why,
            )


async def record_placement(
    connection: Connection,
    version: int,
    flags: Mapping[str, tuple[Flag | None, Flag]],
    groups: Mapping[str, tuple[Group, Group]],
    *,
    who: str,
    why: str,
) -> None:
    """Make a version of some routes' flags and some groups' owners, (before, after) each, with its lines."""
    async with connection.transaction():
        await record_changes(connection, version, flags, who=who, why=why)
        for name, (before, after) in groups.items():
            await connection.execute(
                """
                INSERT INTO group_owners (name, owner, epoch, version) VALUES ($1, $2, $3, $4)
                ON CONFLICT (name) DO UPDATE
                SET owner = excluded.owner, epoch = excluded.epoch, version = excluded.version
                """,
                name,
                after.owner,
                after.epoch,
                version,
            )
            await connection.execute(
                """
                INSERT INTO flag_changes (version, route, before, after, who, why)
                VALUES ($1, $2, $3, $4, $5, $6)
                """,
                version,
                f"group {name}",
                dump_group(before).decode(),
                dump_group(after).decode(),
                who,
                why,
            )


async def set_version(connection: Connection, version: int) -> None:
    await connection.execute("UPDATE flag_table SET version = $1, changed_at = clock_timestamp()", version)


async def list_changes(connection: Connection, *, route: str | None = None, limit: int = 20) -> list[Record]:
    """The newest first."""
    rows = await connection.fetch(
        """
        SELECT version, route, before, after, who, why, at FROM flag_changes
        WHERE $1::text IS NULL OR route = $1 ORDER BY version DESC, route LIMIT $2
        """,
        route,
        limit,
    )
    return [
        Record(
            row["version"],
            row["route"],
            _document(row["before"]),
            _document(row["after"]),
            row["who"],
            row["why"],
            row["at"],
        )
        for row in rows
    ]


def _as_written(raw: str) -> bytes:
    """A flag as it is written to Redis: jsonb has its own order of keys."""
    try:
        return dump_flag(read_flag(raw))
    except FlagError:
        return raw.encode()


def _json(flag: Flag | None) -> str | None:
    return None if flag is None else orjson.dumps(flag_document(flag)).decode()


def _document(raw: str | None) -> Any:
    return None if raw is None else orjson.loads(raw)
