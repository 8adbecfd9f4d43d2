"""All SQL of webhooks: what providers told us, and what the sandbox has to tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta
    from uuid import UUID

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


async def claim_event(conn: Connection) -> Row | None:
    """An event that is due, and that nobody else is working on."""
    return await conn.fetchrow(
        """SELECT * FROM webhook_events WHERE worked_at IS NULL AND next_at <= now()
           ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED"""
    )


async def finish_event(conn: Connection, event: Row, remark: str | None) -> None:
    """The event is worked on, with a remark where it changed nothing."""
    await conn.execute(
        """UPDATE webhook_events SET worked_at = now(), attempts = attempts + 1, last_error = $3
           WHERE provider = $1 AND event_id = $2""",
        event["provider"],
        event["event_id"],
        remark,
    )


async def postpone_event(conn: Connection, event: Row, wait: timedelta, error: str) -> None:
    """The event is tried again after a while."""
    await conn.execute(
        """UPDATE webhook_events
           SET attempts = attempts + 1, last_error = $3, next_at = now() + $4::interval
           WHERE provider = $1 AND event_id = $2""",
        event["provider"],
        event["event_id"],
        error,
        wait,
    )


async def claim_deliveries(conn: Connection, limit: int) -> list[Row]:
    """Charges and refunds of the sandbox whose outcome may have to be told, each for this caller alone.

    Taking one sets when it is tried again, twice as long each time and a minute at most, so that a caller
    that dies or fails has lost nothing.
    """
    return list(
        await conn.fetch(
            """WITH untold AS (
                   SELECT p.id AS subject, p.id AS payment_id, p.provider_ref AS reference, p.amount,
                          p.currency, p.attempted_at
                   FROM payments p
                   WHERE p.status = 'processing' AND p.provider = 'sandbox' AND p.provider_ref IS NOT NULL
                     AND (p.next_action IS NULL OR p.attempted_at < now() - interval '15 minutes')
                   UNION ALL
                   SELECT r.id, p.id, r.provider_ref, r.amount, p.currency, r.attempted_at
                   FROM refunds r JOIN payments p ON p.id = r.payment_id
                   WHERE r.status = 'pending' AND p.provider = 'sandbox' AND r.provider_ref IS NOT NULL
               ), due AS (
                   SELECT u.* FROM untold u LEFT JOIN sandbox_deliveries d ON d.subject = u.subject
                   WHERE d.next_at IS NULL OR d.next_at <= now()
                   ORDER BY u.attempted_at LIMIT $1
               ), mine AS (
                   INSERT INTO sandbox_deliveries AS d (subject, attempts, next_at)
                   SELECT subject, 1, now() + interval '1 second' FROM due ORDER BY subject
                   ON CONFLICT (subject) DO UPDATE
                   SET attempts = least(d.attempts + 1, 1000),
                       next_at = now() + least(make_interval(secs => 2 ^ least(d.attempts, 6)), '1 minute')
                   WHERE d.next_at <= now()
                   RETURNING subject, attempts
               )
               SELECT due.*, mine.attempts FROM due JOIN mine USING (subject)""",
            limit,
        )
    )


async def wait_for_outcome(conn: Connection, subjects: Sequence[UUID], wait: Sequence[timedelta]) -> None:
    """Nothing is decided yet: look again when it will be, as if for the first time."""
    await conn.execute(
        """UPDATE sandbox_deliveries d SET attempts = 0, next_at = now() + w.wait
           FROM unnest($1::uuid[], $2::interval[]) AS w (subject, wait) WHERE d.subject = w.subject""",
        subjects,
        wait,
    )


async def forget_deliveries(conn: Connection, limit: int) -> int:
    """Throw away the pace of what was told long ago."""
    gone = await conn.fetch(
        """DELETE FROM sandbox_deliveries WHERE subject IN (
               SELECT subject FROM sandbox_deliveries WHERE next_at < now() - interval '1 day'
               ORDER BY next_at LIMIT $1 FOR UPDATE SKIP LOCKED)
           RETURNING subject""",
        limit,
    )
    return len(gone)
