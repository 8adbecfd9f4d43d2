"""All SQL of stops and routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from uuid import UUID

    from common.database import Connection

Row = Any
"""An asyncpg.Record: read by column name."""

STOP: Final = (
    "seq", "stop_id", "name", "city", "place", "time_zone", "lat", "lon", "arrive_s", "depart_s",
    "leg_fare_minor",
)  # fmt: skip
"""What the column `stops` of a route's or a trip's single row holds of each stop."""


async def list_stops(conn: Connection, company_id: UUID, after: UUID | None, limit: int) -> list[Row]:
    return list(
        await conn.fetch(
            """SELECT * FROM stops WHERE company_id = $1 AND ($2::uuid IS NULL OR id > $2)
               ORDER BY id LIMIT $3""",
            company_id,
            after,
            limit,
        )
    )


async def get_stop(conn: Connection, stop_id: UUID) -> Row | None:
    return await conn.fetchrow("SELECT * FROM stops WHERE id = $1", stop_id)


async def lock_stop(conn: Connection, stop_id: UUID) -> Row | None:
    return await conn.fetchrow("SELECT * FROM stops WHERE id = $1 FOR NO KEY UPDATE", stop_id)


async def insert_stop(conn: Connection, stop: Mapping[str, Any]) -> Row:
    """Raises UniqueViolationError."""
    return await conn.fetchrow(
        """INSERT INTO stops (id, company_id, code, name, city, place, lat, lon, time_zone)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING *""",
        stop["id"],
        stop["company_id"],
        stop["code"],
        stop["name"],
        stop["city"],
        stop["place"],
        stop["lat"],
        stop["lon"],
        stop["time_zone"],
    )


async def update_stop(conn: Connection, stop: Mapping[str, Any]) -> Row:
    """Raises UniqueViolationError."""
    return await conn.fetchrow(
        """UPDATE stops
           SET code = $2, name = $3, city = $4, place = $5, lat = $6, lon = $7, time_zone = $8,
               updated_at = now()
           WHERE id = $1 RETURNING *""",
        stop["id"],
        stop["code"],
        stop["name"],
        stop["city"],
        stop["place"],
        stop["lat"],
        stop["lon"],
        stop["time_zone"],
    )


async def keep_stops(conn: Connection, company_id: UUID, stop_ids: Collection[UUID]) -> set[UUID]:
    """Those of the ids that are stops of the company; they stay until the transaction ends."""
    rows = await conn.fetch(
        """SELECT id FROM stops WHERE company_id = $1 AND id = ANY($2::uuid[])
           ORDER BY id FOR KEY SHARE""",
        company_id,
        list(stop_ids),
    )
    return {row["id"] for row in rows}


async def list_routes(conn: Connection, company_id: UUID, after: UUID | None, limit: int) -> list[Row]:
    return list(
        await conn.fetch(
            """SELECT * FROM routes WHERE company_id = $1 AND ($2::uuid IS NULL OR id > $2)
               ORDER BY id LIMIT $3""",
            company_id,
            after,
            limit,
        )
    )


async def get_route(conn: Connection, route_id: UUID) -> Row | None:
    return await conn.fetchrow("SELECT * FROM routes WHERE id = $1", route_id)


async def find_route(conn: Connection, route_id: UUID) -> tuple[Row, list[Row]] | None:
    """The route and its stops: in one round trip."""
    row = await conn.fetchrow(
        """SELECT r.*, k.stops
           FROM routes r
           CROSS JOIN LATERAL (
               SELECT array_agg((k.seq, s.id, s.name, s.city, s.place, s.time_zone, s.lat, s.lon, k.arrive_s,
                                 k.depart_s, k.leg_fare_minor) ORDER BY k.seq) AS stops
               FROM jsonb_to_recordset(r.calls)
                    AS k (seq int, stop_id uuid, arrive_s int, depart_s int, leg_fare_minor bigint)
               JOIN stops s ON s.id = k.stop_id
           ) k
           WHERE r.id = $1""",
        route_id,
    )
    return None if row is None else (row, named_stops(row))


def named_stops(row: Row) -> list[Row]:
    """The stops of a single row's column `stops`, by name as those of `stops_of_routes`."""
    return [dict(zip(STOP, stop, strict=True)) for stop in row["stops"]]


