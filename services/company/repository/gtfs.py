"""All SQL of feeds: of imports, of what they load, and of what an export reads.

A feed may have a million stop times: everything is written in one statement or one COPY per kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Collection, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from common.database import Connection

Row = Any
"""An asyncpg.Record: read by column name."""

LOCK = 0x67746673
FEED_LOCK = LOCK + 1
"""First keys of advisory locks ("gtfs"), of an import and of what it loads; the second is the company's."""

LONG_S = 600
"""A large feed's statements take longer than a request's may."""


async def take_import_lock(conn: Connection, company: int) -> bool:
    """Whether this session is the one that imports for the company, until it lets go or ends."""
    return bool(await conn.fetchval("SELECT pg_try_advisory_lock($1, $2)", LOCK, company))


async def keep_feed_for_writing(conn: Connection, company: int) -> None:
    """Until the transaction ends, nobody else reads or writes the company's feed."""
    await conn.execute("SELECT pg_advisory_xact_lock($1, $2)", FEED_LOCK, company)


async def keep_feed_for_reading(conn: Connection, company: int) -> None:
    """Until the transaction ends, nobody writes the company's feed."""
    await conn.execute("SELECT pg_advisory_xact_lock_shared($1, $2)", FEED_LOCK, company)


def lock_of(company_id: UUID) -> int:
    """The company's number in advisory locks: the random end of its id, signed."""
    return int.from_bytes(company_id.bytes[-4:], "big", signed=True)


async def is_imported_elsewhere(conn: Connection, company: int) -> bool:
    """Whether a session other than this one holds the lock that `take_import_lock` takes."""
    return bool(
        await conn.fetchval(
            """SELECT EXISTS (
                   SELECT FROM pg_locks
                   WHERE locktype = 'advisory' AND classid::bigint = $1 AND objsubid = 2 AND granted
                     AND objid::bigint = $2::bigint & 4294967295 AND pid <> pg_backend_pid()
                     AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))""",
            LOCK,
            company,
        )
    )


async def set_long_statements(conn: Connection) -> None:
    await conn.execute("SET LOCAL statement_timeout = '10min'")


async def insert_import(conn: Connection, import_id: UUID, company_id: UUID, file_name: str | None) -> None:
    await conn.execute(
        "INSERT INTO gtfs_imports (id, company_id, file_name, status) VALUES ($1, $2, $3, 'running')",
        import_id,
        company_id,
        file_name,
    )


async def set_progress(conn: Connection, import_id: UUID, done: int, total: int) -> None:
    await conn.execute(
        "UPDATE gtfs_imports SET done = $2, total = $3 WHERE id = $1 AND status = 'running'",
        import_id,
        done,
        total,
    )


async def finish_import(
    conn: Connection, import_id: UUID, counts: Mapping[str, Any] | None, problem: str | None
) -> None:
    """It succeeded with these counts, or failed with this problem."""
    await conn.execute(
        """UPDATE gtfs_imports
           SET status = CASE WHEN $3::text IS NULL THEN 'succeeded' ELSE 'failed' END,
               done = CASE WHEN $3::text IS NULL THEN total ELSE done END,
               counts = $2, problem = $3, finished_at = now()
           WHERE id = $1 AND status = 'running'""",
        import_id,
        counts,
        problem,
    )


async def running_imports(conn: Connection, company_id: UUID) -> list[UUID]:
    """Imports that say that they run."""
    rows = await conn.fetch(
        "SELECT id FROM gtfs_imports WHERE status = 'running' AND company_id = $1", company_id
    )
    return [row["id"] for row in rows]


async def list_imports(conn: Connection, company_id: UUID, before: UUID | None, limit: int) -> list[Row]:
    """The company's imports, the last one first."""
    return list(
        await conn.fetch(
            """SELECT * FROM gtfs_imports WHERE company_id = $1 AND ($2::uuid IS NULL OR id < $2)
               ORDER BY id DESC LIMIT $3""",
            company_id,
            before,
            limit,
        )
    )


async def stops_by_code(conn: Connection, company_id: UUID, codes: Collection[str]) -> list[Row]:
    """The company's stops that a feed names by their codes, or by their ids where they have none."""
    return list(
        await conn.fetch(
            """SELECT id, coalesce(code, id::text) AS code, city FROM stops
               WHERE company_id = $1 AND coalesce(code, id::text) = ANY($2::text[])""",
            company_id,
            list(codes),
        )
    )


