"""All SQL of what bookings owe to other domains' doings: payments that came in, trips that were cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from uuid import UUID

    from common.database import Connection

Row = Any
"""An asyncpg.Record: read by column name."""


async def get_payment(conn: Connection, payment_id: UUID) -> Row | None:
    """The payment as far as its booking cares."""
    return await conn.fetchrow(
        "SELECT id, booking_id, status, amount, currency FROM payments WHERE id = $1", payment_id
    )


async def unsettled_lately(conn: Connection, within_s: float, limit: int) -> list[UUID]:
    """Payments of which their booking does not know yet: those that succeeded within `within_s` seconds.

    And those that keep a hold from expiring when its time is over. What belongs to the few that changed is
    looked up one by one (a subquery, OFFSET 0), so that no plan reads the history instead.
    """
    rows = await conn.fetch(
        """SELECT p.id FROM payments p
           WHERE p.status = 'succeeded' AND p.updated_at > now() - make_interval(secs => $1)
             AND (SELECT b.payment_id IS DISTINCT FROM p.id FROM bookings b WHERE b.id = p.booking_id)
           UNION
           SELECT paid.id
           FROM bookings b
           CROSS JOIN LATERAL (SELECT p.id FROM payments p
                               WHERE p.booking_id = b.id AND p.status = 'succeeded' OFFSET 0) paid
           WHERE b.status = 'held' AND b.expires_at <= now()
           LIMIT $2""",
        within_s,
        limit,
    )
    return [row["id"] for row in rows]


async def unsettled_holds(conn: Connection, after: UUID | None, limit: int) -> list[Row]:
    """Held bookings page by page by `id`, each with the payment that has succeeded for it, or null."""
    return list(
        await conn.fetch(
            """SELECT b.id, (SELECT p.id FROM payments p
                             WHERE p.booking_id = b.id AND p.status = 'succeeded' LIMIT 1) AS payment_id
               FROM (SELECT id FROM bookings WHERE status = 'held' AND ($1::uuid IS NULL OR id > $1)
                     ORDER BY id LIMIT $2) b
               ORDER BY b.id""",
            after,
            limit,
        )
    )


async def succeeded_after(conn: Connection, updated_at: datetime, after: UUID, limit: int) -> list[Row]:
    """Succeeded payments in the order in which they changed, page by page by (updated_at, id).

    `unsettled` are those of which their booking does not know.
    """
    return list(
        await conn.fetch(
            """SELECT p.id, p.updated_at, (SELECT b.payment_id IS DISTINCT FROM p.id FROM bookings b
                                           WHERE b.id = p.booking_id) AS unsettled
               FROM (SELECT id, booking_id, updated_at FROM payments
                     WHERE status = 'succeeded' AND (updated_at, id) > ($1, $2)
                     ORDER BY updated_at, id LIMIT $3) p
               ORDER BY p.updated_at, p.id""",
            updated_at,
            after,
            limit,
        )
    )


async def called_off_lately(conn: Connection, within_s: float, limit: int) -> list[UUID]:
    """Bookings held or confirmed on departures that were cancelled within `within_s` seconds."""
    rows = await conn.fetch(
        """SELECT b.id
           FROM trips t
           CROSS JOIN LATERAL (SELECT id FROM bookings
                               WHERE trip_id = t.id AND status IN ('held', 'confirmed') OFFSET 0) b
           WHERE t.status = 'cancelled' AND t.updated_at > now() - make_interval(secs => $1)
           LIMIT $2""",
        within_s,
        limit,
    )
    return [row["id"] for row in rows]


async def called_off_after(conn: Connection, departs_at: datetime, after: UUID, limit: int) -> list[Row]:
    """Cancelled departures page by page by (departs_at, id), each with its held and confirmed bookings."""
    return list(
        await conn.fetch(
            """SELECT t.id, t.departs_at, ARRAY(SELECT b.id FROM bookings b
                                                WHERE b.trip_id = t.id AND b.status IN ('held', 'confirmed'))
                          AS booking_ids
               FROM (SELECT id, departs_at FROM trips
                     WHERE status = 'cancelled' AND (departs_at, id) > ($1, $2)
                     ORDER BY departs_at, id LIMIT $3) t
               ORDER BY t.departs_at, t.id""",
            departs_at,
            after,
            limit,
        )
    )


async def keep_layout(conn: Connection, trip_id: UUID) -> UUID:
    """The trip's layout, which nobody changes until the transaction ends; who holds seats need not wait."""
    layout_id: UUID = await conn.fetchval("SELECT layout_id FROM trips WHERE id = $1 FOR SHARE", trip_id)
    return layout_id


async def lock_if_free(conn: Connection, booking_ids: Collection[UUID]) -> list[UUID]:
    """Those of the bookings that nobody is changing, locked."""
    rows = await conn.fetch(
        "SELECT id FROM bookings WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE SKIP LOCKED",
        list(booking_ids),
    )
    return [row["id"] for row in rows]
