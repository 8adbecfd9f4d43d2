"""SQL of scans, which are this service's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from common.database import Connection
    from services.qr.domain.scans import Scan

Row = Any
"""An asyncpg.Record: read by column name."""


async def check_in(
    conn: Connection,
    scan: Scan,
    *,
    ticket_id: UUID | None,
    serial: int,
    company_id: UUID | None,
    may_board: bool,
) -> Row:
    """Write the scan if the ticket is good for it, and answer what there is to judge by, in one statement.

    Its conditions are those of `domain.verdicts.judge` that rest on the ticket; `may_board` is what judge
    finds of the code alone (departure and time). `ticket_id` and `serial` are the code's, `company_id` is the
    scanning user's, null for admins. The row always comes: `made` says whether the scan was written,
    `before_…` is the scan of that user with that nonce, and the rest is the ticket as `tickets.get_live` has
    it. Where another scan of the ticket commits at this moment it may be that nothing was written though all
    seems well: look again.
    """
    return await conn.fetchrow(
        """
        WITH live AS MATERIALIZED (
            SELECT t.id, t.trip_id, t.company_id, t.status, p.status AS trip_status, t.qr_serial, t.seat,
                   t.passenger_name, t.from_seq, t.to_seq, first.scanned_at
            FROM tickets t
            LEFT JOIN trips p ON p.id = t.trip_id
            LEFT JOIN scans first ON first.ticket_id = t.id AND first.recorded AND NOT first.duplicate
            WHERE t.id = $1
        ), before AS MATERIALIZED (
            SELECT s.*, t.seat, t.passenger_name
            FROM scans s LEFT JOIN tickets t ON t.id = s.ticket_id
            WHERE s.scanned_by = $2 AND s.nonce = $3
        ), made AS (
            INSERT INTO scans (id, ticket_id, trip_id, company_id, nonce, result, recorded, stop_seq,
                               device_id, scanned_by, scanned_at)
            SELECT $4, live.id, live.trip_id, live.company_id, $3, 'ok', true, $5, $6, $2, $7
            FROM live
            WHERE $8 AND NOT EXISTS (SELECT FROM before)
              AND ($9::uuid IS NULL OR live.company_id = $9)
              AND live.status = 'confirmed' AND live.trip_status IS DISTINCT FROM 'cancelled'
              AND live.qr_serial <= $10 AND live.trip_id = $11
              AND ($5::smallint IS NULL OR (live.from_seq <= $5 AND $5 < live.to_seq))
              AND live.scanned_at IS NULL
            ON CONFLICT DO NOTHING
            RETURNING id
        )
        SELECT live.*, (SELECT id FROM made) AS made,
               before.id AS before_id, before.ticket_id AS before_ticket_id, before.trip_id AS before_trip_id,
               before.recorded AS before_recorded, before.duplicate AS before_duplicate,
               before.scanned_at AS before_scanned_at, before.seat AS before_seat,
               before.passenger_name AS before_passenger_name
        FROM (SELECT) AS always LEFT JOIN live ON true LEFT JOIN before ON true
        """,
        ticket_id,
        scan.scanned_by,
        scan.nonce,
        scan.id,
        scan.stop_seq,
        scan.device_id,
        scan.scanned_at,
        may_board,
        company_id,
        serial,
        scan.trip_id,
    )


async def list_of_nonces(conn: Connection, scanned_by: UUID, nonces: Sequence[str]) -> list[Row]:
    """The scans that somebody made before under these nonces."""
    return list(
        await conn.fetch(
            """
            SELECT id, ticket_id, nonce, result, recorded, duplicate FROM scans
            WHERE scanned_by = $1 AND nonce = ANY($2)
            """,
            scanned_by,
            nonces,
        )
    )


async def recording_at(conn: Connection) -> datetime:
    """What `recorded_at` will be of all that this transaction writes."""
    now: datetime = await conn.fetchval("SELECT now()")
    return now


async def insert_all(conn: Connection, scans: Sequence[Scan]) -> int:
    """Write scans; answers how many: those that another transaction has just made impossible are left out.

    Always in the order of tickets, so that two who bring the same ones wait for each other, and no deadlock
    comes of it.
    """
    rows = await conn.fetch(
        """
        INSERT INTO scans (id, ticket_id, trip_id, company_id, nonce, result, recorded, duplicate, offline,
                           stop_seq, device_id, scanned_by, scanned_at)
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[],
                             $7::boolean[], $8::boolean[], $9::boolean[], $10::smallint[], $11::text[],
                             $12::uuid[], $13::timestamptz[])
               AS brought (id, ticket_id, trip_id, company_id, nonce, result, recorded, duplicate, offline,
                           stop_seq, device_id, scanned_by, scanned_at)
        ORDER BY ticket_id, nonce
        ON CONFLICT DO NOTHING
        RETURNING 1
        """,
        *zip(*(scan.columns() for scan in scans), strict=True),
    )
    return len(rows)


async def list_recorded(conn: Connection, trip_id: UUID, after: UUID | None, limit: int) -> list[Row]:
    return list(
        await conn.fetch(
            """
            SELECT s.id, s.ticket_id, t.seat, t.passenger_name, s.scanned_at, s.recorded_at, s.scanned_by,
                   s.device_id, s.offline, s.duplicate
            FROM scans s JOIN tickets t ON t.id = s.ticket_id
            WHERE s.trip_id = $1 AND s.recorded AND ($2::uuid IS NULL OR s.id > $2)
            ORDER BY s.id LIMIT $3
            """,
            trip_id,
            after,
            limit,
        )
    )
