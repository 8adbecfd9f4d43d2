"""SQL of what other services own: rows as their events told them, the newest word of each.

What is written here must never hold more than one row of one thing: a statement cannot write a row twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from common.database import Connection

    Rows = Sequence[Mapping[str, Any]]


async def take_turn_to_count(conn: Connection) -> None:
    """Before what the roll-ups count is written, so that two who write it never wait for each other."""
    await conn.fetchval("SELECT take_turn_to_count()")


async def store_accounts(conn: Connection, rows: Rows) -> None:
    await conn.execute(
        """
        INSERT INTO accounts AS mirror
        SELECT * FROM jsonb_to_recordset($1)
            AS told (id uuid, email text, role text, status text, source_seq bigint)
        ON CONFLICT (id) DO UPDATE SET email = excluded.email, role = excluded.role,
            status = excluded.status, source_seq = excluded.source_seq
        WHERE mirror.source_seq < excluded.source_seq
        """,
        rows,
    )


async def store_companies(conn: Connection, rows: Rows) -> None:
    await conn.execute(
        """
        INSERT INTO companies AS mirror
        SELECT * FROM jsonb_to_recordset($1) AS told
            (id uuid, name text, time_zone text, currency text, status text, source_seq bigint)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, time_zone = excluded.time_zone,
            currency = excluded.currency, status = excluded.status, source_seq = excluded.source_seq
        WHERE mirror.source_seq < excluded.source_seq
        """,
        rows,
    )


async def store_layouts(conn: Connection, rows: Rows) -> None:
    await conn.execute(
        """
        INSERT INTO layouts AS mirror
        SELECT * FROM jsonb_to_recordset($1) AS told (id uuid, capacity smallint, source_seq bigint)
        ON CONFLICT (id) DO UPDATE SET capacity = excluded.capacity, source_seq = excluded.source_seq
        WHERE mirror.source_seq < excluded.source_seq
        """,
        rows,
    )


async def store_stops(conn: Connection, rows: Rows) -> None:
    """Of a stop that was removed only its id and number are told."""
    await conn.execute(
        """
        INSERT INTO stops AS mirror
        SELECT * FROM jsonb_to_recordset($1)
            AS told (id uuid, name text, city text, time_zone text, source_seq bigint)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, city = excluded.city,
            time_zone = excluded.time_zone, source_seq = excluded.source_seq
        WHERE mirror.source_seq < excluded.source_seq
        """,
        rows,
    )


async def store_routes(conn: Connection, rows: Rows) -> None:
    """Of a route that was removed only its id and number are told."""
    await conn.execute(
        """
        INSERT INTO routes AS mirror
        SELECT * FROM jsonb_to_recordset($1)
            AS told (id uuid, company_id uuid, name text, calls jsonb, source_seq bigint)
        ON CONFLICT (id) DO UPDATE SET company_id = excluded.company_id, name = excluded.name,
            calls = excluded.calls, source_seq = excluded.source_seq
        WHERE mirror.source_seq < excluded.source_seq
        """,
        rows,
    )


async def store_trips(conn: Connection, rows: Rows) -> None:
    await conn.execute(
        """
        INSERT INTO trips AS mirror
        SELECT * FROM jsonb_to_recordset($1) AS told
            (id uuid, company_id uuid, route_id uuid, layout_id uuid, departs_at timestamptz,
             delay_min integer, status text, source_seq bigint)
        ON CONFLICT (id) DO UPDATE SET layout_id = excluded.layout_id, departs_at = excluded.departs_at,
            delay_min = excluded.delay_min, status = excluded.status, source_seq = excluded.source_seq
        WHERE mirror.source_seq < excluded.source_seq
        """,
        rows,
    )


async def store_bookings(conn: Connection, rows: Rows) -> None:
    """A booking's route is its journey's, else its trip's if that is known; else the trip brings it."""
    await conn.execute(
        """
        INSERT INTO bookings AS mirror
        SELECT told.id, told.reference, told.user_id, told.trip_id, told.company_id,
               coalesce((told.journey ->> 'route_id')::uuid, t.route_id),
               told.from_seq, told.to_seq, told.status, told.total_minor, told.refund_due_minor,
               told.currency, told.payment_id, told.journey, told.created_at, told.source_seq
        FROM jsonb_to_recordset($1) AS told
            (id uuid, reference text, user_id uuid, trip_id uuid, company_id uuid, from_seq smallint,
             to_seq smallint, status text, total_minor bigint, refund_due_minor bigint, currency text,
             payment_id uuid, journey jsonb, created_at timestamptz, source_seq bigint)
        LEFT JOIN trips t ON t.id = told.trip_id
        ON CONFLICT (id) DO UPDATE SET status = excluded.status, total_minor = excluded.total_minor,
            refund_due_minor = excluded.refund_due_minor, payment_id = excluded.payment_id,
            route_id = coalesce(excluded.route_id, mirror.route_id), source_seq = excluded.source_seq
        WHERE mirror.source_seq < excluded.source_seq
        """,
        rows,
    )


async def store_tickets(conn: Connection, rows: Rows) -> None:
    await conn.execute(
        """
        INSERT INTO tickets AS mirror
        SELECT * FROM jsonb_to_recordset($1) AS told
            (id uuid, booking_id uuid, trip_id uuid, seat text, from_seq smallint, to_seq smallint,
             status text, sold boolean, source_seq bigint)
        ON CONFLICT (id) DO UPDATE SET status = excluded.status, sold = excluded.sold,
            source_seq = excluded.source_seq
        WHERE mirror.source_seq < excluded.source_seq
        """,
        rows,
    )


async def store_check_ins(conn: Connection, rows: Rows) -> None:
    """A ticket is checked in once; whoever tells it again tells nothing new."""
    await conn.execute(
        """
        INSERT INTO check_ins
        SELECT * FROM jsonb_to_recordset($1) AS told (ticket_id uuid, trip_id uuid, source_seq bigint)
        ON CONFLICT (ticket_id) DO NOTHING
        """,
        rows,
    )


async def store_refunds(conn: Connection, rows: Rows) -> None:
    await conn.execute(
        """
        INSERT INTO refunds AS mirror
        SELECT * FROM jsonb_to_recordset($1) AS told
            (id uuid, booking_id uuid, company_id uuid, amount_minor bigint, currency text, status text,
             created_at timestamptz, source_seq bigint)
        ON CONFLICT (id) DO UPDATE SET status = excluded.status, source_seq = excluded.source_seq
        WHERE mirror.source_seq < excluded.source_seq
        """,
        rows,
    )
