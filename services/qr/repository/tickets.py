"""SQL that reads tickets, as what others own of them was heard, with the check-ins that are ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from common.database import Connection

Row = Any
"""An asyncpg.Record: read by column name."""


async def get_live(conn: Connection, ticket_id: UUID) -> Row | None:
    """What a verdict asks of a ticket; a departure not heard of is taken for a scheduled one."""
    return await conn.fetchrow(
        """
        SELECT t.id, t.trip_id, t.company_id, t.status, p.status AS trip_status, t.qr_serial, t.seat,
               t.passenger_name, t.from_seq, t.to_seq, first.scanned_at
        FROM tickets t
        LEFT JOIN trips p ON p.id = t.trip_id
        LEFT JOIN scans first ON first.ticket_id = t.id AND first.recorded AND NOT first.duplicate
        WHERE t.id = $1
        """,
        ticket_id,
    )


async def list_live(conn: Connection, ticket_ids: Sequence[UUID]) -> list[Row]:
    """Like `get_live`, of many."""
    return list(
        await conn.fetch(
            """
            SELECT t.id, t.trip_id, t.company_id, t.status, p.status AS trip_status, t.qr_serial, t.seat,
                   t.passenger_name, t.from_seq, t.to_seq, first.scanned_at
            FROM tickets t
            LEFT JOIN trips p ON p.id = t.trip_id
            LEFT JOIN scans first ON first.ticket_id = t.id AND first.recorded AND NOT first.duplicate
            WHERE t.id = ANY($1)
            """,
            ticket_ids,
        )
    )


async def get_source_seq(conn: Connection, ticket_id: UUID) -> int:
    """The number of what was heard of the ticket last; 0 if nothing was."""
    found: int | None = await conn.fetchval("SELECT source_seq FROM tickets WHERE id = $1", ticket_id)
    return found or 0


async def get_facts(conn: Connection, ticket_id: UUID) -> Row | None:
    """What a code is made of; times are null where neither departure nor booking have been heard of."""
    return await conn.fetchrow(
        """
        SELECT t.id, t.trip_id, t.company_id, t.user_id, t.status, t.seat, t.from_seq, t.to_seq, t.qr_serial,
               coalesce(p.departs_at + make_interval(secs => (r.calls -> t.from_seq ->> 'depart_s')::float8),
                        (b.journey #>> '{from,departs_at}')::timestamptz) AS boards_at,
               coalesce(p.arrives_at, (b.journey ->> 'arrives_at')::timestamptz) AS arrives_at
        FROM tickets t
        LEFT JOIN bookings b ON b.id = t.booking_id
        LEFT JOIN trips p ON p.id = t.trip_id
        LEFT JOIN routes r ON r.id = p.route_id
        WHERE t.id = $1
        """,
        ticket_id,
    )


async def get_sheet(conn: Connection, ticket_id: UUID) -> Row | None:
    """What a ticket's page shows: names and times as they are now, or else as they were sold."""
    return await conn.fetchrow(
        """
        SELECT t.*, b.reference, p.delay_min, p.status AS trip_status, first.scanned_at, bus.plate,
               coalesce(c.name, b.journey ->> 'company_name') AS company_name,
               coalesce(nullif(r.name, ''), b.journey ->> 'route_name') AS route_name,
               coalesce(p.departs_at + make_interval(secs => (r.calls -> t.from_seq ->> 'depart_s')::float8),
                        (b.journey #>> '{from,departs_at}')::timestamptz) AS boards_at,
               coalesce(p.departs_at + make_interval(secs => (r.calls -> t.to_seq ->> 'arrive_s')::float8),
                        (b.journey #>> '{to,arrives_at}')::timestamptz) AS alights_at,
               coalesce(p.arrives_at, (b.journey ->> 'arrives_at')::timestamptz) AS arrives_at,
               coalesce(f.name, b.journey #>> '{from,name}') AS from_name,
               coalesce(f.city, b.journey #>> '{from,city}') AS from_city,
               coalesce(f.time_zone, b.journey #>> '{from,time_zone}') AS from_zone,
               coalesce(l.name, b.journey #>> '{to,name}') AS to_name,
               coalesce(l.city, b.journey #>> '{to,city}') AS to_city,
               coalesce(l.time_zone, b.journey #>> '{to,time_zone}') AS to_zone
        FROM tickets t
        LEFT JOIN bookings b ON b.id = t.booking_id
        LEFT JOIN trips p ON p.id = t.trip_id
        LEFT JOIN companies c ON c.id = t.company_id
        LEFT JOIN routes r ON r.id = p.route_id
        LEFT JOIN stops f ON f.id = (r.calls -> t.from_seq ->> 'stop_id')::uuid AND f.name <> ''
        LEFT JOIN stops l ON l.id = (r.calls -> t.to_seq ->> 'stop_id')::uuid AND l.name <> ''
        LEFT JOIN buses bus ON bus.id = p.bus_id
        LEFT JOIN scans first ON first.ticket_id = t.id AND first.recorded AND NOT first.duplicate
        WHERE t.id = $1
        """,
        ticket_id,
    )


async def list_together(conn: Connection, booking_id: UUID) -> list[Row]:
    """The tickets of a booking that have a code, for those who hold up one after the other."""
    return list(
        await conn.fetch(
            """
            SELECT id, seat, passenger_name FROM tickets WHERE booking_id = $1 AND status = 'confirmed'
            ORDER BY id
            """,
            booking_id,
        )
    )


async def list_offline(conn: Connection, trip_id: UUID) -> list[Row]:
    """Every ticket of a trip that is good or may have been, so that its code may be about."""
    return list(
        await conn.fetch(
            """
            SELECT t.id, t.seat, t.passenger_name, t.from_seq, t.to_seq, t.qr_serial, t.status,
                   first.scanned_at
            FROM tickets t
            LEFT JOIN scans first ON first.ticket_id = t.id AND first.recorded AND NOT first.duplicate
            WHERE t.trip_id = $1 AND t.status IN ('confirmed', 'cancelled')
            ORDER BY t.seat, t.from_seq, t.id
            """,
            trip_id,
        )
    )
