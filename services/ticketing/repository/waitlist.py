"""All SQL of waiting for seats."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from common.database import Connection
    from services.ticketing.repository import Row


async def insert_waiting(
    conn: Connection, waiting_id: UUID, trip_id: UUID, user_id: UUID, from_seq: int, to_seq: int, seats: int
) -> bool:
    """Whether there was no other entry of the user that waits for this trip."""
    inserted = await conn.fetchval(
        """INSERT INTO waitlist (id, trip_id, user_id, from_seq, to_seq, seats)
           VALUES ($1, $2, $3, $4, $5, $6)
           ON CONFLICT (trip_id, user_id) WHERE status = 'waiting' DO NOTHING
           RETURNING true""",
        waiting_id,
        trip_id,
        user_id,
        from_seq,
        to_seq,
        seats,
    )
    return inserted is not None


async def get_waiting(conn: Connection, waiting_id: UUID) -> Row | None:
    """With its position among those who wait for seats on an overlapping stretch."""
    return await conn.fetchrow(
        """SELECT w.*, (SELECT count(*) FROM waitlist o
                        WHERE o.trip_id = w.trip_id AND o.status = 'waiting' AND o.id <= w.id
                          AND o.from_seq < w.to_seq AND o.to_seq > w.from_seq) AS position
           FROM waitlist w WHERE w.id = $1""",
        waiting_id,
    )


async def list_waiting(conn: Connection, user_id: UUID, after: UUID | None, limit: int) -> list[Row]:
    """A user's entries, newest first."""
    return list(
        await conn.fetch(
            """SELECT w.*, (SELECT count(*) FROM waitlist o
                            WHERE o.trip_id = w.trip_id AND o.status = 'waiting' AND o.id <= w.id
                              AND o.from_seq < w.to_seq AND o.to_seq > w.from_seq) AS position
               FROM waitlist w
               WHERE w.user_id = $1 AND ($2::uuid IS NULL OR w.id < $2)
               ORDER BY w.id DESC LIMIT $3""",
            user_id,
            after,
            limit,
        )
    )


async def give_up(conn: Connection, waiting_id: UUID, user_id: UUID) -> bool:
    """Whether it is an entry of the user's; one that is given up already stays so.

    When is noted of who was told of seats: these are now the next one's.
    """
    found = await conn.fetchval(
        """UPDATE waitlist
           SET status = 'cancelled',
               given_up_at = CASE WHEN status = 'notified' THEN now() ELSE given_up_at END
           WHERE id = $1 AND user_id = $2 RETURNING true""",
        waiting_id,
        user_id,
    )
    return found is not None


async def freed_trips(conn: Connection, within_s: float, promised_s: float, limit: int) -> list[UUID]:
    """Trips for which somebody waits and where seats may have become free within `within_s` seconds.

    Because some were given back, because the wait began while they were, or because a promise ended: its time
    is over, or who had it has booked or given up.
    """
    rows = await conn.fetch(
        """WITH freed AS MATERIALIZED (
               SELECT trip_id FROM tickets
               WHERE status IN ('cancelled', 'expired') AND updated_at > now() - make_interval(secs => $1)
               UNION
               SELECT trip_id FROM waitlist
               WHERE status = 'waiting' AND created_at > now() - make_interval(secs => $1)
               UNION
               SELECT trip_id FROM waitlist
               WHERE status = 'notified' AND notified_at <= now() - make_interval(secs => $2)
                 AND notified_at > now() - make_interval(secs => $1 + $2)
               UNION
               SELECT n.trip_id FROM waitlist n
               CROSS JOIN LATERAL (SELECT FROM bookings b
                                   WHERE b.user_id = n.user_id AND b.trip_id = n.trip_id
                                     AND b.status IN ('held', 'confirmed')
                                     AND b.created_at > now() - make_interval(secs => $1) OFFSET 0) b
               WHERE n.status = 'notified' AND n.notified_at > now() - make_interval(secs => $2)
               UNION
               SELECT trip_id FROM waitlist WHERE given_up_at > now() - make_interval(secs => $1)
           )
           SELECT trip_id FROM freed
           WHERE (SELECT true FROM waitlist w
                  WHERE w.trip_id = freed.trip_id AND w.status = 'waiting' LIMIT 1)
           ORDER BY trip_id LIMIT $3""",
        within_s,
        promised_s,
        limit,
    )
    return [row["trip_id"] for row in rows]


async def trips_after(conn: Connection, trip_id: UUID | None, limit: int) -> list[UUID]:
    """Trips for which somebody waits, page by page by id."""
    rows = await conn.fetch(
        """SELECT DISTINCT trip_id FROM waitlist
           WHERE status = 'waiting' AND ($1::uuid IS NULL OR trip_id > $1)
           ORDER BY trip_id LIMIT $2""",
        trip_id,
        limit,
    )
    return [row["trip_id"] for row in rows]


