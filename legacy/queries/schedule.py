"""All SQL of departures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date, datetime
    from uuid import UUID

    from common.database import Connection
    from legacy.rules.schedule import Departure

Row = Any
"""An asyncpg.Record: read by column name."""


async def get_trip(conn: Connection, trip_id: UUID) -> Row | None:
    """The trip as the wire shows it, but for its stops."""
    return await conn.fetchrow(
        """SELECT t.*, c.name AS company_name, r.name AS route_name, b.plate AS bus_plate,
                  d.name AS driver_name, l.capacity, s.time_zone
           FROM trips t
           JOIN companies c ON c.id = t.company_id
           JOIN routes r ON r.id = t.route_id
           JOIN route_stops rs ON rs.route_id = t.route_id AND rs.seq = 0
           JOIN stops s ON s.id = rs.stop_id
           JOIN layouts l ON l.id = t.layout_id
           LEFT JOIN buses b ON b.id = t.bus_id
           LEFT JOIN drivers d ON d.id = t.driver_id
           WHERE t.id = $1""",
        trip_id,
    )


async def get_plan(conn: Connection, trip_id: UUID) -> Row | None:
    """What selling a trip needs besides the trip: its company, its route's currency and its layout."""
    return await conn.fetchrow(
        """SELECT c.status AS company_status, c.currency, c.time_zone, c.refund_policy,
                  r.currency AS route_currency, l.decks, l.classes, l.seats
           FROM trips t
           JOIN companies c ON c.id = t.company_id
           JOIN routes r ON r.id = t.route_id
           JOIN layouts l ON l.id = t.layout_id
           WHERE t.id = $1""",
        trip_id,
    )


async def get_trips(conn: Connection, trip_ids: Collection[UUID]) -> list[Row]:
    """Like `get_trip`, by departure."""
    return list(
        await conn.fetch(
            """SELECT t.*, c.name AS company_name, r.name AS route_name, b.plate AS bus_plate,
                      d.name AS driver_name, l.capacity, s.time_zone
               FROM trips t
               JOIN companies c ON c.id = t.company_id
               JOIN routes r ON r.id = t.route_id
               JOIN route_stops rs ON rs.route_id = t.route_id AND rs.seq = 0
               JOIN stops s ON s.id = rs.stop_id
               JOIN layouts l ON l.id = t.layout_id
               LEFT JOIN buses b ON b.id = t.bus_id
               LEFT JOIN drivers d ON d.id = t.driver_id
               WHERE t.id = ANY($1::uuid[]) ORDER BY t.departs_at, t.id""",
            list(trip_ids),
        )
    )


async def list_trips(
    conn: Connection,
    company_id: UUID,
    since: datetime | None,
    until: datetime | None,
    route_id: UUID | None,
    status: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Row]:
    """Departures from `since` to before `until`, by (departs_at, id), those after the cursor."""
    after_at, after_id = after or (None, None)
    return list(
        await conn.fetch(
            """SELECT t.*, c.name AS company_name, r.name AS route_name, b.plate AS bus_plate,
                      d.name AS driver_name, l.capacity, s.time_zone
               FROM trips t
               JOIN companies c ON c.id = t.company_id
               JOIN routes r ON r.id = t.route_id
               JOIN route_stops rs ON rs.route_id = t.route_id AND rs.seq = 0
               JOIN stops s ON s.id = rs.stop_id
               JOIN layouts l ON l.id = t.layout_id
               LEFT JOIN buses b ON b.id = t.bus_id
               LEFT JOIN drivers d ON d.id = t.driver_id
               WHERE t.company_id = $1
                 AND ($2::timestamptz IS NULL OR t.departs_at >= $2)
                 AND ($3::timestamptz IS NULL OR t.departs_at < $3)
                 AND ($4::uuid IS NULL OR t.route_id = $4)
                 AND ($5::text IS NULL OR t.status = $5)
                 AND ($6::timestamptz IS NULL OR (t.departs_at, t.id) > ($6, $7::uuid))
               ORDER BY t.departs_at, t.id LIMIT $8""",
            company_id,
            since,
            until,
            route_id,
            status,
            after_at,
            after_id,
            limit,
        )
    )


async def lock_trip(conn: Connection, trip_id: UUID) -> Row | None:
    """The bare row, FOR UPDATE: bookings in flight are waited for, and new ones wait (their foreign key)."""
    return await conn.fetchrow("SELECT * FROM trips WHERE id = $1 FOR UPDATE", trip_id)


