"""All SQL of what others did while a sale was on its way: another bus came, somebody boarded."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from common.database import Connection
    from services.ticketing.repository import Row


async def unseated_lately(conn: Connection, limit: int) -> list[UUID]:
    """Bookings with a seat that the bus lacks, of departures that were given other seats within ten minutes.

    Without the layout nobody knows which seats there are, and whoever is on board has one.
    """
    rows = await conn.fetch(
        """SELECT DISTINCT c.booking_id
           FROM trips t
           CROSS JOIN LATERAL (SELECT booking_id, ticket_id, seat FROM seat_claims
                               WHERE trip_id = t.id AND status IN ('held', 'confirmed') OFFSET 0) c
           WHERE t.reseated_at > now() - interval '10 minutes' AND t.status = 'scheduled'
             AND EXISTS (SELECT FROM layouts l WHERE l.id = t.layout_id)
             AND NOT EXISTS (SELECT FROM layout_seats s WHERE s.layout_id = t.layout_id AND s.seat = c.seat)
             AND NOT EXISTS (SELECT FROM check_ins i WHERE i.ticket_id = c.ticket_id)
           LIMIT $1""",
        limit,
    )
    return [row["booking_id"] for row in rows]


async def reseated_after(conn: Connection, reseated_at: datetime, after: UUID, limit: int) -> list[Row]:
    """Departures that were given other seats, page by page by (reseated_at, id), each with such bookings."""
    return list(
        await conn.fetch(
            """SELECT t.id, t.reseated_at, ARRAY(
                          SELECT DISTINCT c.booking_id FROM seat_claims c
                          WHERE c.trip_id = t.id AND c.status IN ('held', 'confirmed')
                            AND EXISTS (SELECT FROM layouts l WHERE l.id = t.layout_id)
                            AND NOT EXISTS (SELECT FROM layout_seats s
                                            WHERE s.layout_id = t.layout_id AND s.seat = c.seat)
                            AND NOT EXISTS (SELECT FROM check_ins i WHERE i.ticket_id = c.ticket_id))
                          AS booking_ids
               FROM (SELECT id, reseated_at, layout_id FROM trips
                     WHERE reseated_at IS NOT NULL AND status = 'scheduled' AND (reseated_at, id) > ($1, $2)
                     ORDER BY reseated_at, id LIMIT $3) t
               ORDER BY t.reseated_at, t.id""",
            reseated_at,
            after,
            limit,
        )
    )


async def keep_layout(conn: Connection, trip_id: UUID) -> UUID | None:
    """The trip's layout, which nobody changes until the transaction ends; None if it is not known here."""
    # Two statements: the second one sees the layout of a bus that was put on while the first one waited.
    layout_id: UUID | None = await conn.fetchval(
        "SELECT layout_id FROM trips WHERE id = $1 FOR SHARE", trip_id
    )
    is_here: bool = await conn.fetchval("SELECT EXISTS (SELECT FROM layouts WHERE id = $1)", layout_id)
    return layout_id if is_here else None


async def list_seats(conn: Connection, layout_id: UUID) -> set[str]:
    rows = await conn.fetch("SELECT seat FROM layout_seats WHERE layout_id = $1", layout_id)
    return {row["seat"] for row in rows}


async def has_lost_seats(conn: Connection, booking_id: UUID) -> bool:
    """Whether seats that cost nothing so far were withdrawn from the booking, and the bus lacks them still.

    What was paid for is owed back, and the booking holds the reason.
    """
    lost: bool = await conn.fetchval(
        """SELECT EXISTS (
               SELECT FROM tickets k JOIN trips t ON t.id = k.trip_id
               WHERE k.booking_id = $1 AND k.status = 'cancelled' AND (NOT k.sold OR k.price_minor = 0)
                 AND k.updated_at >= t.reseated_at
                 AND EXISTS (SELECT FROM layouts l WHERE l.id = t.layout_id)
                 AND NOT EXISTS (SELECT FROM layout_seats s
                                 WHERE s.layout_id = t.layout_id AND s.seat = k.seat))""",
        booking_id,
    )
    return lost


async def boarded_lately(conn: Connection, limit: int) -> list[Row]:
    """Check-ins heard of within a minute whose tickets had been given back: `ticket_id` and `booking_id`.

    Not those of a cancelled departure: that pays back whoever is on board as well.
    """
    return list(
        await conn.fetch(
            """SELECT i.ticket_id, k.booking_id
               FROM check_ins i
               CROSS JOIN LATERAL (SELECT booking_id, trip_id FROM tickets
                                   WHERE id = i.ticket_id AND status = 'cancelled' OFFSET 0) k
               WHERE i.heard_at > now() - interval '1 minute' AND NOT i.crossed
                 AND (SELECT t.status FROM trips t WHERE t.id = k.trip_id) IS DISTINCT FROM 'cancelled'
               LIMIT $1""",
            limit,
        )
    )


async def boarded_after(conn: Connection, heard_at: datetime, after: UUID, limit: int) -> list[Row]:
    """Check-ins page by page by (heard_at, ticket_id); `crossed` are those like in `boarded_lately`."""
    return list(
        await conn.fetch(
            """SELECT i.ticket_id, i.heard_at, k.booking_id,
                      coalesce(NOT i.crossed AND k.status = 'cancelled'
                               AND (SELECT t.status FROM trips t WHERE t.id = k.trip_id)
                                   IS DISTINCT FROM 'cancelled', false) AS crossed
               FROM (SELECT ticket_id, heard_at, crossed FROM check_ins WHERE (heard_at, ticket_id) > ($1, $2)
                     ORDER BY heard_at, ticket_id LIMIT $3) i
               LEFT JOIN tickets k ON k.id = i.ticket_id
               ORDER BY i.heard_at, i.ticket_id""",
            heard_at,
            after,
            limit,
        )
    )


async def mark_crossed(conn: Connection, ticket_id: UUID) -> bool:
    """Whether nobody had marked it before."""
    marked: bool | None = await conn.fetchval(
        "UPDATE check_ins SET crossed = true WHERE ticket_id = $1 AND NOT crossed RETURNING true", ticket_id
    )
    return marked is True
