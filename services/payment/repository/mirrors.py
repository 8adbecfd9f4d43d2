"""All SQL of what other domains tell us: bookings and companies as far as payments need them.

An event is written over whatever came before it by its sequence number, so that it does no harm twice or
late. What was read from the owner has the number 0: it fills a gap and is never written over an event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from common.database import Connection

Row = Any
"""An asyncpg.Record: read by column name."""


async def store_bookings(conn: Connection, bookings: Sequence[Mapping[str, Any]]) -> None:
    """Keep bookings as events tell of them, one of each at most; `source_seq` is the event's."""
    await conn.execute(
        """INSERT INTO bookings AS mirror
               (id, reference, user_id, company_id, status, total_minor, currency, refund_due_minor,
                refund_reason, seats, expires_at, journey, updated_at, source_seq)
           SELECT id, reference, user_id, company_id, status, total_minor, currency, refund_due_minor,
                  refund_reason, seats, expires_at, journey, updated_at, source_seq
           FROM jsonb_to_recordset($1::jsonb) AS told (
               id uuid, reference text, user_id uuid, company_id uuid, status text, total_minor bigint,
               currency text, refund_due_minor bigint, refund_reason text, seats integer,
               expires_at timestamptz, journey jsonb, updated_at timestamptz, source_seq bigint)
           ORDER BY id
           ON CONFLICT (id) DO UPDATE SET
               reference = excluded.reference, user_id = excluded.user_id, company_id = excluded.company_id,
               status = excluded.status, total_minor = excluded.total_minor, currency = excluded.currency,
               refund_due_minor = excluded.refund_due_minor, refund_reason = excluded.refund_reason,
               seats = excluded.seats, expires_at = excluded.expires_at, journey = excluded.journey,
               updated_at = excluded.updated_at, source_seq = excluded.source_seq,
               noted_at = CASE WHEN mirror.refund_due_minor <> excluded.refund_due_minor THEN now()
                               ELSE mirror.noted_at END
           WHERE mirror.source_seq < excluded.source_seq""",
        list(bookings),
    )


async def store_read_booking(conn: Connection, booking: Mapping[str, Any]) -> None:
    """Keep a booking that was read from its owner, unless an event has told of it."""
    await conn.execute(
        """INSERT INTO bookings AS mirror
               (id, reference, user_id, company_id, status, total_minor, currency, refund_due_minor,
                seats, expires_at, journey, updated_at, source_seq)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0)
           ON CONFLICT (id) DO UPDATE SET
               status = excluded.status, total_minor = excluded.total_minor,
               refund_due_minor = excluded.refund_due_minor, updated_at = excluded.updated_at,
               noted_at = CASE WHEN mirror.refund_due_minor <> excluded.refund_due_minor THEN now()
                               ELSE mirror.noted_at END
           WHERE mirror.source_seq = 0 AND mirror.updated_at < excluded.updated_at""",
        booking["id"],
        booking["reference"],
        booking["user_id"],
        booking["company_id"],
        booking["status"],
        booking["total_minor"],
        booking["currency"],
        booking["refund_due_minor"],
        booking["seats"],
        booking["expires_at"],
        booking["journey"],
        booking["updated_at"],
    )


async def get_booking(conn: Connection, booking_id: UUID) -> Row | None:
    """What a payment asks of a booking."""
    return await conn.fetchrow(
        """SELECT id, user_id, company_id, status, total_minor, currency, expires_at
           FROM bookings WHERE id = $1""",
        booking_id,
    )


async def get_owed(conn: Connection, booking_id: UUID) -> Row | None:
    """What a booking is owed, and why."""
    return await conn.fetchrow(
        "SELECT refund_due_minor, refund_reason FROM bookings WHERE id = $1", booking_id
    )


async def store_companies(conn: Connection, companies: Sequence[tuple[UUID, str, int]]) -> None:
    """Keep what companies are called, one of each at most: id, name, the event's number."""
    await conn.execute(
        """INSERT INTO companies AS mirror (id, name, source_seq)
           SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[]) AS told (id, name, source_seq)
           ORDER BY id
           ON CONFLICT (id) DO UPDATE SET name = excluded.name, source_seq = excluded.source_seq
           WHERE mirror.source_seq < excluded.source_seq""",
        [company_id for company_id, _, _ in companies],
        [name for _, name, _ in companies],
        [seq for _, _, seq in companies],
    )