async def insert_departures(
    conn: Connection,
    company_id: UUID,
    route_id: UUID,
    layout_id: UUID,
    bus_id: UUID | None,
    driver_id: UUID | None,
    departures: Sequence[tuple[UUID, Departure]],
) -> None:
    """All of them in one statement; raises ExclusionViolationError if bus or driver is taken."""
    await conn.execute(
        """INSERT INTO trips (id, company_id, route_id, layout_id, bus_id, driver_id, service_date,
                              departs_at, arrives_at, busy)
           SELECT n.id, $1, $2, $3, $4, $5, n.service_date, n.departs_at, n.arrives_at,
                  tstzrange(n.departs_at, n.arrives_at)
           FROM unnest($6::uuid[], $7::date[], $8::timestamptz[], $9::timestamptz[])
                AS n (id, service_date, departs_at, arrives_at)
           ORDER BY n.departs_at""",
        company_id,
        route_id,
        layout_id,
        bus_id,
        driver_id,
        [trip_id for trip_id, _ in departures],
        [departure.service_date for _, departure in departures],
        [departure.departs_at for _, departure in departures],
        [departure.arrives_at for _, departure in departures],
    )


async def insert_timetable_departures(
    conn: Connection,
    company_id: UUID,
    layout_id: UUID,
    departures: Sequence[tuple[UUID, UUID, UUID, Departure]],
) -> list[UUID]:
    """Of (trip id, timetable id, route id, departure): the ids of those that were not there already."""
    rows = await conn.fetch(
        """INSERT INTO trips (id, company_id, route_id, layout_id, timetable_id, service_date,
                              departs_at, arrives_at, busy)
           SELECT n.id, $1, n.route_id, $2, n.timetable_id, n.service_date, n.departs_at, n.arrives_at,
                  tstzrange(n.departs_at, n.arrives_at)
           FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::date[], $7::timestamptz[], $8::timestamptz[])
                AS n (id, timetable_id, route_id, service_date, departs_at, arrives_at)
           ORDER BY n.timetable_id, n.service_date
           ON CONFLICT (timetable_id, service_date) WHERE timetable_id IS NOT NULL DO NOTHING
           RETURNING id""",
        company_id,
        layout_id,
        [each[0] for each in departures],
        [each[1] for each in departures],
        [each[2] for each in departures],
        [each[3].service_date for each in departures],
        [each[3].departs_at for each in departures],
        [each[3].arrives_at for each in departures],
        timeout=120,
    )
    return [row["id"] for row in rows]


async def update_trip(conn: Connection, trip: Mapping[str, Any]) -> None:
    """Raises ExclusionViolationError if bus or driver is taken."""
    await conn.execute(
        """UPDATE trips
           SET bus_id = $2, driver_id = $3, layout_id = $4, delay_min = $5, status = $6, cancel_reason = $7,
               busy = tstzrange(departs_at, arrives_at + make_interval(mins => $5)), updated_at = now()
           WHERE id = $1""",
        trip["id"],
        trip["bus_id"],
        trip["driver_id"],
        trip["layout_id"],
        trip["delay_min"],
        trip["status"],
        trip["cancel_reason"],
    )


async def bus_conflicts(
    conn: Connection, bus_id: UUID, spans: Sequence[tuple[datetime, datetime]], but_for: UUID | None = None
) -> list[Row]:
    """The bus's departures that run at one of the times, by departure; at most 100."""
    return list(
        await conn.fetch(
            """SELECT DISTINCT t.departs_at, t.id AS trip_id
               FROM unnest($2::timestamptz[], $3::timestamptz[]) AS n (since, until)
               JOIN trips t ON t.bus_id = $1 AND t.status = 'scheduled'
                           AND t.busy && tstzrange(n.since, n.until)
               WHERE t.id IS DISTINCT FROM $4
               ORDER BY t.departs_at, t.id LIMIT 100""",
            bus_id,
            [since for since, _ in spans],
            [until for _, until in spans],
            but_for,
        )
    )


async def driver_conflicts(
    conn: Connection, driver_id: UUID, spans: Sequence[tuple[datetime, datetime]], but_for: UUID | None = None
) -> list[Row]:
    """Like `bus_conflicts`, of a driver."""
    return list(
        await conn.fetch(
            """SELECT DISTINCT t.departs_at, t.id AS trip_id
               FROM unnest($2::timestamptz[], $3::timestamptz[]) AS n (since, until)
               JOIN trips t ON t.driver_id = $1 AND t.status = 'scheduled'
                           AND t.busy && tstzrange(n.since, n.until)
               WHERE t.id IS DISTINCT FROM $4
               ORDER BY t.departs_at, t.id LIMIT 100""",
            driver_id,
            [since for since, _ in spans],
            [until for _, until in spans],
            but_for,
        )
    )


