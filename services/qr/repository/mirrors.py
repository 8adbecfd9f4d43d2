"""SQL that writes what others own: by their events, and, for what has not been heard of yet, as it was read.

Events come as rows with `seq`, one of a subject at most; an older one changes nothing. What was read has no
number, so any event goes before it; it never takes the place of what has come since it was asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from common.database import Connection


async def store_tickets(conn: Connection, rows: Sequence[dict[str, Any]]) -> None:
    await conn.execute(
        """
        INSERT INTO tickets AS mirror (id, booking_id, trip_id, company_id, user_id, seat, deck, from_seq,
                                       to_seq, passenger_name, status, qr_serial, source_seq)
        SELECT * FROM jsonb_to_recordset($1) AS heard (
            id uuid, booking_id uuid, trip_id uuid, company_id uuid, user_id uuid, seat text, deck text,
            from_seq smallint, to_seq smallint, passenger_name text, status text, qr_serial smallint,
            seq bigint
        )
        ORDER BY id
        ON CONFLICT (id) DO UPDATE SET
            booking_id = excluded.booking_id, trip_id = excluded.trip_id, company_id = excluded.company_id,
            user_id = excluded.user_id, seat = excluded.seat, deck = excluded.deck,
            from_seq = excluded.from_seq, to_seq = excluded.to_seq, passenger_name = excluded.passenger_name,
            status = excluded.status, qr_serial = excluded.qr_serial, source_seq = excluded.source_seq
        WHERE mirror.source_seq < excluded.source_seq
        """,
        rows,
    )


async def keep_ticket(conn: Connection, ticket: dict[str, Any], known_seq: int) -> None:
    """A ticket as its owner said it is, if nothing was heard of it since it was known by `known_seq`."""
    await conn.execute(
        """
        INSERT INTO tickets AS mirror (id, booking_id, trip_id, company_id, user_id, seat, deck, from_seq,
                                       to_seq, passenger_name, status, qr_serial, source_seq)
        SELECT *, 0 FROM jsonb_to_record($1) AS said (
            id uuid, booking_id uuid, trip_id uuid, company_id uuid, user_id uuid, seat text, deck text,
            from_seq smallint, to_seq smallint, passenger_name text, status text, qr_serial smallint
        )
        ON CONFLICT (id) DO UPDATE SET
            status = excluded.status, qr_serial = excluded.qr_serial,
            passenger_name = excluded.passenger_name, user_id = coalesce(mirror.user_id, excluded.user_id)
        WHERE mirror.source_seq = $2
        """,
        ticket,
        known_seq,
    )


async def store_bookings(conn: Connection, rows: Sequence[dict[str, Any]]) -> None:
    await conn.execute(
        """
        INSERT INTO bookings AS mirror (id, reference, user_id, company_id, journey, source_seq)
        SELECT * FROM jsonb_to_recordset($1) AS heard (
            id uuid, reference text, user_id uuid, company_id uuid, journey jsonb, seq bigint
        )
        ORDER BY id
        ON CONFLICT (id) DO UPDATE SET
            reference = excluded.reference, user_id = excluded.user_id, company_id = excluded.company_id,
            journey = excluded.journey, source_seq = excluded.source_seq
        WHERE mirror.source_seq < excluded.source_seq
        """,
        rows,
    )


async def keep_booking(conn: Connection, booking: dict[str, Any]) -> None:
    """A booking as its ticket's owner said it is, unless it is known."""
    await conn.execute(
        """
        INSERT INTO bookings (id, reference, user_id, company_id, journey, source_seq)
        SELECT *, 0 FROM jsonb_to_record($1) AS said (
            id uuid, reference text, user_id uuid, company_id uuid, journey jsonb
        )
        ON CONFLICT DO NOTHING
        """,
        booking,
    )


async def store_trips(conn: Connection, rows: Sequence[dict[str, Any]]) -> None:
    await conn.execute(
        """
        INSERT INTO trips AS mirror (id, company_id, route_id, bus_id, departs_at, arrives_at, delay_min,
                                     status, source_seq)
        SELECT * FROM jsonb_to_recordset($1) AS heard (
            id uuid, company_id uuid, route_id uuid, bus_id uuid, departs_at timestamptz,
            arrives_at timestamptz, delay_min integer, status text, seq bigint
        )
        ORDER BY id
        ON CONFLICT (id) DO UPDATE SET
            company_id = excluded.company_id, route_id = excluded.route_id, bus_id = excluded.bus_id,
            departs_at = excluded.departs_at, arrives_at = excluded.arrives_at,
            delay_min = excluded.delay_min, status = excluded.status, source_seq = excluded.source_seq
        WHERE mirror.source_seq < excluded.source_seq
        """,
        rows,
    )


