"""All SQL of departures as the wire shows them, and of who rides on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID

    from common.database import Connection
    from services.ticketing.repository import Row


async def get_departure(conn: Connection, trip_id: UUID) -> Row | None:
    """The trip with its company, bus, driver and `stops`; None if the mirrors lack any of what it needs."""
    return await conn.fetchrow(
        """SELECT t.*, c.name AS company_name, r.name AS route_name, b.plate AS bus_plate,
                  d.name AS driver_name, l.capacity, s.stops
           FROM trips t
           JOIN companies c ON c.id = t.company_id
           JOIN routes r ON r.id = t.route_id
           JOIN layouts l ON l.id = t.layout_id
           CROSS JOIN LATERAL (
               SELECT jsonb_agg(jsonb_build_object(
                          'seq', rs.seq, 'stop_id', rs.stop_id, 'name', s.name, 'city', s.city,
                          'time_zone', s.time_zone, 'lat', s.lat, 'lon', s.lon,
                          'arrive_s', rs.arrive_s, 'depart_s', rs.depart_s) ORDER BY rs.seq) AS stops
               FROM route_stops rs JOIN stops s ON s.id = rs.stop_id
               WHERE rs.route_id = t.route_id
               HAVING count(*) = r.last_seq + 1
           ) s
           LEFT JOIN buses b ON b.id = t.bus_id
           LEFT JOIN drivers d ON d.id = t.driver_id
           WHERE t.id = $1""",
        trip_id,
    )


async def list_passengers(conn: Connection, trip_id: UUID) -> list[Row]:
    """Who rides, in no order; and who boarded with a ticket that was given back in that moment."""
    return list(
        await conn.fetch(
            """SELECT k.*, b.reference, b.contact_phone, i.checked_in_at
               FROM tickets k
               JOIN bookings b ON b.id = k.booking_id
               LEFT JOIN check_ins i ON i.ticket_id = k.id
               WHERE k.trip_id = $1 AND k.status = 'confirmed'
               UNION ALL
               SELECT k.*, b.reference, b.contact_phone, i.checked_in_at
               FROM tickets k
               JOIN bookings b ON b.id = k.booking_id
               JOIN check_ins i ON i.ticket_id = k.id
               WHERE k.trip_id = $1 AND k.status = 'cancelled' AND i.crossed""",
            trip_id,
        )
    )
