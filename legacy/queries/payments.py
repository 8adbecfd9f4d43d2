"""All SQL of payments and refunds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta
    from decimal import Decimal
    from uuid import UUID

    from common.database import Connection

Row = Any
"""An asyncpg.Record: read by column name."""


async def get_payable(conn: Connection, booking_id: UUID) -> Row | None:
    """What a payment asks of a booking."""
    return await conn.fetchrow(
        "SELECT id, user_id, company_id, status, total, currency, expires_at FROM bookings WHERE id = $1",
        booking_id,
    )


async def insert_payment(conn: Connection, payment_id: UUID, booking: Row, provider: str) -> Row | None:
    """A payment for the booking's total, or None if there is an open or a succeeded one."""
    return await conn.fetchrow(
        """INSERT INTO payments (id, booking_id, user_id, company_id, provider, status, amount, currency)
           VALUES ($1, $2, $3, $4, $5, 'requires_method', $6, $7)
           ON CONFLICT (booking_id) WHERE status IN ('requires_method', 'processing', 'succeeded') DO NOTHING
           RETURNING *""",
        payment_id,
        booking["id"],
        booking["user_id"],
        booking["company_id"],
        provider,
        booking["total"],
        booking["currency"],
    )


async def get_standing_payment(conn: Connection, booking_id: UUID) -> Row | None:
    """The booking's payment that is open or has succeeded: there is one at most."""
    return await conn.fetchrow(
        """SELECT * FROM payments
           WHERE booking_id = $1 AND status IN ('requires_method', 'processing', 'succeeded')""",
        booking_id,
    )


async def get_payment(conn: Connection, payment_id: UUID) -> Row | None:
    return await conn.fetchrow("SELECT * FROM payments WHERE id = $1", payment_id)


async def lock_payment(conn: Connection, payment_id: UUID) -> Row | None:
    """The payment; its state and its refunds are this transaction's to change."""
    return await conn.fetchrow("SELECT * FROM payments WHERE id = $1 FOR NO KEY UPDATE", payment_id)


async def list_of_booking(conn: Connection, booking_id: UUID, before: UUID | None, limit: int) -> list[Row]:
    return list(
        await conn.fetch(
            """SELECT * FROM payments WHERE booking_id = $1 AND ($2::uuid IS NULL OR id < $2)
               ORDER BY id DESC LIMIT $3""",
            booking_id,
            before,
            limit,
        )
    )


async def list_of_user(conn: Connection, user_id: UUID, before: UUID | None, limit: int) -> list[Row]:
    return list(
        await conn.fetch(
            """SELECT * FROM payments WHERE user_id = $1 AND ($2::uuid IS NULL OR id < $2)
               ORDER BY id DESC LIMIT $3""",
            user_id,
            before,
            limit,
        )
    )


async def refunds_of(conn: Connection, payment_ids: Sequence[UUID]) -> list[Row]:
    """All refunds of these payments, oldest first."""
    return list(await conn.fetch("SELECT * FROM refunds WHERE payment_id = ANY($1) ORDER BY id", payment_ids))


async def start_processing(conn: Connection, payment_id: UUID, card_brand: str, card_last4: str) -> Row:
    """The provider is about to be asked."""
    return await conn.fetchrow(
        """UPDATE payments SET status = 'processing', card_brand = $2, card_last4 = $3, attempted_at = now(),
                               updated_at = now()
           WHERE id = $1 RETURNING *""",
        payment_id,
        card_brand,
        card_last4,
    )


async def keep_reference(
    conn: Connection, payment_id: UUID, before: str | None, reference: str, next_action: str | None
) -> Row | None:
    """The provider's name for the charge, if it is still processing under the reference `before`."""
    return await conn.fetchrow(
        """UPDATE payments SET provider_ref = $3, next_action = $4, updated_at = now()
           WHERE id = $1 AND status = 'processing' AND provider_ref IS NOT DISTINCT FROM $2
           RETURNING *""",
        payment_id,
        before,
        reference,
        next_action,
    )