async def upsert_stops(conn: Connection, company_id: UUID, stops: Sequence[tuple[Any, ...]]) -> None:
    """Rows of (id, code, name, city, place, lat, lon, time_zone); those that are the same stay untouched."""
    await conn.execute(
        """INSERT INTO stops (id, company_id, code, name, city, place, lat, lon, time_zone)
           SELECT n.id, $1, n.code, n.name, n.city, n.place, n.lat, n.lon, n.time_zone
           FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::float8[], $8::float8[],
                       $9::text[]) AS n (id, code, name, city, place, lat, lon, time_zone)
           ORDER BY n.id
           ON CONFLICT (id) DO UPDATE
           SET name = excluded.name, city = excluded.city, place = excluded.place, lat = excluded.lat,
               lon = excluded.lon, time_zone = excluded.time_zone, updated_at = now()
           WHERE (stops.name, stops.city, stops.place, stops.lat, stops.lon, stops.time_zone)
                 IS DISTINCT FROM (excluded.name, excluded.city, excluded.place, excluded.lat, excluded.lon,
                                   excluded.time_zone)""",
        company_id,
        *(list(column) for column in zip(*stops, strict=True)),
        timeout=LONG_S,
    )


async def routes_by_id(conn: Connection, company_id: UUID, route_ids: Collection[UUID]) -> list[Row]:
    """Those of the routes that are the company's and were made by hand."""
    return list(
        await conn.fetch(
            """SELECT id, code, name, distance_km, calls FROM routes
               WHERE company_id = $1 AND id = ANY($2::uuid[]) AND gtfs_pattern IS NULL""",
            company_id,
            list(route_ids),
        )
    )


async def routes_by_pattern(conn: Connection, company_id: UUID) -> dict[str, UUID]:
    """The routes that feeds made, by their pattern."""
    rows = await conn.fetch(
        "SELECT id, gtfs_pattern FROM routes WHERE company_id = $1 AND gtfs_pattern IS NOT NULL",
        company_id,
        timeout=LONG_S,
    )
    return {row["gtfs_pattern"]: row["id"] for row in rows}


async def routes_in_force(conn: Connection, company_id: UUID) -> list[Row]:
    """The active ones of those that feeds made, with their calls, in the order they were made."""
    return list(
        await conn.fetch(
            """SELECT id, code, name, distance_km, calls, gtfs_route_id, gtfs_pattern FROM routes
               WHERE company_id = $1 AND gtfs_pattern IS NOT NULL AND status = 'active' ORDER BY id""",
            company_id,
            timeout=LONG_S,
        )
    )


async def copy_routes(conn: Connection, routes: AsyncIterable[tuple[Any, ...]]) -> None:
    """New routes: (id, company_id, code, name, distance_km, currency, calls, gtfs_route_id, gtfs_pattern)."""
    columns = "id company_id code name distance_km currency calls gtfs_route_id gtfs_pattern".split()
    await conn.copy_records_to_table("routes", records=routes, columns=columns, timeout=LONG_S)


async def update_routes(conn: Connection, routes: Sequence[tuple[Any, ...]]) -> None:
    """Routes that were there: (id, code, name, distance_km); they are active again."""
    await conn.execute(
        """UPDATE routes r
           SET code = n.code, name = n.name, distance_km = n.distance_km, status = 'active',
               updated_at = now()
           FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int[]) AS n (id, code, name, distance_km)
           WHERE r.id = n.id AND (r.code, r.name, r.distance_km, r.status)
                                 IS DISTINCT FROM (n.code, n.name, n.distance_km, 'active')""",
        *(list(column) for column in zip(*routes, strict=True)),
        timeout=LONG_S,
    )


async def upsert_calendars(conn: Connection, calendars: Sequence[tuple[Any, ...]]) -> None:
    """Rows of (company_id, service_id, weekdays, start_date, end_date, added, removed)."""
    await conn.executemany(
        """INSERT INTO calendars (company_id, service_id, weekdays, start_date, end_date, added, removed)
           VALUES ($1, $2, $3, $4, $5, $6, $7)
           ON CONFLICT (company_id, service_id) DO UPDATE
           SET weekdays = excluded.weekdays, start_date = excluded.start_date, end_date = excluded.end_date,
               added = excluded.added, removed = excluded.removed
           WHERE (calendars.weekdays, calendars.start_date, calendars.end_date, calendars.added,
                  calendars.removed)
                 IS DISTINCT FROM (excluded.weekdays, excluded.start_date, excluded.end_date, excluded.added,
                                   excluded.removed)""",
        calendars,
        timeout=LONG_S,
    )


async def upsert_timetables(conn: Connection, company_id: UUID, trips: Sequence[tuple[Any, ...]]) -> None:
    """Rows of (id, gtfs_trip_id, route_id, service_id, headsign, start_s, time_zone)."""
    await conn.execute(
        """INSERT INTO timetables
               (id, company_id, gtfs_trip_id, route_id, service_id, headsign, start_s, time_zone)
           SELECT n.id, $1, n.gtfs_trip_id, n.route_id, n.service_id, n.headsign, n.start_s, n.time_zone
           FROM unnest($2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::int[], $8::text[])
                AS n (id, gtfs_trip_id, route_id, service_id, headsign, start_s, time_zone)
           ORDER BY n.gtfs_trip_id
           ON CONFLICT (company_id, gtfs_trip_id) DO UPDATE
           SET route_id = excluded.route_id, service_id = excluded.service_id, headsign = excluded.headsign,
               start_s = excluded.start_s, time_zone = excluded.time_zone, withdrawn = false
           WHERE (timetables.route_id, timetables.service_id, timetables.headsign, timetables.start_s,
                  timetables.time_zone, timetables.withdrawn)
                 IS DISTINCT FROM (excluded.route_id, excluded.service_id, excluded.headsign,
                                   excluded.start_s, excluded.time_zone, false)""",
        company_id,
        *(list(column) for column in zip(*trips, strict=True)),
        timeout=LONG_S,
    )


