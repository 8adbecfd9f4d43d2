"""All SQL that changes and reads bookings with their tickets and claims.

Whoever changes a booking locks it first; who wants several locks them in the order of their ids, and claims
seats in the order of their names. That order is what keeps any two of them from waiting for each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from uuid import UUID

    from common.database import Connection
    from services.ticketing.repository import Row


async def get_booking(conn: Connection, booking_id: UUID) -> Row | None:
    """A booking as the wire shows it, but for its tickets."""
    return await conn.fetchrow(
        """SELECT b.*, coalesce((SELECT locale FROM contacts k WHERE k.user_id = b.user_id), 'en')
                      AS user_locale, now() AS now
           FROM shown_bookings b WHERE b.id = $1""",
        booking_id,
    )


async def lock_booking(conn: Connection, booking_id: UUID) -> Row | None:
    """Like `get_booking`, and nobody else can change it, or its tickets, until the transaction ends."""
    # Two statements: the second one sees what whoever had the lock before has left.
    await conn.execute("SELECT FROM bookings WHERE id = $1 FOR UPDATE", booking_id)
    return await get_booking(conn, booking_id)


async def list_bookings(
    conn: Connection, user_id: UUID, status: str | None, when: str | None, after: UUID | None, limit: int
) -> list[Row]:
    """A user's bookings, newest first; a hold whose time is over counts as expired."""
    return list(
        await conn.fetch(
            """SELECT b.*, now() AS now
               FROM shown_bookings b
               WHERE b.user_id = $1
                 AND ($2::text IS NULL
                      OR $2 = CASE WHEN b.status = 'held' AND b.expires_at <= now() THEN 'expired'
                                   ELSE b.status END)
                 AND ($3::text IS NULL
                      OR ($3 = 'upcoming')
                         = (b.departs_at + make_interval(secs => b.depart_s, mins => b.delay_min) > now()))
                 AND ($4::uuid IS NULL OR b.id < $4)
               ORDER BY b.id DESC LIMIT $5""",
            user_id,
            status,
            when,
            after,
            limit,
        )
    )


async def list_tickets(conn: Connection, booking_ids: Collection[UUID]) -> list[Row]:
    """The tickets of these bookings, each in the order that its passengers were named.

    Which ids they are is kept from the planner (a subquery): what it would gain is less than planning anew.
    """
    return list(
        await conn.fetch(
            """SELECT k.*, c.checked_in_at
               FROM tickets k LEFT JOIN check_ins c ON c.ticket_id = k.id
               WHERE k.booking_id = ANY(ARRAY(SELECT unnest($1::uuid[])))
               ORDER BY k.booking_id, k.id""",
            list(booking_ids),
        )
    )


async def save_booking(
    conn: Connection,
    *,
    booking_id: UUID,
    status: str,
    seats: int,
    total_minor: int,
    refund_due_minor: int,
    refund_reason: str | None,
    payment_id: UUID | None,
    ticket_ids: Sequence[UUID],
    ticket_statuses: Sequence[str],
    ticket_refunds: Sequence[int],
) -> None:
    """Write a booking and those of its tickets that changed, with their claims; the caller has locked it.

    Claims follow their tickets, but for those that were claimed again, see `reclaim_seat`. How many tickets
    there are is kept from the planner, see `list_tickets`.
    """
    await conn.execute(
        """WITH changed AS MATERIALIZED (
               SELECT * FROM unnest((SELECT $8::uuid[]), (SELECT $9::text[]), (SELECT $10::bigint[]))
                             AS c (id, status, refund_due)
           ), ticketed AS (
               UPDATE tickets t
               SET status = changed.status, refund_due_minor = changed.refund_due,
                   sold = t.sold OR changed.status = 'confirmed', updated_at = now()
               FROM changed WHERE t.id = changed.id
           ), claimed AS (
               UPDATE seat_claims s SET status = changed.status
               FROM changed WHERE s.ticket_id = changed.id AND s.status <> changed.status
           )
           UPDATE bookings
           SET status = $2, seats = $3, total_minor = $4, refund_due_minor = $5, refund_reason = $6,
               payment_id = $7, updated_at = now()
           WHERE id = $1""",
        booking_id,
        status,
        seats,
        total_minor,
        refund_due_minor,
        refund_reason,
        payment_id,
        ticket_ids,
        ticket_statuses,
        ticket_refunds,
    )


async def reclaim_seat(conn: Connection, ticket_id: UUID) -> None:
    """Take the seat of an expired claim again; raises ExclusionViolationError if it is somebody else's."""
    await conn.execute("UPDATE seat_claims SET status = 'confirmed' WHERE ticket_id = $1", ticket_id)


async def is_paid(conn: Connection, booking_id: UUID) -> bool:
    """Whether money has arrived, be the booking confirmed already or in a moment."""
    paid: bool = await conn.fetchval(
        "SELECT EXISTS (SELECT FROM payments WHERE booking_id = $1 AND status = 'succeeded')", booking_id
    )
    return paid
