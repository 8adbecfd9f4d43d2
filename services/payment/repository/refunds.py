"""All SQL of refunds, and of what bookings are owed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta
    from uuid import UUID

    from common.database import Connection
    from services.payment.domain.ledger import Sides

Row = Any
"""An asyncpg.Record: read by column name."""


async def refunds_of(conn: Connection, payment_ids: Sequence[UUID]) -> list[Row]:
    """All refunds of these payments, oldest first.

    Which ids they are is kept from the planner (a subquery): what it would gain is less than planning anew.
    """
    return list(
        await conn.fetch(
            "SELECT * FROM refunds WHERE payment_id = ANY(ARRAY(SELECT unnest($1::uuid[]))) ORDER BY id",
            payment_ids,
        )
    )


async def insert_refund(
    conn: Connection, refund_id: UUID, payment: Row, amount_minor: int, reason: str, *, booking_due: bool
) -> Row:
    """A refund of the payment, which the caller has locked."""
    return await conn.fetchrow(
        """INSERT INTO refunds
               (id, payment_id, booking_id, company_id, amount_minor, currency, status, reason, booking_due)
           VALUES ($1, $2, $3, $4, $5, $6, 'pending', $7, $8) RETURNING *""",
        refund_id,
        payment["id"],
        payment["booking_id"],
        payment["company_id"],
        amount_minor,
        payment["currency"],
        reason,
        booking_due,
    )


async def lock_refund(conn: Connection, refund_id: UUID) -> Row | None:
    """Always after `lock_payment`, which is the one that others wait for."""
    return await conn.fetchrow("SELECT * FROM refunds WHERE id = $1 FOR NO KEY UPDATE", refund_id)


async def fail_refund(conn: Connection, refund_id: UUID, reference: str | None, failure_code: str) -> None:
    await conn.execute(
        """UPDATE refunds SET status = 'failed', provider_ref = coalesce(provider_ref, $2), failure_code = $3,
                              updated_at = now()
           WHERE id = $1""",
        refund_id,
        reference,
        failure_code,
    )


async def give_back(
    conn: Connection, refund_id: UUID, reference: str | None, entry_id: UUID, sides: Sides
) -> None:
    """The refund's money has gone back, and is entered; a second entry of it is an error of the database."""
    await conn.execute(
        """WITH gone AS (
               UPDATE refunds SET status = 'succeeded', provider_ref = coalesce(provider_ref, $2),
                                  updated_at = now()
               WHERE id = $1 RETURNING id, payment_id, amount_minor, currency
           )
           INSERT INTO ledger (id, debit, credit, amount_minor, currency, payment_id, refund_id, memo)
           SELECT $3, $4, $5, amount_minor, currency, payment_id, id, 'refund' FROM gone""",
        refund_id,
        reference,
        entry_id,
        sides.debit,
        sides.credit,
    )


async def claim_unsent(conn: Connection, again_after: timedelta) -> list[Row]:
    """Refunds that no provider has taken on yet, marked as asked for now."""
    return list(
        await conn.fetch(
            """UPDATE refunds r SET attempted_at = now()
               FROM (SELECT r.id FROM refunds r
                     WHERE r.status = 'pending' AND r.provider_ref IS NULL
                       AND (r.attempted_at IS NULL OR r.attempted_at < now() - $1::interval)
                     ORDER BY r.attempted_at NULLS FIRST LIMIT 50 FOR NO KEY UPDATE SKIP LOCKED) AS unsent,
                    payments p
               WHERE r.id = unsent.id AND p.id = r.payment_id
               RETURNING r.*, p.provider, p.provider_ref AS charge_ref""",
            again_after,
        )
    )


async def keep_reference(conn: Connection, refund_id: UUID, reference: str) -> None:
    """The provider's name for the refund; the first that is kept stays."""
    await conn.execute(
        """UPDATE refunds SET provider_ref = $2
           WHERE id = $1 AND status = 'pending' AND provider_ref IS NULL""",
        refund_id,
        reference,
    )


async def drop_reference(conn: Connection, refund_id: UUID, reference: str) -> None:
    """The provider knows no such refund: it is one that no provider has taken on yet."""
    await conn.execute(
        "UPDATE refunds SET provider_ref = NULL WHERE id = $1 AND status = 'pending' AND provider_ref = $2",
        refund_id,
        reference,
    )