async def withdraw_timetables(conn: Connection, company_id: UUID, kept: Collection[str]) -> None:
    """Drop the timetables that the feed has no more; those with departures stay, withdrawn.

    They are locked first: the statement after that sees the departures of whoever was waited for.
    """
    gone = await conn.fetch(
        """SELECT id FROM timetables WHERE company_id = $1 AND NOT gtfs_trip_id = ANY($2::text[])
           ORDER BY id FOR UPDATE""",
        company_id,
        list(kept),
        timeout=LONG_S,
    )
    ids = [row["id"] for row in gone]
    await conn.execute(
        """DELETE FROM timetables t
           WHERE id = ANY($1::uuid[]) AND NOT EXISTS (SELECT FROM trips WHERE timetable_id = t.id)""",
        ids,
        timeout=LONG_S,
    )
    await conn.execute(
        "UPDATE timetables SET withdrawn = true WHERE id = ANY($1::uuid[]) AND NOT withdrawn",
        ids,
        timeout=LONG_S,
    )


async def withdraw_routes(conn: Connection, company_id: UUID, kept: Collection[str]) -> None:
    """Drop the patterns that the feed has no more; those with departures stay, retired. Locked first, too."""
    gone = await conn.fetch(
        """SELECT id FROM routes
           WHERE company_id = $1 AND gtfs_pattern IS NOT NULL AND NOT gtfs_pattern = ANY($2::text[])
           ORDER BY id FOR UPDATE""",
        company_id,
        list(kept),
        timeout=LONG_S,
    )
    unused = await conn.fetch(
        """SELECT id FROM routes r
           WHERE id = ANY($1::uuid[]) AND NOT EXISTS (SELECT FROM trips WHERE route_id = r.id)
             AND NOT EXISTS (SELECT FROM timetables WHERE route_id = r.id)""",
        [row["id"] for row in gone],
        timeout=LONG_S,
    )
    ids = [row["id"] for row in unused]
    await conn.execute("DELETE FROM routes WHERE id = ANY($1::uuid[])", ids, timeout=LONG_S)
    await conn.execute(
        """UPDATE routes SET status = 'retired', updated_at = now()
           WHERE id = ANY($1::uuid[]) AND status = 'active'""",
        [row["id"] for row in gone],
        timeout=LONG_S,
    )


async def drop_idle_calendars(conn: Connection, company_id: UUID) -> None:
    """Drop the calendars that no timetable has."""
    await conn.execute(
        """DELETE FROM calendars c
           WHERE company_id = $1 AND NOT EXISTS (
               SELECT FROM timetables t WHERE t.company_id = $1 AND t.service_id = c.service_id)""",
        company_id,
        timeout=LONG_S,
    )


async def all_stops(conn: Connection, company_id: UUID) -> list[Row]:
    return list(
        await conn.fetch("SELECT * FROM stops WHERE company_id = $1 ORDER BY id", company_id, timeout=LONG_S)
    )


async def routes_to_export(conn: Connection, company_id: UUID, used: Collection[UUID]) -> list[Row]:
    """Routes that are active, and those that are in use all the same."""
    return list(
        await conn.fetch(
            """SELECT * FROM routes WHERE company_id = $1 AND (status = 'active' OR id = ANY($2::uuid[]))
               ORDER BY id""",
            company_id,
            list(used),
            timeout=LONG_S,
        )
    )


async def timetables_to_export(conn: Connection, company_id: UUID) -> list[Row]:
    return list(
        await conn.fetch(
            """SELECT id, gtfs_trip_id, route_id, service_id, headsign, start_s, time_zone
               FROM timetables WHERE company_id = $1 AND NOT withdrawn ORDER BY id""",
            company_id,
            timeout=LONG_S,
        )
    )


async def calendars_to_export(conn: Connection, company_id: UUID) -> list[Row]:
    return list(
        await conn.fetch(
            "SELECT * FROM calendars WHERE company_id = $1 ORDER BY service_id", company_id, timeout=LONG_S
        )
    )


async def trips_to_export(conn: Connection, company_id: UUID, since: datetime, until: datetime) -> list[Row]:
    """Departures within the span, of timetables too: those that were cancelled do not run on their day."""
    return list(
        await conn.fetch(
            """SELECT route_id, timetable_id, service_date, departs_at, status
               FROM trips WHERE company_id = $1 AND departs_at >= $2 AND departs_at < $3
               ORDER BY departs_at, id""",
            company_id,
            since,
            until,
            timeout=LONG_S,
        )
    )
