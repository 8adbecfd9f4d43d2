"""All SQL of codes, scans and check-ins. Writes scans, and of tickets only who scanned them and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from common.database import Connection

Row = Any
"""An asyncpg.Record: read by column name."""


async def get_ticket(conn: Connection, ticket_id: UUID) -> Row | None:
    """A ticket with what its code is made of, and with what its page shows."""
    return await conn.fetchrow(
        """SELECT t.*, b.user_id, b.company_id, b.reference, b.status AS booking_status,
                  c.name AS company_name, r.name AS route_name, p.delay_min, p.status AS trip_status,
                  p.departs_at + make_interval(secs => f.depart_s) AS boards_at,
                  p.departs_at + make_interval(secs => l.arrive_s) AS alights_at, p.arrives_at,
                  fs.name AS from_name, fs.city AS from_city, fs.time_zone AS from_zone,
                  ls.name AS to_name, ls.city AS to_city, ls.time_zone AS to_zone
           FROM tickets t
           JOIN bookings b ON b.id = t.booking_id
           JOIN trips p ON p.id = t.trip_id
           JOIN companies c ON c.id = p.company_id
           JOIN routes r ON r.id = p.route_id
           JOIN route_stops f ON f.route_id = p.route_id AND f.seq = t.from_seq
           JOIN route_stops l ON l.route_id = p.route_id AND l.seq = t.to_seq
           JOIN stops fs ON fs.id = f.stop_id
           JOIN stops ls ON ls.id = l.stop_id
           WHERE t.id = $1""",
        ticket_id,
    )


async def get_live_ticket(conn: Connection, ticket_id: UUID) -> Row | None:
    """What a verdict asks of a ticket."""
    return await conn.fetchrow(
        """SELECT t.id, t.trip_id, p.company_id, t.status, p.status AS trip_status, t.qr_serial, t.seat,
                  t.passenger_name, t.from_seq, t.to_seq, t.scanned_at
           FROM tickets t JOIN trips p ON p.id = t.trip_id
           WHERE t.id = $1""",
        ticket_id,
    )


async def lock_live_tickets(conn: Connection, ticket_ids: Sequence[UUID]) -> list[Row]:
    """Like `get_live_ticket`, locked against other scans and cancellations, always in the order of ids."""
    return list(
        await conn.fetch(
            """SELECT t.id, t.trip_id, p.company_id, t.status, p.status AS trip_status, t.qr_serial, t.seat,
                      t.passenger_name, t.from_seq, t.to_seq, t.scanned_at
               FROM tickets t JOIN trips p ON p.id = t.trip_id
               WHERE t.id = ANY($1)
               ORDER BY t.id
               FOR NO KEY UPDATE OF t""",
            ticket_ids,
        )
    )


async def mark_scanned(
    conn: Connection, ticket_ids: Sequence[UUID], at: Sequence[datetime], scanned_by: UUID
) -> set[UUID]:
    """Tickets that nobody had scanned are scanned now; answers which those were."""
    rows = await conn.fetch(
        """UPDATE tickets t SET scanned_at = s.at, scanned_by = $3
           FROM unnest($1::uuid[], $2::timestamptz[]) AS s (id, at)
           WHERE t.id = s.id AND t.scanned_at IS NULL
           RETURNING t.id""",
        ticket_ids,
        at,
        scanned_by,
    )
    return {row["id"] for row in rows}


async def scans_of_nonces(conn: Connection, scanned_by: UUID, nonces: Sequence[str]) -> list[Row]:
    """The scans that somebody made before under these nonces."""
    return list(
        await conn.fetch(
            """SELECT s.*, t.seat, t.passenger_name FROM scans s LEFT JOIN tickets t ON t.id = s.ticket_id
               WHERE s.scanned_by = $1 AND s.nonce = ANY($2)""",
            scanned_by,
            nonces,
        )
    )


async def recording_at(conn: Connection) -> datetime:
    """What `recorded_at` will be of all that this transaction writes."""
    now: datetime = await conn.fetchval("SELECT now()")
    return now


async def insert_scans(conn: Connection, scans: Sequence[Mapping[str, Any]]) -> None:
    """Write scans, whose values are in the order of the columns here."""
    await conn.executemany(
        """INSERT INTO scans (id, ticket_id, trip_id, nonce, result, recorded, duplicate, offline, stop_seq,
                              device_id, scanned_by, scanned_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)""",
        [tuple(scan.values()) for scan in scans],
    )


async def get_trip(conn: Connection, trip_id: UUID) -> Row | None:
    return await conn.fetchrow("SELECT id, company_id FROM trips WHERE id = $1", trip_id)


async def trips_of(conn: Connection, trip_ids: Sequence[UUID], company_id: UUID | None) -> set[UUID]:
    """Which of these trips there are, of the company if one is given."""
    rows = await conn.fetch(
        "SELECT id FROM trips WHERE id = ANY($1) AND ($2::uuid IS NULL OR company_id = $2)",
        trip_ids,
        company_id,
    )
    return {row["id"] for row in rows}


async def list_check_ins(conn: Connection, trip_id: UUID, after: UUID | None, limit: int) -> list[Row]:
    return list(
        await conn.fetch(
            """SELECT s.*, t.seat, t.passenger_name FROM scans s JOIN tickets t ON t.id = s.ticket_id
               WHERE s.trip_id = $1 AND s.recorded AND ($2::uuid IS NULL OR s.id > $2)
               ORDER BY s.id LIMIT $3""",
            trip_id,
            after,
            limit,
        )
    )


async def list_tickets_offline(conn: Connection, trip_id: UUID) -> list[Row]:
    """Every ticket of a trip that is good or may have been, so that its code may be about."""
    return list(
        await conn.fetch(
            """SELECT id, seat, passenger_name, from_seq, to_seq, qr_serial, status, scanned_at
               FROM tickets
               WHERE trip_id = $1 AND status IN ('confirmed', 'cancelled')
               ORDER BY seat, from_seq, id""",
            trip_id,
        )
    )


async def departures_to_scan(conn: Connection, company_id: UUID | None, since: datetime) -> list[Row]:
    """Departures under way or leaving within a day; without a company of all."""
    return list(
        await conn.fetch(
            """SELECT p.id, p.departs_at, p.delay_min, r.name AS route_name, s.time_zone, b.plate
               FROM trips p
               JOIN routes r ON r.id = p.route_id
               JOIN route_stops f ON f.route_id = p.route_id AND f.seq = 0
               JOIN stops s ON s.id = f.stop_id
               LEFT JOIN buses b ON b.id = p.bus_id
               WHERE ($1::uuid IS NULL OR p.company_id = $1) AND p.status = 'scheduled'
                 AND p.departs_at BETWEEN $2::timestamptz - interval '3 days' AND $2 + interval '1 day'
                 AND p.arrives_at + make_interval(mins => p.delay_min + 60) > $2
               ORDER BY p.departs_at, p.id LIMIT 200""",
            company_id,
            since,
        )
    )


async def stops_of_trip(conn: Connection, trip_id: UUID) -> list[Row]:
    """Where the trip calls, for the scanner's choice."""
    return list(
        await conn.fetch(
            """SELECT rs.seq, s.name FROM trips p
               JOIN route_stops rs ON rs.route_id = p.route_id JOIN stops s ON s.id = rs.stop_id
               WHERE p.id = $1 ORDER BY rs.seq""",
            trip_id,
        )
    )
