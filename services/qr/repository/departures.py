"""SQL that reads departures, as they were heard of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from common.database import Connection

Row = Any
"""An asyncpg.Record: read by column name."""


async def get_trip(conn: Connection, trip_id: UUID) -> Row | None:
    return await conn.fetchrow("SELECT id, company_id FROM trips WHERE id = $1", trip_id)


async def companies_of(conn: Connection, trip_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Whose departures these are; what has not been heard of is left out."""
    rows = await conn.fetch("SELECT id, company_id FROM trips WHERE id = ANY($1)", trip_ids)
    return {row["id"]: row["company_id"] for row in rows}


async def list_to_scan(conn: Connection, company_id: UUID | None, since: datetime) -> list[Row]:
    """Departures under way or leaving within a day; without a company of all."""
    return list(
        await conn.fetch(
            """
            SELECT p.id, p.departs_at, p.delay_min, p.route_id, coalesce(r.name, '') AS route_name,
                   coalesce(s.time_zone, c.time_zone, 'UTC') AS time_zone, b.plate
            FROM trips p
            LEFT JOIN routes r ON r.id = p.route_id
            LEFT JOIN stops s ON s.id = (r.calls -> 0 ->> 'stop_id')::uuid
            LEFT JOIN companies c ON c.id = p.company_id
            LEFT JOIN buses b ON b.id = p.bus_id
            WHERE ($1::uuid IS NULL OR p.company_id = $1) AND p.status = 'scheduled'
              AND p.departs_at BETWEEN $2::timestamptz - interval '3 days' AND $2 + interval '1 day'
              AND p.arrives_at + make_interval(mins => p.delay_min + 60) > $2
            ORDER BY p.departs_at, p.id LIMIT 200
            """,
            company_id,
            since,
        )
    )


async def list_calls(conn: Connection, route_id: UUID) -> list[Row]:
    """Where a route calls, for the scanner's choice."""
    return list(
        await conn.fetch(
            """
            SELECT (call ->> 'seq')::int AS seq, s.name
            FROM routes r CROSS JOIN jsonb_array_elements(r.calls) call
            JOIN stops s ON s.id = (call ->> 'stop_id')::uuid
            WHERE r.id = $1 ORDER BY seq
            """,
            route_id,
        )
    )


async def count_boarded(conn: Connection, trip_id: UUID) -> Row:
    """How many passengers a departure has, and how many of them have been checked in."""
    return await conn.fetchrow(
        """
        SELECT count(*) FILTER (WHERE t.status = 'confirmed') AS expected, count(first.id) AS boarded
        FROM tickets t
        LEFT JOIN scans first ON first.ticket_id = t.id AND first.recorded AND NOT first.duplicate
        WHERE t.trip_id = $1
        """,
        trip_id,
    )