async def lock_route(conn: Connection, route_id: UUID) -> Row | None:
    """The route, also kept from having departures made of it: a key lock of theirs waits."""
    return await conn.fetchrow("SELECT * FROM routes WHERE id = $1 FOR UPDATE", route_id)


async def keep_route(conn: Connection, route_id: UUID) -> Row | None:
    """The route with what departures need; its stops stay as they are until the transaction ends."""
    return await conn.fetchrow(
        """SELECT r.*, s.time_zone, (r.calls -> -1 ->> 'arrive_s')::int AS duration_s
           FROM routes r JOIN stops s ON s.id = (r.calls -> 0 ->> 'stop_id')::uuid
           WHERE r.id = $1 FOR KEY SHARE OF r""",
        route_id,
    )


async def stops_of_routes(conn: Connection, route_ids: Collection[UUID]) -> dict[UUID, list[Row]]:
    """The stops of each route in order, with the names and places of the stops."""
    rows = await conn.fetch(
        """SELECT r.id AS route_id, k.seq, s.id AS stop_id, k.arrive_s, k.depart_s, k.leg_fare_minor,
                  k.fare_sum_minor, s.name, s.city, s.place, s.time_zone, s.lat, s.lon
           FROM routes r
           CROSS JOIN LATERAL jsonb_to_recordset(r.calls)
               AS k (seq int, stop_id uuid, arrive_s int, depart_s int, leg_fare_minor bigint,
                     fare_sum_minor bigint)
           JOIN stops s ON s.id = k.stop_id
           WHERE r.id = ANY($1::uuid[]) ORDER BY r.id, k.seq""",
        list(route_ids),
    )
    stops: dict[UUID, list[Row]] = {route_id: [] for route_id in route_ids}
    for row in rows:
        stops[row["route_id"]].append(row)
    return stops


async def insert_route(conn: Connection, route: Mapping[str, Any]) -> Row:
    return await conn.fetchrow(
        """INSERT INTO routes (id, company_id, code, name, distance_km, currency, calls)
           VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING *""",
        route["id"],
        route["company_id"],
        route["code"],
        route["name"],
        route["distance_km"],
        route["currency"],
        route["calls"],
    )


async def update_route(conn: Connection, route: Mapping[str, Any]) -> Row:
    return await conn.fetchrow(
        """UPDATE routes
           SET code = $2, name = $3, distance_km = $4, status = $5, calls = $6, gtfs_pattern = $7,
               updated_at = now()
           WHERE id = $1 RETURNING *""",
        route["id"],
        route["code"],
        route["name"],
        route["distance_km"],
        route["status"],
        route["calls"],
        route["gtfs_pattern"],
    )


async def has_trips(conn: Connection, route_id: UUID) -> bool:
    return bool(await conn.fetchval("SELECT EXISTS (SELECT FROM trips WHERE route_id = $1)", route_id))


async def route_names(conn: Connection, company_id: UUID, limit: int) -> list[Row]:
    """Ids and names of the routes that departures can be made of."""
    return list(
        await conn.fetch(
            """SELECT id, code, name FROM routes WHERE company_id = $1 AND status = 'active'
               ORDER BY name, id LIMIT $2""",
            company_id,
            limit,
        )
    )


async def stop_names(conn: Connection, company_id: UUID, limit: int) -> list[Row]:
    """What to choose a stop by."""
    return list(
        await conn.fetch(
            "SELECT id, code, name, city FROM stops WHERE company_id = $1 ORDER BY city, name, id LIMIT $2",
            company_id,
            limit,
        )
    )
