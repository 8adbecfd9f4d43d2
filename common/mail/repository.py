"""SQL of mails that wait to be sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta
    from uuid import UUID

    from common.database import Connection, Pool

Row: TypeAlias = Mapping[str, Any]


async def insert_mail(conn: Connection, mail_id: UUID, recipient: str, subject: str, body: str) -> None:
    await conn.execute(
        "INSERT INTO mails (id, recipient, subject, body) VALUES ($1, $2, $3, $4)",
        mail_id,
        recipient,
        subject,
        body,
    )


async def claim_due(conn: Connection | Pool, most: int, lease: timedelta) -> Sequence[Row]:
    """Mails that are due, taken for the length of the lease: if the sender dies, the next one sends them."""
    rows: Sequence[Row] = await conn.fetch(
        """
        UPDATE mails SET attempts = attempts + 1, next_at = now() + $2::interval
        WHERE id IN (
            SELECT id FROM mails WHERE sent_at IS NULL AND next_at <= now()
            ORDER BY next_at LIMIT $1 FOR UPDATE SKIP LOCKED
        )
        RETURNING id, recipient, subject, body, created_at, attempts
        """,
        most,
        lease,
    )
    return rows


async def mark_sent(conn: Connection | Pool, mail_id: UUID) -> None:
    """Sent is sent: what it said (it may be a link that resets a password) is not kept."""
    await conn.execute(
        "UPDATE mails SET sent_at = now(), body = '', last_error = NULL WHERE id = $1", mail_id
    )


async def put_off(conn: Connection | Pool, mail_id: UUID, wait: timedelta, error: str) -> None:
    await conn.execute(
        "UPDATE mails SET next_at = now() + $2::interval, last_error = $3 WHERE id = $1", mail_id, wait, error
    )


async def give_up(conn: Connection | Pool, mail_id: UUID, error: str) -> None:
    """Never tried again; the row stays as it is, for whoever looks into it."""
    await conn.execute("UPDATE mails SET next_at = 'infinity', last_error = $2 WHERE id = $1", mail_id, error)


async def forget_sent(conn: Connection | Pool, most: int) -> int:
    """Delete mails sent more than a month ago."""
    deleted: int = await conn.fetchval(
        """
        WITH gone AS (
            DELETE FROM mails WHERE id IN (
                SELECT id FROM mails WHERE sent_at < now() - interval '30 days'
                LIMIT $1 FOR UPDATE SKIP LOCKED
            ) RETURNING 1
        ) SELECT count(*) FROM gone
        """,
        most,
    )
    return deleted
