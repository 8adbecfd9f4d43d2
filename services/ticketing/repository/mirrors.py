"""All SQL that keeps what others own: a batch of their news at a time, each row by the newest it has heard.

A row is a document as the event (or the answer that was read through) has it, with `source_seq`. One that is
older than what is there changes nothing. Never a thing of ticketing's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from common.database import Connection

    Rows = Sequence[dict[str, Any]]
    Removals = Sequence[tuple[UUID, int]]


async def store_companies(conn: Connection, rows: Rows) -> None:
    await conn.execute(
        """INSERT INTO companies AS mine (id, name, time_zone, currency, status, refund_policy, source_seq)
           SELECT id, name, time_zone, currency, status, refund_policy, source_seq
           FROM jsonb_to_recordset($1::jsonb) AS r (id uuid, name text, time_zone text, currency text,
                                                    status text, refund_policy jsonb, source_seq bigint)
           ORDER BY id
           ON CONFLICT (id) DO UPDATE
           SET name = excluded.name, time_zone = excluded.time_zone, currency = excluded.currency,
               status = excluded.status, refund_policy = excluded.refund_policy,
               source_seq = excluded.source_seq
           WHERE mine.source_seq < excluded.source_seq""",
        rows,
    )


async def store_layouts(conn: Connection, rows: Rows) -> None:
    """A layout never changes once it is made."""
    await conn.execute(
        """INSERT INTO layouts (id, company_id, decks, classes, seats, capacity, source_seq)
           SELECT id, company_id, decks, classes, seats, capacity, source_seq
           FROM jsonb_to_recordset($1::jsonb) AS r (id uuid, company_id uuid, decks jsonb, classes jsonb,
                                                    seats jsonb, capacity smallint, source_seq bigint)
           ORDER BY id
           ON CONFLICT (id) DO NOTHING""",
        rows,
    )


async def store_buses(conn: Connection, rows: Rows) -> None:
    await conn.execute(
        """INSERT INTO buses AS mine (id, plate, source_seq)
           SELECT id, plate, source_seq
           FROM jsonb_to_recordset($1::jsonb) AS r (id uuid, plate text, source_seq bigint)
           ORDER BY id
           ON CONFLICT (id) DO UPDATE SET plate = excluded.plate, source_seq = excluded.source_seq
           WHERE mine.source_seq < excluded.source_seq""",
        rows,
    )


async def store_drivers(conn: Connection, rows: Rows) -> None:
    await conn.execute(
        """INSERT INTO drivers AS mine (id, name, source_seq)
           SELECT id, name, source_seq
           FROM jsonb_to_recordset($1::jsonb) AS r (id uuid, name text, source_seq bigint)
           ORDER BY id
           ON CONFLICT (id) DO UPDATE SET name = excluded.name, source_seq = excluded.source_seq
           WHERE mine.source_seq < excluded.source_seq""",
        rows,
    )


async def store_stops(conn: Connection, rows: Rows) -> None:
    await conn.execute(
        """INSERT INTO stops AS mine (id, company_id, name, city, place, lat, lon, time_zone, source_seq)
           SELECT id, company_id, name, city, place, lat, lon, time_zone, source_seq
           FROM jsonb_to_recordset($1::jsonb)
                AS r (id uuid, company_id uuid, name text, city text, place text, lat double precision,
                      lon double precision, time_zone text, source_seq bigint)
           WHERE NOT EXISTS (SELECT FROM removed g WHERE g.id = r.id AND g.source_seq > r.source_seq)
           ORDER BY id
           ON CONFLICT (id) DO UPDATE
           SET company_id = excluded.company_id, name = excluded.name, city = excluded.city,
               place = excluded.place, lat = excluded.lat, lon = excluded.lon,
               time_zone = excluded.time_zone, source_seq = excluded.source_seq
           WHERE mine.source_seq < excluded.source_seq""",
        rows,
    )


async def store_routes(conn: Connection, rows: Rows) -> None:
    await conn.execute(
        """INSERT INTO routes AS mine (id, company_id, name, currency, calls, source_seq)
           SELECT id, company_id, name, currency, calls, source_seq
           FROM jsonb_to_recordset($1::jsonb) AS r (id uuid, company_id uuid, name text, currency text,
                                                    calls jsonb, source_seq bigint)
           WHERE NOT EXISTS (SELECT FROM removed g WHERE g.id = r.id AND g.source_seq > r.source_seq)
           ORDER BY id
           ON CONFLICT (id) DO UPDATE
           SET company_id = excluded.company_id, name = excluded.name, currency = excluded.currency,
               calls = excluded.calls, source_seq = excluded.source_seq
           WHERE mine.source_seq < excluded.source_seq""",
        rows,
    )


async def remove_stops(conn: Connection, removals: Removals) -> None:
    await _note_removals(conn, removals)
    await conn.execute(
        """DELETE FROM stops s USING unnest($1::uuid[], $2::bigint[]) AS r (id, source_seq)
           WHERE s.id = r.id AND s.source_seq < r.source_seq""",
        [each for each, _ in removals],
        [seq for _, seq in removals],
    )


async def remove_routes(conn: Connection, removals: Removals) -> None:
    await _note_removals(conn, removals)
    await conn.execute(
        """DELETE FROM routes t USING unnest($1::uuid[], $2::bigint[]) AS r (id, source_seq)
           WHERE t.id = r.id AND t.source_seq < r.source_seq""",
        [each for each, _ in removals],
        [seq for _, seq in removals],
    )


async def _note_removals(conn: Connection, removals: Removals) -> None:
    await conn.execute(
        """INSERT INTO removed AS mine SELECT * FROM unnest($1::uuid[], $2::bigint[]) AS r (id, source_seq)
           ORDER BY id
           ON CONFLICT (id) DO UPDATE SET source_seq = excluded.source_seq
           WHERE mine.source_seq < excluded.source_seq""",
        [each for each, _ in removals],
        [seq for _, seq in removals],
    )


async def store_trips(conn: Connection, rows: Rows) -> None:
    """`heard_at` is when its status changed here, `reseated_at` when its seats did: what sweeps look at."""
    await conn.execute(
        """INSERT INTO trips AS mine (id, company_id, route_id, layout_id, bus_id, driver_id, service_date,
                                      departs_at, arrives_at, delay_min, status, cancel_reason, updated_at,
                                      source_seq)
           SELECT id, company_id, route_id, layout_id, bus_id, driver_id, service_date, departs_at,
                  arrives_at, delay_min, status, cancel_reason, updated_at, source_seq
           FROM jsonb_to_recordset($1::jsonb)
                AS r (id uuid, company_id uuid, route_id uuid, layout_id uuid, bus_id uuid, driver_id uuid,
                      service_date date, departs_at timestamptz, arrives_at timestamptz, delay_min integer,
                      status text, cancel_reason text, updated_at timestamptz, source_seq bigint)
           ORDER BY id
           ON CONFLICT (id) DO UPDATE
           SET company_id = excluded.company_id, route_id = excluded.route_id, layout_id = excluded.layout_id,
               bus_id = excluded.bus_id, driver_id = excluded.driver_id,
               service_date = excluded.service_date, departs_at = excluded.departs_at,
               arrives_at = excluded.arrives_at, delay_min = excluded.delay_min, status = excluded.status,
               cancel_reason = excluded.cancel_reason, updated_at = excluded.updated_at,
               heard_at = CASE WHEN mine.status = excluded.status THEN mine.heard_at ELSE now() END,
               reseated_at = CASE WHEN mine.layout_id = excluded.layout_id THEN mine.reseated_at
                                  ELSE now() END,
               source_seq = excluded.source_seq
           WHERE mine.source_seq < excluded.source_seq""",
        rows,
    )


async def store_accounts(conn: Connection, rows: Rows) -> None:
    await conn.execute(
        """INSERT INTO accounts AS mine (id, email, phone, locale, source_seq)
           SELECT id, email, phone, locale, source_seq
           FROM jsonb_to_recordset($1::jsonb) AS r (id uuid, email text, phone text, locale text,
                                                    source_seq bigint)
           ORDER BY id
           ON CONFLICT (id) DO UPDATE
           SET email = excluded.email, phone = excluded.phone, locale = excluded.locale,
               source_seq = excluded.source_seq
           WHERE mine.source_seq < excluded.source_seq""",
        rows,
    )


async def store_profiles(conn: Connection, rows: Rows) -> None:
    await conn.execute(
        """INSERT INTO profiles AS mine (user_id, phone, locale, source_seq)
           SELECT user_id, phone, locale, source_seq
           FROM jsonb_to_recordset($1::jsonb) AS r (user_id uuid, phone text, locale text, source_seq bigint)
           ORDER BY user_id
           ON CONFLICT (user_id) DO UPDATE
           SET phone = excluded.phone, locale = excluded.locale, source_seq = excluded.source_seq
           WHERE mine.source_seq < excluded.source_seq""",
        rows,
    )


async def store_payments(conn: Connection, rows: Rows) -> None:
    """`heard_at` is when its status changed here: what the sweep that settles looks at."""
    await conn.execute(
        """INSERT INTO payments AS mine (id, booking_id, status, amount_minor, source_seq)
           SELECT id, booking_id, status, amount_minor, source_seq
           FROM jsonb_to_recordset($1::jsonb) AS r (id uuid, booking_id uuid, status text,
                                                    amount_minor bigint, source_seq bigint)
           ORDER BY id
           ON CONFLICT (id) DO UPDATE
           SET booking_id = excluded.booking_id, status = excluded.status,
               amount_minor = excluded.amount_minor,
               heard_at = CASE WHEN mine.status = excluded.status THEN mine.heard_at ELSE now() END,
               source_seq = excluded.source_seq
           WHERE mine.source_seq < excluded.source_seq""",
        rows,
    )


async def store_check_ins(conn: Connection, rows: Rows) -> None:
    """The first of a ticket counts: a later one would be a duplicate, of which nothing is said."""
    await conn.execute(
        """INSERT INTO check_ins AS mine (ticket_id, checked_in_at, source_seq)
           SELECT DISTINCT ON (ticket_id) ticket_id, scanned_at, source_seq
           FROM jsonb_to_recordset($1::jsonb) AS r (ticket_id uuid, scanned_at timestamptz, source_seq bigint)
           ORDER BY ticket_id, source_seq DESC
           ON CONFLICT (ticket_id) DO UPDATE
           SET checked_in_at = excluded.checked_in_at, source_seq = excluded.source_seq
           WHERE mine.source_seq < excluded.source_seq""",
        rows,
    )