async def take_turn(conn: Connection) -> None:
    """Wait until nobody else is telling those who wait; until the transaction ends nobody else will."""
    await conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('who waits for seats is told', 0))")


async def close_for_good(conn: Connection, trip_ids: Collection[UUID]) -> None:
    """Nobody waits any more for what is cancelled or has left."""
    await conn.execute(
        """UPDATE waitlist w SET status = 'cancelled'
           FROM trips t JOIN route_stops f ON f.route_id = t.route_id
           WHERE w.trip_id = ANY($1::uuid[]) AND w.status = 'waiting' AND t.id = w.trip_id
             AND f.seq = w.from_seq
             AND (t.status = 'cancelled'
                  OR t.departs_at + make_interval(secs => f.depart_s, mins => t.delay_min) <= now())""",
        list(trip_ids),
    )


async def waiting_with_seats(
    conn: Connection, trip_ids: Collection[UUID], promised_s: float, limit: int
) -> list[Row]:
    """Entries for which there are seats now, first come first: with all that a notice says, and `free`.

    Not counted as free are seats for those who were told within `promised_s` seconds and have not booked.
    """
    return list(
        await conn.fetch(
            """SELECT w.*, free.seats - promised.seats AS free, u.email AS contact_email,
                      u.locale AS user_locale, t.departs_at, t.delay_min, t.depart_s, t.arrive_s,
                      t.from_name, t.from_city, t.from_zone, t.to_name, t.to_city, t.to_zone,
                      t.company_name, t.route_name
               FROM waitlist w
               CROSS JOIN LATERAL trip_stretch(w.trip_id, w.from_seq, w.to_seq) t
               JOIN layouts l ON l.id = t.layout_id
               CROSS JOIN LATERAL (
                   SELECT l.capacity - count(DISTINCT s.seat) AS seats FROM seat_claims s
                   WHERE s.trip_id = w.trip_id AND s.segment && int4range(w.from_seq, w.to_seq)
                     AND s.status IN ('held', 'confirmed')
                     AND (s.status = 'confirmed' OR s.expires_at > now())
               ) free
               CROSS JOIN LATERAL (
                   SELECT coalesce(sum(n.seats), 0) AS seats FROM waitlist n
                   WHERE n.trip_id = w.trip_id AND n.status = 'notified'
                     AND n.notified_at > now() - make_interval(secs => $1)
                     AND n.from_seq < w.to_seq AND n.to_seq > w.from_seq
                     AND NOT EXISTS (SELECT FROM bookings b WHERE b.user_id = n.user_id
                                     AND b.trip_id = n.trip_id AND b.created_at >= n.notified_at)
               ) promised
               JOIN contacts u ON u.user_id = w.user_id
               WHERE w.trip_id = ANY($3::uuid[]) AND w.status = 'waiting' AND t.company_status = 'active'
                 AND free.seats - promised.seats >= w.seats
               ORDER BY w.id LIMIT $2
               FOR UPDATE OF w SKIP LOCKED""",
            promised_s,
            limit,
            list(trip_ids),
        )
    )


async def mark_notified(conn: Connection, waiting_ids: Collection[UUID]) -> None:
    await conn.execute(
        "UPDATE waitlist SET status = 'notified', notified_at = now() WHERE id = ANY($1::uuid[])",
        list(waiting_ids),
    )


async def get_own(conn: Connection, trip_id: UUID, user_id: UUID) -> Row | None:
    """The user's entry that waits for the trip, with its position."""
    return await conn.fetchrow(
        """SELECT w.*, (SELECT count(*) FROM waitlist o
                        WHERE o.trip_id = w.trip_id AND o.status = 'waiting' AND o.id <= w.id
                          AND o.from_seq < w.to_seq AND o.to_seq > w.from_seq) AS position
           FROM waitlist w WHERE w.trip_id = $1 AND w.user_id = $2 AND w.status = 'waiting'""",
        trip_id,
        user_id,
    )


async def list_open(conn: Connection, user_id: UUID) -> list[Row]:
    """What a user waits for, or has been told of and can still ride, soonest first, with both its ends."""
    return list(
        await conn.fetch(
            """SELECT w.*, t.from_city, t.from_zone, t.to_city,
                      t.departs_at + make_interval(secs => t.depart_s) AS boards_at
               FROM waitlist w
               CROSS JOIN LATERAL trip_stretch(w.trip_id, w.from_seq, w.to_seq) t
               WHERE w.user_id = $1 AND w.status IN ('waiting', 'notified') AND t.trip_status = 'scheduled'
                 AND t.departs_at + make_interval(secs => t.depart_s, mins => t.delay_min) > now()
               ORDER BY boards_at LIMIT 20""",
            user_id,
        )
    )
