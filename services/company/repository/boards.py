"""SQL of what the operator's pages show at a glance: counts, what lies ahead, what is sold. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date, datetime
    from uuid import UUID

    from common.database import Connection

Row = Any
"""An asyncpg.Record: read by column name."""


async def overview(conn: Connection, company_id: UUID, since: datetime, until: datetime) -> Row:
    """How much the company has of everything, and what leaves within the span."""
    return await conn.fetchrow(
        """SELECT (SELECT count(*) FROM layouts WHERE company_id = $1) AS layouts,
                  (SELECT count(*) FROM buses WHERE company_id = $1 AND status = 'active') AS buses,
                  (SELECT count(*) FROM drivers WHERE company_id = $1 AND status = 'active') AS drivers,
                  (SELECT count(*) FROM stops WHERE company_id = $1) AS stops,
                  (SELECT count(*) FROM routes WHERE company_id = $1 AND status = 'active') AS routes,
                  EXISTS (SELECT FROM trips WHERE company_id = $1) AS has_departures,
                  today.departures, today.cancelled, today.late
           FROM (SELECT count(*) FILTER (WHERE status = 'scheduled') AS departures,
                        count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
                        count(*) FILTER (WHERE status = 'scheduled' AND delay_min > 0) AS late
                 FROM trips WHERE company_id = $1 AND departs_at >= $2 AND departs_at < $3) today""",
        company_id,
        since,
        until,
    )


async def unprepared(
    conn: Connection, company_id: UUID, since: datetime, until: datetime, limit: int
) -> list[Row]:
    """Departures of the span that lack a bus or a driver, soonest first."""
    return list(
        await conn.fetch(
            """SELECT t.id, t.departs_at, t.bus_id, t.driver_id, r.name AS route_name, s.time_zone
               FROM trips t
               JOIN routes r ON r.id = t.route_id
               JOIN stops s ON s.id = (r.calls -> 0 ->> 'stop_id')::uuid
               WHERE t.company_id = $1 AND t.departs_at >= $2 AND t.departs_at < $3
                 AND t.status = 'scheduled' AND (t.bus_id IS NULL OR t.driver_id IS NULL)
               ORDER BY t.departs_at, t.id LIMIT $4""",
            company_id,
            since,
            until,
            limit,
        )
    )


async def departures_by_day(
    conn: Connection,
    company_id: UUID,
    since: datetime,
    until: datetime,
    time_zone: str,
    route_id: UUID | None,
) -> dict[date, tuple[int, int]]:
    """How many departures each day has, and how many of them are cancelled; days of a time zone."""
    rows = await conn.fetch(
        """SELECT (departs_at AT TIME ZONE $4)::date AS day, count(*) AS departures,
                  count(*) FILTER (WHERE status = 'cancelled') AS cancelled
           FROM trips WHERE company_id = $1 AND departs_at >= $2 AND departs_at < $3
             AND ($5::uuid IS NULL OR route_id = $5)
           GROUP BY 1""",
        company_id,
        since,
        until,
        time_zone,
        route_id,
    )
    return {row["day"]: (row["departures"], row["cancelled"]) for row in rows}


async def passengers(conn: Connection, trip_id: UUID) -> list[Row]:
    """Who has a good ticket, by seat, and since when they are on board."""
    return list(
        await conn.fetch(
            """SELECT t.*, c.scanned_at
               FROM tickets t
               LEFT JOIN LATERAL (SELECT min(scanned_at) AS scanned_at FROM check_ins
                                  WHERE trip_id = t.trip_id AND ticket_id = t.id) c ON true
               WHERE t.trip_id = $1 AND t.status = 'confirmed'
               ORDER BY length(t.seat), t.seat, t.id""",
            trip_id,
        )
    )


async def next_departures_of_buses(conn: Connection, company_id: UUID, now: datetime) -> dict[UUID, Row]:
    """What each bus runs now or next."""
    rows = await conn.fetch(
        """SELECT b.id AS subject_id, t.id, t.departs_at, r.name AS route_name, s.time_zone
           FROM buses b
           CROSS JOIN LATERAL (
               SELECT id, departs_at, route_id FROM trips
               WHERE bus_id = b.id AND status = 'scheduled' AND busy && tstzrange($2, NULL)
               ORDER BY departs_at LIMIT 1) t
           JOIN routes r ON r.id = t.route_id
           JOIN stops s ON s.id = (r.calls -> 0 ->> 'stop_id')::uuid
           WHERE b.company_id = $1""",
        company_id,
        now,
    )
    return {row["subject_id"]: row for row in rows}


async def next_departures_of_drivers(conn: Connection, company_id: UUID, now: datetime) -> dict[UUID, Row]:
    """What each driver drives now or next."""
    rows = await conn.fetch(
        """SELECT d.id AS subject_id, t.id, t.departs_at, r.name AS route_name, s.time_zone
           FROM drivers d
           CROSS JOIN LATERAL (
               SELECT id, departs_at, route_id FROM trips
               WHERE driver_id = d.id AND status = 'scheduled' AND busy && tstzrange($2, NULL)
               ORDER BY departs_at LIMIT 1) t
           JOIN routes r ON r.id = t.route_id
           JOIN stops s ON s.id = (r.calls -> 0 ->> 'stop_id')::uuid
           WHERE d.company_id = $1""",
        company_id,
        now,
    )
    return {row["subject_id"]: row for row in rows}


async def departures_ahead(conn: Connection, route_ids: Collection[UUID], now: datetime) -> dict[UUID, Row]:
    """How many departures each route has ahead, and the next of them."""
    rows = await conn.fetch(
        """SELECT r.id AS route_id, t.departures, t.departs_at
           FROM unnest($1::uuid[]) AS r (id)
           CROSS JOIN LATERAL (SELECT count(*) AS departures, min(departs_at) AS departs_at FROM trips
                               WHERE route_id = r.id AND departs_at >= $2 AND status = 'scheduled') t
           WHERE t.departures > 0""",
        list(route_ids),
        now,
    )
    return {row["route_id"]: row for row in rows}


async def find_stops(
    conn: Connection, company_id: UUID, named: str | None, after: UUID | None, limit: int
) -> list[Row]:
    """Stops in the order they were made; `named` is part of a name, city or code."""
    return list(
        await conn.fetch(
            """SELECT * FROM stops
               WHERE company_id = $1 AND ($2::uuid IS NULL OR id > $2)
                 AND ($3::text IS NULL
                      OR strpos(lower(concat_ws(' ', name, city, code)), lower($3)) > 0)
               ORDER BY id LIMIT $4""",
            company_id,
            after,
            named,
            limit,
        )
    )


async def find_routes(
    conn: Connection, company_id: UUID, named: str | None, after: UUID | None, limit: int
) -> list[Row]:
    """Routes in the order they were made; `named` is part of a name or code."""
    return list(
        await conn.fetch(
            """SELECT * FROM routes
               WHERE company_id = $1 AND ($2::uuid IS NULL OR id > $2)
                 AND ($3::text IS NULL OR strpos(lower(concat_ws(' ', code, name)), lower($3)) > 0)
               ORDER BY id LIMIT $4""",
            company_id,
            after,
            named,
            limit,
        )
    )


async def has_timetables(conn: Connection, company_id: UUID) -> bool:
    """Whether a feed brought timetables that departures can be made of."""
    return bool(
        await conn.fetchval(
            "SELECT EXISTS (SELECT FROM timetables WHERE company_id = $1 AND NOT withdrawn)", company_id
        )
    )