async def trips_ahead_of_bus(conn: Connection, bus_id: UUID, now: datetime) -> list[Row]:
    """The departures that the bus has yet to finish, soonest first; at most 100."""
    return list(
        await conn.fetch(
            """SELECT departs_at, id AS trip_id FROM trips
               WHERE bus_id = $1 AND status = 'scheduled' AND busy && tstzrange($2, NULL)
               ORDER BY departs_at, id LIMIT 100""",
            bus_id,
            now,
        )
    )


async def trips_ahead_of_driver(conn: Connection, driver_id: UUID, now: datetime) -> list[Row]:
    """Like `trips_ahead_of_bus`, of a driver."""
    return list(
        await conn.fetch(
            """SELECT departs_at, id AS trip_id FROM trips
               WHERE driver_id = $1 AND status = 'scheduled' AND busy && tstzrange($2, NULL)
               ORDER BY departs_at, id LIMIT 100""",
            driver_id,
            now,
        )
    )


async def sold_seats(conn: Connection, trip_id: UUID) -> list[str]:
    """The seats that somebody holds or has, on any stretch; a hold that is paid for lasts."""
    rows = await conn.fetch(
        """SELECT DISTINCT c.seat FROM seat_claims c
           WHERE c.trip_id = $1
             AND (c.status = 'confirmed'
                  OR (c.status = 'held'
                      AND (c.expires_at > now()
                           OR EXISTS (SELECT FROM payments p
                                      WHERE p.booking_id = c.booking_id AND p.status = 'succeeded'))))""",
        trip_id,
    )
    return [row["seat"] for row in rows]


async def list_timetables(
    conn: Connection, company_id: UUID, day: date | None, after: UUID | None, limit: int
) -> list[Row]:
    """Those of the feed as it was imported last; with a day, those whose service runs on it."""
    return list(
        await conn.fetch(
            """SELECT t.*, r.name AS route_name
               FROM timetables t
               JOIN routes r ON r.id = t.route_id
               JOIN calendars c ON c.company_id = t.company_id AND c.service_id = t.service_id
               WHERE t.company_id = $1 AND NOT t.withdrawn AND ($2::uuid IS NULL OR t.id > $2)
                 AND ($3::date IS NULL
                      OR $3 = ANY(c.added)
                      OR ($3 BETWEEN c.start_date AND c.end_date
                          AND extract(isodow FROM $3)::smallint = ANY(c.weekdays)
                          AND NOT $3 = ANY(c.removed)))
               ORDER BY t.id LIMIT $4""",
            company_id,
            after,
            day,
            limit,
        )
    )


async def timetables_to_publish(
    conn: Connection, company_id: UUID, timetable_ids: Collection[UUID] | None
) -> list[Row]:
    """Timetables with their calendars and how long they take, all or those that are named.

    Their routes stay as they are until the transaction ends.
    """
    return list(
        await conn.fetch(
            """SELECT t.id, t.route_id, t.start_s, t.time_zone, t.service_id,
                      c.weekdays, c.start_date, c.end_date, c.added, c.removed,
                      (SELECT arrive_s FROM route_stops WHERE route_id = t.route_id ORDER BY seq DESC LIMIT 1)
                          AS duration_s
               FROM timetables t
               JOIN routes r ON r.id = t.route_id
               JOIN calendars c ON c.company_id = t.company_id AND c.service_id = t.service_id
               WHERE t.company_id = $1 AND NOT t.withdrawn AND ($2::uuid[] IS NULL OR t.id = ANY($2))
               ORDER BY t.id FOR KEY SHARE OF r, t""",
            company_id,
            None if timetable_ids is None else list(timetable_ids),
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


async def sales_of_trips(conn: Connection, trip_ids: Collection[UUID]) -> dict[UUID, Row]:
    """Tickets that are held, confirmed, and checked in, by trip."""
    rows = await conn.fetch(
        """SELECT trip_id, count(*) FILTER (WHERE status = 'held') AS held,
                  count(*) FILTER (WHERE status = 'confirmed') AS confirmed,
                  count(*) FILTER (WHERE status = 'confirmed' AND scanned_at IS NOT NULL) AS checked_in
           FROM tickets WHERE trip_id = ANY($1::uuid[]) GROUP BY trip_id""",
        list(trip_ids),
    )
    return {row["trip_id"]: row for row in rows}


async def last_check_ins(conn: Connection, trip_id: UUID, limit: int) -> list[Row]:
    """Who was let on last."""
    return list(
        await conn.fetch(
            """SELECT seat, passenger_name, scanned_at FROM tickets
               WHERE trip_id = $1 AND scanned_at IS NOT NULL ORDER BY scanned_at DESC LIMIT $2""",
            trip_id,
            limit,
        )
    )
