"""All SQL of payments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import timedelta
    from uuid import UUID

    from common.database import Connection
    from services.payment.domain.ledger import Sides

Row = Any
"""An asyncpg.Record: read by column name."""


async def insert_for_held(
    conn: Connection, payment_id: UUID, booking_id: UUID, user_id: UUID, provider: str
) -> Row | None:
    """A payment for a booking that is held for the user by all we know; or None, and somebody looks why.

    `domain.payments.why_not_payable`, in one statement for what is nearly always so.
    """
    return await conn.fetchrow(
        """INSERT INTO payments
               (id, booking_id, user_id, company_id, provider, status, amount_minor, currency)
           SELECT $1, id, user_id, company_id, $4, 'requires_method', total_minor, currency
           FROM bookings
           WHERE id = $2 AND user_id = $3 AND status = 'held' AND expires_at > now() AND total_minor > 0
           ON CONFLICT (booking_id) WHERE status IN ('requires_method', 'processing', 'succeeded') DO NOTHING
           RETURNING *""",
        payment_id,
        booking_id,
        user_id,
        provider,
    )


async def insert_payment(
    conn: Connection,
    payment_id: UUID,
    *,
    booking_id: UUID,
    user_id: UUID,
    company_id: UUID,
    provider: str,
    amount_minor: int,
    currency: str,
) -> Row | None:
    """A payment, or None if the booking has an open or a succeeded one."""
    return await conn.fetchrow(
        """INSERT INTO payments
               (id, booking_id, user_id, company_id, provider, status, amount_minor, currency)
           VALUES ($1, $2, $3, $4, $5, 'requires_method', $6, $7)
           ON CONFLICT (booking_id) WHERE status IN ('requires_method', 'processing', 'succeeded') DO NOTHING
           RETURNING *""",
        payment_id,
        booking_id,
        user_id,
        company_id,
        provider,
        amount_minor,
        currency,
    )


async def get_standing_payment(conn: Connection, booking_id: UUID) -> Row | None:
    """The booking's payment that is open or has succeeded: there is one at most."""
    return await conn.fetchrow(
        """SELECT * FROM payments
           WHERE booking_id = $1 AND status IN ('requires_method', 'processing', 'succeeded')""",
        booking_id,
    )


async def get_payment(conn: Connection, payment_id: UUID) -> Row | None:
    """The payment, and whether it `has_refunds`."""
    return await conn.fetchrow(
        """SELECT p.*, EXISTS (SELECT FROM refunds r WHERE r.payment_id = p.id) AS has_refunds
           FROM payments p WHERE p.id = $1""",
        payment_id,
    )


async def lock_payment(conn: Connection, payment_id: UUID) -> Row | None:
    """The payment; its state and its refunds are this transaction's to change."""
    return await conn.fetchrow("SELECT * FROM payments WHERE id = $1 FOR NO KEY UPDATE", payment_id)


async def list_of_booking(conn: Connection, booking_id: UUID, before: UUID | None, limit: int) -> list[Row]:
    """As `get_payment` has them; the newest first."""
    return list(
        await conn.fetch(
            """SELECT p.*, EXISTS (SELECT FROM refunds r WHERE r.payment_id = p.id) AS has_refunds
               FROM payments p WHERE p.booking_id = $1 AND ($2::uuid IS NULL OR p.id < $2)
               ORDER BY p.id DESC LIMIT $3""",
            booking_id,
            before,
            limit,
        )
    )


async def list_of_user(conn: Connection, user_id: UUID, before: UUID | None, limit: int) -> list[Row]:
    """As `get_payment` has them; the newest first."""
    return list(
        await conn.fetch(
            """SELECT p.*, EXISTS (SELECT FROM refunds r WHERE r.payment_id = p.id) AS has_refunds
               FROM payments p WHERE p.user_id = $1 AND ($2::uuid IS NULL OR p.id < $2)
               ORDER BY p.id DESC LIMIT $3""",
            user_id,
            before,
            limit,
        )
    )


async def start_for_held(
    conn: Connection, payment_id: UUID, user_id: UUID, card_brand: str, card_last4: str
) -> Row | None:
    """The provider is about to be asked, if the user's payment and its booking allow it by all we know.

    None means that one of the two does not, and somebody looks which.
    """
    return await conn.fetchrow(
        """UPDATE payments p SET status = 'processing', card_brand = $3, card_last4 = $4,
                                 attempted_at = now(), updated_at = now()
           FROM bookings b
           WHERE p.id = $1 AND p.user_id = $2 AND p.status = 'requires_method'
             AND b.id = p.booking_id AND b.status = 'held' AND b.expires_at > now()
           RETURNING p.*""",
        payment_id,
        user_id,
        card_brand,
        card_last4,
    )


async def start_processing(
    conn: Connection, payment_id: UUID, card_brand: str, card_last4: str
) -> Row | None:
    """The provider is about to be asked; None if the payment takes no card any more."""
    return await conn.fetchrow(
        """UPDATE payments SET status = 'processing', card_brand = $2, card_last4 = $3, attempted_at = now(),
                               updated_at = now()
           WHERE id = $1 AND status = 'requires_method' RETURNING *""",
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
    """The new state of a payment that no money came for; `failure` is a code and a message."""
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


async def capture(
    conn: Connection, payment_id: UUID, reference: str | None, entry_id: UUID, sides: Sides
) -> None:
    """The payment's money came in, and is entered; a second entry of it is an error of the database."""
    await conn.execute(
        """WITH paid AS (
               UPDATE payments SET status = 'succeeded', provider_ref = coalesce(provider_ref, $2),
                                   next_action = NULL, failure_code = NULL, failure = NULL, updated_at = now()
               WHERE id = $1 RETURNING id, amount_minor, currency
           )
           INSERT INTO ledger (id, debit, credit, amount_minor, currency, payment_id, memo)
           SELECT $3, $4, $5, amount_minor, currency, id, 'capture' FROM paid""",
        payment_id,
        reference,
        entry_id,
        sides.debit,
        sides.credit,
    )


async def cancel_idle(conn: Connection, limit: int) -> int:
    """Close payments that nobody gave a card for: after a day, or once their booking takes none any more."""
    done = await conn.fetch(
        """UPDATE payments p SET status = 'cancelled', updated_at = now()
           FROM (SELECT p.id FROM payments p LEFT JOIN bookings b ON b.id = p.booking_id
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
    """A payment with what its page shows of the booking; that is null where nothing was told of it yet."""
    return await conn.fetchrow(
        """SELECT p.*, b.reference, b.status AS booking_status, b.expires_at, b.seats, b.journey,
                  c.name AS company_name
           FROM payments p
           LEFT JOIN bookings b ON b.id = p.booking_id
           LEFT JOIN companies c ON c.id = p.company_id
           WHERE p.id = $1""",
        payment_id,
    )
