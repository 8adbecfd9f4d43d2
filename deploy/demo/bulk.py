"""What makes a big load quick: indexes and constraints are set aside, and made anew from all rows at once.

Triggers that have nothing to add are silent meanwhile.

All of it is in the load's own transaction: a load that is killed leaves everything as it was, no constraint
is ever missing from what others see, and until it is done nobody else reads or writes these tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from common.database import Connection

FROM_COMPANIES: Final = 100
"""From so many companies on a load is big: below that, keeping the indexes up to date is the quicker way."""

# Checked and kept up row by row, these cost more than all else. Primary keys stay: what is loaded is ordered
# well enough for them, and foreign keys of other tables rest on them.
_CONSTRAINTS: Final = """
    SELECT conrelid::regclass::text AS tbl, conname AS name, pg_get_constraintdef(oid) AS definition
    FROM pg_constraint
    WHERE conrelid = ANY($1::regclass[]) AND contype IN ('f', 'x')
    ORDER BY contype = 'f' DESC, conname
"""
_INDEXES: Final = """
    SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition
    FROM pg_index i
    WHERE indrelid = ANY($1::regclass[])
      AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
    ORDER BY 1
"""


def is_big(companies: int) -> bool:
    return companies >= FROM_COMPANIES


class SetAside:
    """The indexes and constraints of some tables, gone until they are restored."""

    def __init__(self, conn: Connection, tables: Sequence[str], watched: Container[str]) -> None:
        self._conn, self._tables = conn, list(tables)
        self._unwatched = [table for table in tables if table not in watched]
        self._to_make: list[str] = []

    async def begin(self) -> None:
        """Take the tables for ourselves, and drop what slows the load down."""
        for table in sorted(self._tables):
            await self._conn.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        constraints = await self._conn.fetch(_CONSTRAINTS, self._tables)
        indexes = await self._conn.fetch(_INDEXES, self._tables)
        for each in constraints:
            await self._conn.execute(f'ALTER TABLE {each["tbl"]} DROP CONSTRAINT "{each["name"]}"')
        for each in indexes:
            await self._conn.execute(f"DROP INDEX {each['name']}")
        for table in self._unwatched:
            await self._conn.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        self._to_make = [
            *(each["definition"] for each in indexes),
            *(
                f'ALTER TABLE {each["tbl"]} ADD CONSTRAINT "{each["name"]}" {each["definition"]}'
                for each in reversed(constraints)
            ),
            *(f"ALTER TABLE {table} ENABLE TRIGGER USER" for table in self._unwatched),
        ]

    async def restore(self) -> None:
        """Make them anew, which checks every row."""
        await self._conn.execute("SET LOCAL maintenance_work_mem = '512MB'")
        for statement in self._to_make:
            await self._conn.execute(statement)