async def settle(
    conn: Connection,
    payment_id: UUID,
    status: str,
    reference: str | None,
    failure: tuple[str, str] | None,
) -> Row:
    """The payment's new state; `failure` is a code and a message."""
    code, message = failure or (None, None)
    return await conn.fetchrow(
        """UPDATE payments SET status = $2, provider_ref = coalesce(provider_ref, $3), next_action = NULL,
                               failure_code = $4, failure = $5, updated_at = now()
           WHERE id = $1 RETURNING *""",
        payment_id,
        status,
        reference,
        code,
        message,
    )


async def cancel_idle(conn: Connection, limit: int) -> int:
    """Close payments that nobody gave a card for: after a day, or once their booking takes none any more."""
    done = await conn.fetch(
        """UPDATE payments p SET status = 'cancelled', updated_at = now()
           FROM (SELECT p.id FROM payments p JOIN bookings b ON b.id = p.booking_id
                 WHERE p.status = 'requires_method'
                   AND (p.created_at < now() - interval '24 hours' OR b.status IN ('expired', 'cancelled'))
                 ORDER BY p.created_at LIMIT $1 FOR NO KEY UPDATE OF p SKIP LOCKED) AS idle
           WHERE p.id = idle.id RETURNING p.id""",
        limit,
    )
    return len(done)


async def claim_long_processing(conn: Connection, after: timedelta, challenge_after: timedelta) -> list[Row]:
    """Payments whose provider was asked a while ago, marked as asked now; a person may take longer."""
    return list(
        await conn.fetch(
            """UPDATE payments p SET attempted_at = now()
               FROM (SELECT id FROM payments
                     WHERE status = 'processing' AND attempted_at < now() - $1::interval
                       AND (next_action IS NULL OR attempted_at < now() - $2::interval)
                     ORDER BY attempted_at LIMIT 50 FOR NO KEY UPDATE SKIP LOCKED) AS long
               WHERE p.id = long.id RETURNING p.*""",
            after,
            challenge_after,
        )
    )


async def get_checkout(conn: Connection, payment_id: UUID) -> Row | None:
    """A payment with what its page shows of the booking."""
    return await conn.fetchrow(
        """SELECT p.*, b.reference, b.status AS booking_status, b.expires_at, c.name AS company_name,
                  t.departs_at + make_interval(secs => f.depart_s) AS boards_at,
                  fs.city AS from_city, fs.time_zone AS from_zone, ls.city AS to_city,
                  (SELECT count(*) FROM tickets k WHERE k.booking_id = b.id) AS seats
           FROM payments p
           JOIN bookings b ON b.id = p.booking_id
           JOIN companies c ON c.id = p.company_id
           JOIN trips t ON t.id = b.trip_id
           JOIN route_stops f ON f.route_id = t.route_id AND f.seq = b.from_seq
           JOIN route_stops l ON l.route_id = t.route_id AND l.seq = b.to_seq
           JOIN stops fs ON fs.id = f.stop_id
           JOIN stops ls ON ls.id = l.stop_id
           WHERE p.id = $1""",
        payment_id,
    )


# refunds


async def insert_refund(
    conn: Connection, refund_id: UUID, payment_id: UUID, amount: Decimal, reason: str, *, booking_due: bool
) -> Row:
    return await conn.fetchrow(
        """INSERT INTO refunds (id, payment_id, amount, status, reason, booking_due)
           VALUES ($1, $2, $3, 'pending', $4, $5) RETURNING *""",
        refund_id,
        payment_id,
        amount,
        reason,
        booking_due,
    )


async def lock_refund(conn: Connection, refund_id: UUID) -> Row | None:
    """Always after `lock_payment`, which is the one that others wait for."""
    return await conn.fetchrow("SELECT * FROM refunds WHERE id = $1 FOR NO KEY UPDATE", refund_id)


async def settle_refund(
    conn: Connection, refund_id: UUID, status: str, reference: str | None, failure_code: str | None
) -> Row:
    return await conn.fetchrow(
        """UPDATE refunds SET status = $2, provider_ref = coalesce(provider_ref, $3), failure_code = $4,
                              updated_at = now()
           WHERE id = $1 RETURNING *""",
        refund_id,
        status,
        reference,
        failure_code,
    )


