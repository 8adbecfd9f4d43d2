"""All SQL of what providers told us."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from common.database import Connection

Row = Any
"""An asyncpg.Record: read by column name."""


async def insert_event(conn: Connection, provider: str, event_id: str, payload: Mapping[str, Any]) -> bool:
    """Keep an event; answers whether it is new."""
    status = await conn.execute(
        """INSERT INTO webhook_events (provider, event_id, payload) VALUES ($1, $2, $3)
           ON CONFLICT (provider, event_id) DO NOTHING""",
        provider,
        event_id,
        payload,
    )
    return bool(status == "INSERT 0 1")


async def count_due(conn: Connection, most: int) -> int:
    """How many events wait, counted up to `most`: a look that costs one statement where there are none."""
    due: int = await conn.fetchval(
        """SELECT count(*) FROM (SELECT FROM webhook_events
                                 WHERE worked_at IS NULL AND next_at <= now() LIMIT $1) AS due""",
        most,
    )
    return due


async def claim_event(conn: Connection) -> Row | None:
    """An event that is due, and that nobody else is working on."""
    return await conn.fetchrow(
        """SELECT provider, event_id, payload, attempts FROM webhook_events
           WHERE worked_at IS NULL AND next_at <= now()
           ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED"""
    )


async def finish_event(conn: Connection, event: Row, remark: str | None) -> None:
    """The event is worked on, with a remark where it changed nothing."""
    await conn.execute(
        """UPDATE webhook_events SET worked_at = now(), attempts = attempts + 1, last_error = $3
           WHERE provider = $1 AND event_id = $2 AND worked_at IS NULL""",
        event["provider"],
        event["event_id"],
        remark,
    )


async def postpone_event(conn: Connection, event: Row, wait: timedelta, error: str) -> None:
    """The event is tried again after a while; counted once, however many met it."""
    await conn.execute(
        """UPDATE webhook_events
           SET attempts = attempts + 1, last_error = $3, next_at = now() + $4::interval
           WHERE provider = $1 AND event_id = $2 AND worked_at IS NULL AND attempts = $5""",
        event["provider"],
        event["event_id"],
        error,
        wait,
        event["attempts"],
    )
