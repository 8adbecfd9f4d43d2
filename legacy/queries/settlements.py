"""All SQL of what bookings owe to other domains' doings: payments that came in, trips that were cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from common.database import Connection

Row = Any
"""An asyncpg.Record: read by column name."""


async def get_payment(conn: Connection, payment_id: UUID) -> Row | None:
    """The payment as far as its booking cares."""
    return await conn.fetchrow(
        "SELECT id, booking_id, status, amount, currency FROM payments WHERE id = $1", payment_id
    )


async def unsettled_payments(conn: Connection, within_s: float, limit: int) -> list[UUID]:
    """Payments that succeeded, of which their booking does not know; oldest first.

    All those of held bookings, and of others those that changed at most `within_s` seconds ago, so that the
    cost of asking every second does not grow with the years.
    """
    rows = await conn.fetch(
        """SELECT p.id, p.updated_at
           FROM bookings b JOIN payments p ON p.booking_id = b.id AND p.status = 'succeeded'
           WHERE b.status = 'held'
           UNION
           SELECT p.id, p.updated_at
           FROM payments p JOIN bookings b ON b.id = p.booking_id
           WHERE p.status = 'succeeded' AND p.updated_at > now() - make_interval(secs => $1)
             AND b.payment_id IS DISTINCT FROM p.id
           ORDER BY 2 LIMIT $2""",
        within_s,
        limit,
    )
    return [row["id"] for row in rows]


async def bookings_of_just_cancelled_trips(conn: Connection, within_s: float, limit: int) -> list[UUID]:
    """Bookings that are held or confirmed on a departure that was cancelled `within_s` seconds ago or less."""
    rows = await conn.fetch(
        """SELECT b.id
           FROM trips t
           JOIN bookings b ON b.trip_id = t.id AND b.status IN ('held', 'confirmed')
           WHERE t.status = 'cancelled' AND t.updated_at > now() - make_interval(secs => $1)
           LIMIT $2""",
        within_s,
        limit,
    )
    return [row["id"] for row in rows]


async def bookings_of_cancelled_trips(conn: Connection, limit: int) -> list[UUID]:
    """Like that, whenever it was cancelled; but for departures of more than a month ago."""
    rows = await conn.fetch(
        """SELECT b.id
           FROM trips t
           JOIN bookings b ON b.trip_id = t.id AND b.status IN ('held', 'confirmed')
           WHERE t.status = 'cancelled' AND t.departs_at > now() - interval '30 days'
           LIMIT $1""",
        limit,
    )
    return [row["id"] for row in rows]


async def lock_if_free(conn: Connection, booking_ids: Collection[UUID]) -> list[UUID]:
    """Those of the bookings that nobody is changing, locked."""
    rows = await conn.fetch(
        "SELECT id FROM bookings WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE SKIP LOCKED",
        list(booking_ids),
    )
    return [row["id"] for row in rows]
