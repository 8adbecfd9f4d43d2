"""All SQL of stops and routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from uuid import UUID

    from common.database import Connection

Row = Any
"""An asyncpg.Record: read by column name."""


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


async def stops_among(conn: Connection, company_id: UUID, stop_ids: Collection[UUID]) -> set[UUID]:
    """Those of the ids that are stops of the company."""
    rows = await conn.fetch(
        "SELECT id FROM stops WHERE company_id = $1 AND id = ANY($2::uuid[])", company_id, list(stop_ids)
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


async def lock_route(conn: Connection, route_id: UUID) -> Row | None:
    """The route, also kept from having departures made of it: a key lock of theirs waits."""
    return await conn.fetchrow("SELECT * FROM routes WHERE id = $1 FOR UPDATE", route_id)


async def keep_route(conn: Connection, route_id: UUID) -> Row | None:
    """The route with what departures need; its stops stay as they are until the transaction ends."""
    return await conn.fetchrow(
        """SELECT r.*, first.time_zone, last.arrive_s AS duration_s
           FROM routes r
           JOIN LATERAL (SELECT s.time_zone FROM route_stops rs JOIN stops s ON s.id = rs.stop_id
                         WHERE rs.route_id = r.id AND rs.seq = 0) first ON true
           JOIN LATERAL (SELECT arrive_s FROM route_stops WHERE route_id = r.id
                         ORDER BY seq DESC LIMIT 1) last ON true
           WHERE r.id = $1 FOR KEY SHARE OF r""",
        route_id,
    )


async def stops_of_routes(conn: Connection, route_ids: Collection[UUID]) -> dict[UUID, list[Row]]:
    """The stops of each route in order, with the names and places of the stops."""
    rows = await conn.fetch(
        """SELECT rs.route_id, rs.seq, rs.stop_id, rs.arrive_s, rs.depart_s, rs.leg_fare, rs.fare_sum,
                  s.name, s.city, s.place, s.time_zone, s.lat, s.lon
           FROM route_stops rs JOIN stops s ON s.id = rs.stop_id
           WHERE rs.route_id = ANY($1::uuid[]) ORDER BY rs.route_id, rs.seq""",
        list(route_ids),
    )
    stops: dict[UUID, list[Row]] = {route_id: [] for route_id in route_ids}
    for row in rows:
        stops[row["route_id"]].append(row)
    return stops


async def insert_route(conn: Connection, route: Mapping[str, Any]) -> Row:
    return await conn.fetchrow(
        """INSERT INTO routes (id, company_id, code, name, distance_km, currency)
           VALUES ($1, $2, $3, $4, $5, $6) RETURNING *""",
        route["id"],
        route["company_id"],
        route["code"],
        route["name"],
        route["distance_km"],
        route["currency"],
    )


async def update_route(conn: Connection, route: Mapping[str, Any]) -> Row:
    return await conn.fetchrow(
        """UPDATE routes SET code = $2, name = $3, distance_km = $4, status = $5, updated_at = now()
           WHERE id = $1 RETURNING *""",
        route["id"],
        route["code"],
        route["name"],
        route["distance_km"],
        route["status"],
    )


async def insert_route_stops(conn: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Rows of (route_id, seq, stop_id, arrive_s, depart_s, leg_fare, fare_sum)."""
    await conn.executemany(
        """INSERT INTO route_stops (route_id, seq, stop_id, arrive_s, depart_s, leg_fare, fare_sum)
           VALUES ($1, $2, $3, $4, $5, $6, $7)""",
        rows,
    )


async def delete_route_stops(conn: Connection, route_id: UUID) -> None:
    await conn.execute("DELETE FROM route_stops WHERE route_id = $1", route_id)


async def leave_feed(conn: Connection, route_id: UUID) -> None:
    """The route is changed by hand from now on: the next import makes its own."""
    await conn.execute("UPDATE routes SET gtfs_pattern = NULL WHERE id = $1", route_id)


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
