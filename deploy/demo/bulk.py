"""What makes a big load quick: indexes and constraints are set aside, and made anew from all rows at once.

Triggers that have nothing to add are silent meanwhile. What is empty is emptied once more, which gives it new
files: so rows can come in as if they had always been there (COPY FREEZE), which nobody has to visit again,
and a server without replicas (wal_level minimal) writes them once and not twice.

All of it is in the load's own transaction: a load that is killed leaves everything as it was, no constraint
is ever missing from what others see, and until it is done nobody else reads or writes these tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import asyncpg

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from common.database import Connection

FROM_COMPANIES: Final = 100
"""From so many companies on a load is big: below that, keeping the indexes up to date is the quicker way."""

# Other tables' foreign keys to these rest on their primary keys, and go with them.
_OTHERS: Final = """
    SELECT DISTINCT conrelid::regclass::text AS tbl FROM pg_constraint
    WHERE confrelid = ANY($1::regclass[]) AND contype = 'f' AND conrelid <> ALL($1::regclass[])
"""
# Checked and kept up row by row, these cost more than all else. A trigger may look its table's rows up, so a
# table that is watched keeps its primary key. Foreign keys go first and come last.
_CONSTRAINTS: Final = """
    SELECT conrelid::regclass::text AS tbl, conname AS name, pg_get_constraintdef(oid) AS definition
    FROM pg_constraint
    WHERE contype = 'f' AND (conrelid = ANY($1::regclass[]) OR confrelid = ANY($1::regclass[]))
       OR contype = 'x' AND conrelid = ANY($1::regclass[])
       OR contype IN ('p', 'u') AND conrelid = ANY($2::regclass[])
    ORDER BY contype = 'f' DESC, conname
"""
_INDEXES: Final = """
    SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition
    FROM pg_index i
    WHERE indrelid = ANY($1::regclass[])
      AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
    ORDER BY 1
"""
# Those that are enabled in the ordinary way: one that is always to fire has its reasons, and fires.
_TRIGGERS: Final = """
    SELECT tgrelid::regclass::text AS tbl, quote_ident(tgname) AS name FROM pg_trigger
    WHERE tgrelid = ANY($1::regclass[]) AND NOT tgisinternal AND tgenabled = 'O'
    ORDER BY 1, 2
"""


def is_big(companies: int) -> bool:
    return companies >= FROM_COMPANIES


class SetAside:
    """The indexes and constraints of some tables, gone until they are restored."""

    def __init__(self, conn: Connection, tables: Sequence[str], watched: Container[str]) -> None:
        self._conn, self._tables = conn, list(tables)
        self._unwatched = [table for table in tables if table not in watched]
        self._to_make: list[str] = []
        self.emptied: frozenset[str] = frozenset()
        """Tables that were empty: what is copied there may be frozen."""

    async def begin(self) -> None:
        """Take the tables for ourselves, and drop what slows the load down."""
        conn = self._conn
        others = [each["tbl"] for each in await conn.fetch(_OTHERS, self._tables)]
        await _lock(conn, sorted([*self._tables, *others]))
        constraints = await conn.fetch(_CONSTRAINTS, self._tables, self._unwatched)
        indexes = await conn.fetch(_INDEXES, self._tables)
        triggers = await conn.fetch(_TRIGGERS, self._tables)
        for each in constraints:
            await conn.execute(f'ALTER TABLE {each["tbl"]} DROP CONSTRAINT "{each["name"]}"')
        for each in indexes:
            await conn.execute(f"DROP INDEX {each['name']}")
        for each in triggers:
            await conn.execute(f"ALTER TABLE {each['tbl']} DISABLE TRIGGER {each['name']}")
        await self._empty()
        for each in triggers:
            if each["tbl"] not in self._unwatched:
                await conn.execute(f"ALTER TABLE {each['tbl']} ENABLE TRIGGER {each['name']}")
        self._to_make = [
            *(each["definition"] for each in indexes),
            *(
                f'ALTER TABLE {each["tbl"]} ADD CONSTRAINT "{each["name"]}" {each["definition"]}'
                for each in reversed(constraints)
            ),
            *(
                f"ALTER TABLE {each['tbl']} ENABLE TRIGGER {each['name']}"
                for each in triggers
                if each["tbl"] in self._unwatched
            ),
        ]

    async def _empty(self) -> None:
        """Nothing is lost: nobody else can write there by now."""
        empty = [table for table in self._tables if not await _has_rows(self._conn, table)]
        if empty:
            await self._conn.execute(f"TRUNCATE {', '.join(empty)}")
        self.emptied = frozenset(empty)

    async def restore(self) -> None:
        """Make them anew, which checks every row."""
        await self._conn.execute("SET LOCAL maintenance_work_mem = '512MB'; SET LOCAL work_mem = '128MB'")
        for statement in self._to_make:
            await self._conn.execute(statement)


async def _has_rows(conn: Connection, table: str) -> bool:
    return bool(await conn.fetchval(f"SELECT EXISTS (SELECT FROM {table})"))  # ruff: ignore[hardcoded-sql-expression] — a name of ours


async def _lock(conn: Connection, tables: Sequence[str]) -> None:
    """All of them or none: who waits for one and has others may be waited for by who has that one."""
    awaited = tables[0]
    while True:
        tried = awaited
        try:
            async with conn.transaction():
                await conn.execute(f"LOCK TABLE {awaited} IN ACCESS EXCLUSIVE MODE")
                for tried in tables:
                    await conn.execute(f"LOCK TABLE {tried} IN ACCESS EXCLUSIVE MODE NOWAIT")
                return
        except asyncpg.LockNotAvailableError:
            awaited = tried
