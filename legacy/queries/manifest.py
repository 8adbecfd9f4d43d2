"""All SQL of passenger lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uuid import UUID

    from common.database import Connection

Row = Any
"""An asyncpg.Record: read by column name."""


async def list_passengers(conn: Connection, trip_id: UUID) -> list[Row]:
    """Who rides, with the names of their stops, in no order."""
    return list(
        await conn.fetch(
            """SELECT k.*, b.reference, b.contact_phone, fs.name AS from_name, os.name AS to_name
               FROM tickets k
               JOIN bookings b ON b.id = k.booking_id
               JOIN trips t ON t.id = k.trip_id
               JOIN route_stops f ON f.route_id = t.route_id AND f.seq = k.from_seq
               JOIN stops fs ON fs.id = f.stop_id
               JOIN route_stops o ON o.route_id = t.route_id AND o.seq = k.to_seq
               JOIN stops os ON os.id = o.stop_id
               WHERE k.trip_id = $1 AND k.status = 'confirmed'""",
            trip_id,
        )
    )
