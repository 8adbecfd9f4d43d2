"""All SQL of seats on a trip: what a layout has, and what of it is taken on a stretch."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from common.database import Connection
    from services.ticketing.repository import Row


async def get_layouts(conn: Connection, layout_ids: Collection[UUID]) -> list[Row]:
    return list(
        await conn.fetch(
            "SELECT id, decks, classes, seats FROM layouts WHERE id = ANY($1::uuid[])", list(layout_ids)
        )
    )


async def get_stretch(
    conn: Connection, trip_id: UUID, from_seq: int | None, to_seq: int | None
) -> Row | None:
    """A trip's stretch for the seat map, and what is `taken` there: pairs of a seat and its claim's status.

    None if there is no such trip. Without `to_seq` it goes to the last stop. `last_seq` is the route's; the
    fares are null if a stop is not.
    """
    return await conn.fetchrow(
        """SELECT t.id AS trip_id, t.status, t.layout_id, t.departs_at, t.delay_min, t.route_id,
                  t.company_id, r.currency, s.from_seq, s.to_seq, r.last_seq,
                  f.fare_sum_minor AS sum_from, o.fare_sum_minor AS sum_to, f.depart_s, now() AS now,
                  ARRAY(SELECT ARRAY[c.seat, c.status] FROM seat_claims c
                        WHERE c.trip_id = t.id AND c.segment && int4range(s.from_seq, s.to_seq)
                          AND c.status IN ('held', 'confirmed')
                          AND (c.status = 'confirmed' OR c.expires_at > now())) AS taken
           FROM trips t
           JOIN routes r ON r.id = t.route_id
           CROSS JOIN LATERAL (
               SELECT coalesce($2::integer, 0) AS from_seq,
                      -- an order that makes no range is refused by whoever asked, not here
                      greatest(coalesce($3::integer, r.last_seq), coalesce($2, 0)) AS to_seq
           ) s
           LEFT JOIN route_stops f ON f.route_id = t.route_id AND f.seq = s.from_seq
           LEFT JOIN route_stops o ON o.route_id = t.route_id AND o.seq = s.to_seq
           WHERE t.id = $1""",
        trip_id,
        from_seq,
        to_seq,
    )


async def list_stops(conn: Connection, trip_id: UUID) -> list[Row]:
    """The stops of a trip's route in order, for a passenger to choose a stretch from."""
    return list(
        await conn.fetch(
            """SELECT rs.seq, rs.stop_id, s.name, s.city, s.time_zone, rs.fare_sum_minor,
                      t.departs_at + make_interval(secs => rs.arrive_s) AS arrives_at,
                      t.departs_at + make_interval(secs => rs.depart_s) AS departs_at
               FROM trips t
               JOIN route_stops rs ON rs.route_id = t.route_id
               JOIN stops s ON s.id = rs.stop_id
               WHERE t.id = $1 ORDER BY rs.seq""",
            trip_id,
        )
    )
