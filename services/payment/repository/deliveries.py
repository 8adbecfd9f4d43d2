"""All SQL of what the sandbox has to tell, and how often it was tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta
    from uuid import UUID

    from common.database import Connection

Row = Any
"""An asyncpg.Record: read by column name."""


async def claim_deliveries(conn: Connection, limit: int) -> list[Row]:
    """Charges and refunds of the sandbox whose outcome may have to be told, each for this caller alone.

    Taking one sets when it is tried again, twice as long each time and a minute at most, so that a caller
    that dies or fails has lost nothing.
    """
    return list(
        await conn.fetch(
            """WITH untold AS (
                   SELECT p.id AS subject, p.id AS payment_id, p.provider_ref AS reference, p.amount_minor,
                          p.currency, p.attempted_at
                   FROM payments p
                   WHERE p.status = 'processing' AND p.provider = 'sandbox' AND p.provider_ref IS NOT NULL
                     AND (p.next_action IS NULL OR p.attempted_at < now() - interval '15 minutes')
                   UNION ALL
                   SELECT r.id, r.payment_id, r.provider_ref, r.amount_minor, r.currency, r.attempted_at
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
                   RETURNING subject
               )
               SELECT due.* FROM due JOIN mine USING (subject)""",
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
