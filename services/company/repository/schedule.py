"""All SQL of departures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.company.repository.network import named_stops

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date, datetime
    from uuid import UUID

    from common.database import Connection
    from services.company.domain.schedule import Departure

Row = Any
"""An asyncpg.Record: read by column name."""


async def get_trip(conn: Connection, trip_id: UUID) -> tuple[Row, list[Row]] | None:
    """The trip as the wire shows it, and its stops: in one round trip."""
    row = await conn.fetchrow(
        """SELECT t.*, c.name AS company_name, r.name AS route_name, b.plate AS bus_plate,
                  d.name AS driver_name, l.capacity, k.stops
           FROM trips t
           JOIN companies c ON c.id = t.company_id
           JOIN routes r ON r.id = t.route_id
           JOIN layouts l ON l.id = t.layout_id
           LEFT JOIN buses b ON b.id = t.bus_id
           LEFT JOIN drivers d ON d.id = t.driver_id
           CROSS JOIN LATERAL (
               SELECT array_agg((k.seq, s.id, s.name, s.city, s.place, s.time_zone, s.lat, s.lon, k.arrive_s,
                                 k.depart_s, k.leg_fare_minor) ORDER BY k.seq) AS stops
               FROM jsonb_to_recordset(r.calls)
                    AS k (seq int, stop_id uuid, arrive_s int, depart_s int, leg_fare_minor bigint)
               JOIN stops s ON s.id = k.stop_id
           ) k
           WHERE t.id = $1""",
        trip_id,
    )
    return None if row is None else (row, named_stops(row))


async def company_of_trip(conn: Connection, trip_id: UUID) -> UUID | None:
    company_id: UUID | None = await conn.fetchval("SELECT company_id FROM trips WHERE id = $1", trip_id)
    return company_id


async def get_trips(conn: Connection, trip_ids: Collection[UUID]) -> list[Row]:
    """Trips as the wire shows them, but for their stops; by departure.

    Which ids they are is kept from the planner (a subquery): planning five joins takes longer than they do.
    """
    return list(
        await conn.fetch(
            """SELECT t.*, c.name AS company_name, r.name AS route_name, b.plate AS bus_plate,
                      d.name AS driver_name, l.capacity
               FROM trips t
               JOIN companies c ON c.id = t.company_id
               JOIN routes r ON r.id = t.route_id
               JOIN layouts l ON l.id = t.layout_id
               LEFT JOIN buses b ON b.id = t.bus_id
               LEFT JOIN drivers d ON d.id = t.driver_id
               WHERE t.id = ANY(ARRAY(SELECT unnest($1::uuid[]))) ORDER BY t.departs_at, t.id""",
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
    """Like `get_trips`: departures from `since` to before `until`, those after the cursor."""
    after_at, after_id = after or (None, None)
    return list(
        await conn.fetch(
            """SELECT t.*, c.name AS company_name, r.name AS route_name, b.plate AS bus_plate,
                      d.name AS driver_name, l.capacity
               FROM trips t
               JOIN companies c ON c.id = t.company_id
               JOIN routes r ON r.id = t.route_id
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


async def lock_trip(conn: Connection, trip_id: UUID) -> Row | None:
    """The bare row; whoever wants to change it waits until the transaction ends."""
    return await conn.fetchrow("SELECT * FROM trips WHERE id = $1 FOR NO KEY UPDATE", trip_id)


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
    departures: Sequence[tuple[UUID, Mapping[str, Any], Departure]],
) -> list[UUID]:
    """Of (trip id, timetable, departure): the ids of those that were not there already."""
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
        [trip_id for trip_id, _, _ in departures],
        [timetable["id"] for _, timetable, _ in departures],
        [timetable["route_id"] for _, timetable, _ in departures],
        [departure.service_date for _, _, departure in departures],
        [departure.departs_at for _, _, departure in departures],
        [departure.arrives_at for _, _, departure in departures],
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
                      (r.calls -> -1 ->> 'arrive_s')::int AS duration_s
               FROM timetables t
               JOIN routes r ON r.id = t.route_id
               JOIN calendars c ON c.company_id = t.company_id AND c.service_id = t.service_id
               WHERE t.company_id = $1 AND NOT t.withdrawn AND ($2::uuid[] IS NULL OR t.id = ANY($2))
               ORDER BY t.id FOR KEY SHARE OF r, t""",
            company_id,
            None if timetable_ids is None else list(timetable_ids),
        )
    )