async def claim_long_pending(conn: Connection, after: timedelta) -> list[Row]:
    """Refunds that were sent a while ago and of which nothing was heard, marked as asked for now."""
    return list(
        await conn.fetch(
            """UPDATE refunds r SET attempted_at = now()
               FROM (SELECT id FROM refunds
                     WHERE status = 'pending' AND provider_ref IS NOT NULL
                       AND attempted_at < now() - $1::interval
                     ORDER BY attempted_at LIMIT 50 FOR NO KEY UPDATE SKIP LOCKED) AS long,
                    payments p
               WHERE r.id = long.id AND p.id = r.payment_id
               RETURNING r.*, p.provider""",
            after,
        )
    )


# what bookings are owed


async def lately_owed(conn: Connection, limit: int) -> list[UUID]:
    """Payments of bookings noted within the last minute as owed more than was sent back.

    Where a refund has failed or nothing is left another sweep decides: here they would be in the way.
    Payments are looked up one by one (OFFSET 0), from the few bookings that changed: no plan reads them all.
    It is asked often, and planned once: a time that is passed in would have it planned each time.
    """
    rows = await conn.fetch(
        """SELECT p.id FROM bookings b
           CROSS JOIN LATERAL (SELECT id, amount_minor FROM payments
                               WHERE booking_id = b.id AND status = 'succeeded' OFFSET 0) p
           CROSS JOIN LATERAL (
               SELECT coalesce(sum(r.amount_minor) FILTER (WHERE r.status <> 'failed'), 0) AS made,
                      coalesce(sum(r.amount_minor) FILTER (WHERE r.status <> 'failed' AND r.booking_due), 0)
                          AS due,
                      count(*) FILTER (WHERE r.status = 'failed' AND r.booking_due) AS failed
               FROM refunds r WHERE r.payment_id = p.id
           ) AS sums
           WHERE b.refund_due_minor > 0 AND b.noted_at > now() - interval '1 minute'
             AND b.refund_due_minor > sums.due AND sums.made < p.amount_minor AND sums.failed = 0
           ORDER BY b.noted_at LIMIT $1""",
        limit,
    )
    return [row["id"] for row in rows]


async def owed_after(conn: Connection, noted_at: datetime, booking_id: UUID, limit: int) -> list[Row]:
    """Bookings that are owed something, as they were noted, page by page by (noted_at, booking_id).

    Each with its succeeded payment, or null, and the sum sent back.
    """
    return list(
        await conn.fetch(
            """SELECT b.id AS booking_id, b.noted_at, p.id AS payment_id, b.refund_due_minor,
                      (SELECT coalesce(sum(r.amount_minor), 0) FROM refunds r
                       WHERE r.payment_id = p.id AND r.booking_due AND r.status <> 'failed') AS due_made
               FROM (SELECT id, noted_at, refund_due_minor FROM bookings
                     WHERE refund_due_minor > 0 AND (noted_at, id) > ($1, $2)
                     ORDER BY noted_at, id LIMIT $3) b
               LEFT JOIN LATERAL (SELECT id FROM payments
                                  WHERE booking_id = b.id AND status = 'succeeded' OFFSET 0) p ON true
               ORDER BY b.noted_at, b.id""",
            noted_at,
            booking_id,
            limit,
        )
    )


async def owed_and_failed(conn: Connection, within: timedelta) -> list[UUID]:
    """Payments a refund of which failed within that time, and of which a booking is owed something still."""
    rows = await conn.fetch(
        """SELECT p.id
           FROM (SELECT DISTINCT payment_id FROM refunds
                 WHERE status = 'failed' AND booking_due AND updated_at > now() - $1::interval) failed
           JOIN payments p ON p.id = failed.payment_id
           JOIN bookings b ON b.id = p.booking_id
           WHERE b.refund_due_minor > (SELECT coalesce(sum(r.amount_minor), 0) FROM refunds r
                                       WHERE r.payment_id = p.id AND r.booking_due AND r.status <> 'failed')
           ORDER BY p.id""",
        within,
    )
    return [row["id"] for row in rows]
