"""What PostgreSQL was asked: `pg_stat_statements` before and after, and the difference."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import asyncpg

from loadtests.compare import stopping

if TYPE_CHECKING:
    from collections.abc import Mapping

TOP: Final = 40

Key: TypeAlias = "tuple[int, int, int]"
"""Database, role and query, as PostgreSQL numbers them."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement's text as PostgreSQL normalises it, and what all its calls came to."""

    database: str
    query: str
    calls: int
    total_ms: float
    rows: int


async def _totals(dsn: str) -> dict[Key, Statement]:
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            """
            SELECT s.dbid::int8 AS database_id, s.userid::int8 AS role_id, s.queryid, d.datname,
                   s.query, sum(s.calls)::int8 AS calls, sum(s.total_exec_time) AS total_ms,
                   sum(s.rows)::int8 AS rows
              FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
             WHERE d.datname LIKE 'db\\_%' AND s.queryid IS NOT NULL
             GROUP BY s.dbid, s.userid, s.queryid, d.datname, s.query
            """
        )
    finally:
        await connection.close()
    return {
        (row["database_id"], row["role_id"], row["queryid"]): Statement(
            row["datname"], row["query"], row["calls"], row["total_ms"], row["rows"]
        )
        for row in rows
    }


def totals(dsn: str) -> dict[Key, Statement] | None:
    """By statement, since the server's start; None if the server does not keep them."""
    try:
        return stopping.run(_totals(dsn))
    except asyncpg.PostgresError:
        return None


def difference(
    before: Mapping[Key, Statement] | None, after: Mapping[Key, Statement] | None
) -> list[dict[str, Any]]:
    """What came in between, the costliest first; at most `TOP` of them."""
    if before is None or after is None:
        return []
    nothing = Statement("", "", 0, 0.0, 0)
    grown = [
        Statement(
            now.database,
            now.query,
            now.calls - (was := before.get(key, nothing)).calls,
            now.total_ms - was.total_ms,
            now.rows - was.rows,
        )
        for key, now in after.items()
    ]
    called = sorted((one for one in grown if one.calls > 0), key=lambda one: -one.total_ms)
    return [asdict(one) for one in called[:TOP]]