async def store_routes(conn: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """A route that is removed keeps its name and calls: departures of the past still show them."""
    await conn.execute(
        """
        INSERT INTO routes AS mirror (id, name, calls, removed, source_seq)
        SELECT id, coalesce(name, ''), coalesce(calls, '[]'), removed, seq
        FROM jsonb_to_recordset($1) AS heard (
            id uuid, name text, calls jsonb, removed boolean, seq bigint
        )
        ORDER BY id
        ON CONFLICT (id) DO UPDATE SET
            name = CASE WHEN excluded.removed THEN mirror.name ELSE excluded.name END,
            calls = CASE WHEN excluded.removed THEN mirror.calls ELSE excluded.calls END,
            removed = excluded.removed, source_seq = excluded.source_seq
        WHERE mirror.source_seq < excluded.source_seq
        """,
        rows,
    )


async def store_stops(conn: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """A stop that is removed keeps its name, like a route."""
    await conn.execute(
        """
        INSERT INTO stops AS mirror (id, name, city, time_zone, removed, source_seq)
        SELECT id, coalesce(name, ''), coalesce(city, ''), coalesce(time_zone, 'UTC'), removed, seq
        FROM jsonb_to_recordset($1) AS heard (
            id uuid, name text, city text, time_zone text, removed boolean, seq bigint
        )
        ORDER BY id
        ON CONFLICT (id) DO UPDATE SET
            name = CASE WHEN excluded.removed THEN mirror.name ELSE excluded.name END,
            city = CASE WHEN excluded.removed THEN mirror.city ELSE excluded.city END,
            time_zone = CASE WHEN excluded.removed THEN mirror.time_zone ELSE excluded.time_zone END,
            removed = excluded.removed, source_seq = excluded.source_seq
        WHERE mirror.source_seq < excluded.source_seq
        """,
        rows,
    )


async def store_buses(conn: Connection, rows: Sequence[dict[str, Any]]) -> None:
    await conn.execute(
        """
        INSERT INTO buses AS mirror (id, plate, source_seq)
        SELECT * FROM jsonb_to_recordset($1) AS heard (id uuid, plate text, seq bigint)
        ORDER BY id
        ON CONFLICT (id) DO UPDATE SET plate = excluded.plate, source_seq = excluded.source_seq
        WHERE mirror.source_seq < excluded.source_seq
        """,
        rows,
    )


async def store_companies(conn: Connection, rows: Sequence[dict[str, Any]]) -> None:
    await conn.execute(
        """
        INSERT INTO companies AS mirror (id, name, time_zone, source_seq)
        SELECT * FROM jsonb_to_recordset($1) AS heard (id uuid, name text, time_zone text, seq bigint)
        ORDER BY id
        ON CONFLICT (id) DO UPDATE SET
            name = excluded.name, time_zone = excluded.time_zone, source_seq = excluded.source_seq
        WHERE mirror.source_seq < excluded.source_seq
        """,
        rows,
    )


async def get_company_of_trip(conn: Connection, trip_id: UUID) -> UUID | None:
    """Whose departure it is, if it has been heard of."""
    found: UUID | None = await conn.fetchval("SELECT company_id FROM trips WHERE id = $1", trip_id)
    return found


async def keep_plan(conn: Connection, plan: dict[str, Any]) -> None:
    """A departure with its company, route, stops and bus, as their owner said they are; but what is known."""
    trip, company, route = plan["trip"], plan["company"], plan["route"]
    stops = [call["stop"] for call in route["calls"]]
    calls = [
        {name: call[name] for name in ("seq", "arrive_s", "depart_s")} | {"stop_id": call["stop"]["id"]}
        for call in sorted(route["calls"], key=lambda call: int(call["seq"]))
    ]
    buses = [{"id": trip["bus_id"], "plate": trip["bus_plate"]}] if trip["bus_id"] else []
    async with conn.transaction():
        await _keep(conn, store_companies, [company])
        await _keep(conn, store_stops, stops)
        await _keep(conn, store_routes, [{"id": route["id"], "name": route["name"], "calls": calls}])
        await _keep(conn, store_buses, buses)
        await _keep(conn, store_trips, [trip])


async def _keep(conn: Connection, store: Any, rows: Sequence[dict[str, Any]]) -> None:
    """What is known has a number above 0, or was read itself, and stays; a route may call at a stop twice."""
    once = {row["id"]: {**row, "seq": 0, "removed": False} for row in rows}
    if once:
        await store(conn, list(once.values()))
