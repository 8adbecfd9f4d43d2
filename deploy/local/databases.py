"""One database and one role for each deployable; a role can open its own database and no other.

Safe to run at every start, against a server of our own as well as one named in BANYAN_POSTGRES_URL.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OWNERS: Final = ("legacy", "auth", "user", "company", "ticketing", "qr", "payment", "strangler")
EXTENSIONS: Final = ("btree_gist", "citext", "pg_trgm")

Connection = Any  # asyncpg ships no types


def role_of(owner: str) -> str:
    return f"banyan_{owner}"


def database_of(owner: str) -> str:
    return f"db_{owner}"


ROLES: Final = tuple(role_of(owner) for owner in OWNERS)


def dsn_of(admin_dsn: str, owner: str, password: str) -> str:
    """The address at which the owner's role opens its database."""
    parts = urlsplit(admin_dsn)
    host = parts.netloc.rpartition("@")[2]
    netloc = f"{role_of(owner)}:{quote(password, safe='')}@{host}"
    return urlunsplit((parts.scheme, netloc, f"/{database_of(owner)}", parts.query, ""))


async def make_databases(admin_dsn: str, passwords: Mapping[str, str]) -> list[str]:
    """Create what is missing; answers the databases that are new. Roles get the passwords given."""
    admin = await asyncpg.connect(admin_dsn)
    try:
        await prepare_template(admin_dsn)
        existing = {row["datname"] for row in await admin.fetch("SELECT datname FROM pg_database")}
        roles = {row["rolname"] for row in await admin.fetch("SELECT rolname FROM pg_roles")}
        made = []
        for owner in OWNERS:
            role, database = role_of(owner), database_of(owner)
            await _set_role(admin, role, passwords[role], new=role not in roles)
            if database not in existing:
                # FILE_COPY would force checkpoints; the template is a few megabytes.
                await admin.execute(f"CREATE DATABASE {database} OWNER {role} STRATEGY wal_log")
                made.append(database)
        await _close_to_others(admin)
    finally:
        await admin.close()
    await asyncio.gather(*(_add_extensions(_to(admin_dsn, database_of(owner))) for owner in OWNERS))
    return made


async def prepare_template(admin_dsn: str) -> None:
    """Extensions in template1 come with each new database: eight times faster than adding them in each."""
    await _add_extensions(_to(admin_dsn, "template1"))


async def _set_role(admin: Connection, role: str, password: str, *, new: bool) -> None:
    """Utility statements take no parameters, so the server quotes the password itself."""
    verb = "CREATE" if new else "ALTER"
    statement = await admin.fetchval(
        "SELECT format($1 || ' ROLE %I LOGIN PASSWORD %L NOSUPERUSER NOCREATEDB NOCREATEROLE', $2::text, "
        "$3::text)",
        verb,
        role,
        password,
    )
    await admin.execute(statement)


async def _close_to_others(admin: Connection) -> None:
    for database in ("postgres", "template1", *map(database_of, OWNERS)):
        await admin.execute(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")


async def _add_extensions(dsn: str, names: Iterable[str] = EXTENSIONS) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        present = {row["extname"] for row in await connection.fetch("SELECT extname FROM pg_extension")}
        for name in names:
            if name not in present:
                await connection.execute(f"CREATE EXTENSION IF NOT EXISTS {name}")
    finally:
        await connection.close()


async def add_statement_statistics(admin_dsn: str) -> None:
    """pg_stat_statements sees every database from the one it is in; a server not our own may lack it."""
    connection = await asyncpg.connect(admin_dsn)
    try:
        preloaded = await connection.fetchval("SHOW shared_preload_libraries")
        if "pg_stat_statements" in preloaded:
            await _add_extensions(admin_dsn, ("pg_stat_statements",))
    finally:
        await connection.close()


def _to(admin_dsn: str, database: str) -> str:
    parts = urlsplit(admin_dsn)
    return urlunsplit((parts.scheme, parts.netloc, f"/{database}", parts.query, ""))