async def claim_unsent_refunds(conn: Connection, again_after: timedelta) -> list[Row]:
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
               RETURNING r.*, p.provider, p.currency, p.provider_ref AS charge_ref""",
            again_after,
        )
    )


async def keep_refund_reference(conn: Connection, refund_id: UUID, reference: str) -> None:
    """The provider's name for the refund; the first that is kept stays."""
    await conn.execute(
        """UPDATE refunds SET provider_ref = $2
           WHERE id = $1 AND status = 'pending' AND provider_ref IS NULL""",
        refund_id,
        reference,
    )


async def drop_refund_reference(conn: Connection, refund_id: UUID, reference: str) -> None:
    """The provider knows no such refund: it is one that no provider has taken on yet."""
    await conn.execute(
        "UPDATE refunds SET provider_ref = NULL WHERE id = $1 AND status = 'pending' AND provider_ref = $2",
        refund_id,
        reference,
    )


async def claim_long_refunds(conn: Connection, after: timedelta) -> list[Row]:
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
               RETURNING r.*, p.provider, p.currency""",
            after,
        )
    )


async def lately_owed(conn: Connection, within_s: float, limit: int) -> list[Row]:
    """Payments of bookings changed within `within_s` seconds that are owed more than was sent back.

    Where a refund has failed or nothing is left another sweep decides: here they would be in the way.
    Payments are looked up one by one (OFFSET 0), from the few bookings that changed: no plan reads them all.
    """
    return list(
        await conn.fetch(
            """SELECT p.id AS payment_id FROM bookings b
               CROSS JOIN LATERAL (SELECT id, amount FROM payments
                                   WHERE booking_id = b.id AND status = 'succeeded' OFFSET 0) p
               CROSS JOIN LATERAL (
                   SELECT coalesce(sum(r.amount) FILTER (WHERE r.status <> 'failed'), 0) AS made,
                          coalesce(sum(r.amount) FILTER (WHERE r.status <> 'failed' AND r.booking_due), 0)
                              AS due,
                          count(*) FILTER (WHERE r.status = 'failed' AND r.booking_due) AS failed
                   FROM refunds r WHERE r.payment_id = p.id
               ) AS sums
               WHERE b.refund_due > 0 AND b.updated_at > now() - make_interval(secs => $1)
                 AND b.refund_due > sums.due AND sums.made < p.amount AND sums.failed = 0
               ORDER BY b.updated_at LIMIT $2""",
            within_s,
            limit,
        )
    )


async def owed_after(conn: Connection, updated_at: datetime, booking_id: UUID, limit: int) -> list[Row]:
    """Bookings that are owed something, in the order of changes, page by page by (updated_at, booking_id).

    Each with its succeeded payment, or null, and the sum sent back.
    """
    return list(
        await conn.fetch(
            """SELECT b.id AS booking_id, b.updated_at, p.id AS payment_id, b.refund_due,
                      (SELECT coalesce(sum(r.amount), 0) FROM refunds r
                       WHERE r.payment_id = p.id AND r.booking_due AND r.status <> 'failed') AS due_made
               FROM (SELECT id, updated_at, refund_due FROM bookings
                     WHERE refund_due > 0 AND (updated_at, id) > ($1, $2)
                     ORDER BY updated_at, id LIMIT $3) b
               LEFT JOIN LATERAL (SELECT id FROM payments
                                  WHERE booking_id = b.id AND status = 'succeeded' OFFSET 0) p ON true
               ORDER BY b.updated_at, b.id""",
            updated_at,
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
           WHERE b.refund_due > (SELECT coalesce(sum(r.amount), 0) FROM refunds r
                                 WHERE r.payment_id = p.id AND r.booking_due AND r.status <> 'failed')
           ORDER BY p.id""",
        within,
    )
    return [row["id"] for row in rows]


async def get_owed(conn: Connection, booking_id: UUID) -> Row:
    """What a booking is owed, and why."""
    return await conn.fetchrow("SELECT refund_due, refund_reason FROM bookings WHERE id = $1", booking_id)
