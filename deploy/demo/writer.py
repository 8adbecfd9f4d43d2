"""Writes one database in one transaction, from the first batch to the commit."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from deploy.demo.bulk import SetAside, is_big
from deploy.demo.copying import framed
from deploy.demo.sides import SIDES

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Collection

    from common.database import Connection
    from deploy.demo.batches import Batch
    from deploy.demo.copying import Table

    Progress = Callable[[str, int, int], None]

_AT_ONCE: Final = 32 << 20
"""Bytes that a big load copies at once: each COPY makes room for more rows than it has, and leaves that."""


class Writer:
    """Writes the rows of one owner as they come, and those of its last tables when all others are there."""

    def __init__(self, owner: str, conn: Connection, wanted: int, progress: Progress) -> None:
        self._owner, self._conn, self._wanted, self._progress = owner, conn, wanted, progress
        self._side = SIDES[owner]
        names = [table.name for table in self._side.tables]
        self._aside = SetAside(conn, names, self._side.watched) if is_big(wanted) else None
        self._waiting: dict[str, list[bytes]] = defaultdict(list)
        self._bytes_waiting = 0

    async def write(self, queue: asyncio.Queue[Batch | None], seconds: dict[str, float]) -> None:
        """Write what comes until None does; says in `seconds` how long that took."""
        began = time.monotonic()
        first = [table for table in self._side.tables if table.name not in self._side.last]
        last = [table for table in self._side.tables if table.name in self._side.last]
        async with self._conn.transaction():
            # not told of, and written in minutes rather than in the time of a request
            await self._conn.execute(
                "SET LOCAL banyan.capture = 'off'; SET LOCAL synchronous_commit = off;"
                "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"
            )
            if self._aside is not None:
                if self._side.before is not None:
                    await self._conn.execute(self._side.before)
                await self._aside.begin()
            written = 0
            while (batch := await queue.get()) is not None:
                self._keep(batch)
                if self._aside is None or self._bytes_waiting >= _AT_ONCE:
                    await self._copy(first)
                written += batch.companies.get(self._owner, 0)
                self._progress(self._owner, written, self._wanted)
            await self._copy(first)
            if self._aside is not None:
                await self._aside.restore()
            await self._analyze(first)
            await self._copy(last)
            await self._analyze(last)
        seconds[self._owner] = time.monotonic() - began

    def _keep(self, batch: Batch) -> None:
        for name, rows in batch.rows[self._owner].items():
            self._waiting[name].append(rows)
            self._bytes_waiting += len(rows)

    async def _copy(self, tables: Collection[Table]) -> None:
        for table in tables:
            rows = self._waiting.pop(table.name, None)
            if rows is not None:
                frozen = self._aside is not None and table.name in self._aside.emptied
                await self._conn.copy_to_table(
                    table.name,
                    source=framed(rows),
                    columns=table.columns,
                    format="binary",
                    freeze=frozen or None,
                )
        self._bytes_waiting = 0

    async def _analyze(self, tables: Collection[Table]) -> None:
        """The planner's numbers are far off by now."""
        if tables:
            await self._conn.execute(f"ANALYZE {', '.join(table.name for table in tables)}")
