"""SQL of the dashboards: has days counted that news has touched, and reads them, and one's own bookings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    from common.database import Connection, Pool

Row: TypeAlias = Mapping[str, Any]


async def get_journeys(conn: Connection | Pool, user_id: UUID, upcoming: int) -> Row:
    """A passenger's journeys: how many, `months` of travel with what was paid and kept, and the next ones.

    What the trip, its route or its stops would say is taken from the journey as it was sold while they have
    not been heard of. A journey is made once the bus has left the boarding stop, delay included.
    """
    row: Row = await conn.fetchrow(
        """
        WITH mine AS MATERIALIZED (
            SELECT b.id, b.reference, b.trip_id, b.to_seq, b.currency, b.journey,
                   b.status = 'confirmed' AS goes, b.total_minor - b.refund_due_minor AS kept_minor,
                   b.payment_id IS NOT NULL AS paid, b.total_minor = 0 AS free,
                   r.calls, boarding.name, boarding.city, leaving.departs_at,
                   coalesce(boarding.time_zone, b.journey #>> '{from,time_zone}', 'UTC') AS time_zone,
                   leaving.departs_at + make_interval(mins => coalesce(t.delay_min, 0)) > now() AS is_ahead
            FROM bookings b
            LEFT JOIN trips t ON t.id = b.trip_id
            LEFT JOIN routes r ON r.id = coalesce(t.route_id, b.route_id)
            LEFT JOIN stops boarding ON boarding.id = (r.calls -> b.from_seq::int ->> 'stop_id')::uuid
            CROSS JOIN LATERAL (
                SELECT coalesce(
                    t.departs_at + make_interval(secs => (r.calls -> b.from_seq::int ->> 'depart_s')::int),
                    (b.journey #>> '{from,departs_at}')::timestamptz) AS departs_at
            ) leaving
            WHERE b.user_id = $1
        ), months AS (
            SELECT to_char(departs_at AT TIME ZONE time_zone, 'YYYY-MM') AS month, currency,
                   count(*) FILTER (WHERE goes) AS trips, sum(kept_minor) AS spend_minor
            FROM mine
            WHERE (goes OR paid) AND departs_at IS NOT NULL
            GROUP BY 1, 2
        ), next AS (
            SELECT * FROM mine WHERE goes AND is_ahead ORDER BY departs_at, id LIMIT $2
        )
        SELECT count(*) FILTER (WHERE goes AND NOT is_ahead) AS taken,
               count(*) FILTER (WHERE goes AND is_ahead) AS upcoming,
               count(*) FILTER (WHERE NOT goes AND (paid OR free)) AS cancelled,
               (SELECT jsonb_agg(months ORDER BY month, currency) FROM months) AS months,
               (SELECT jsonb_agg(jsonb_build_object(
                    'booking_id', n.id, 'reference', n.reference, 'trip_id', n.trip_id,
                    'from_name', coalesce(n.name, n.journey #>> '{from,name}', ''),
                    'from_city', coalesce(n.city, n.journey #>> '{from,city}', ''),
                    'to_name', coalesce(s.name, n.journey #>> '{to,name}', ''),
                    'to_city', coalesce(s.city, n.journey #>> '{to,city}', ''),
                    'departs_at', n.departs_at, 'time_zone', n.time_zone,
                    'seats', ARRAY(SELECT k.seat FROM tickets k
                                   WHERE k.booking_id = n.id AND k.status = 'confirmed' ORDER BY k.seat)
                ) ORDER BY n.departs_at, n.id)
                FROM next n
                LEFT JOIN stops s ON s.id = (n.calls -> n.to_seq::int ->> 'stop_id')::uuid) AS next
        FROM mine
        """,
        user_id,
        upcoming,
    )
    return row


async def get_company(conn: Connection | Pool, company_id: UUID) -> Row | None:
    """The company, what day it is there, and whether some of its days are to be counted first."""
    row: Row | None = await conn.fetchrow(
        """
        SELECT id, name, status, currency, time_zone, (now() AT TIME ZONE time_zone)::date AS today,
               is_stale(id) AS is_stale
        FROM companies WHERE id = $1
        """,
        company_id,
    )
    return row


async def has_stale_days(conn: Connection | Pool) -> bool:
    """Whether anybody's days are to be counted."""
    is_stale: bool = await conn.fetchval("SELECT is_stale(NULL)")
    return is_stale


async def count_stale_days(conn: Connection | Pool, company_id: UUID | None, most: int) -> int:
    """Count days that news has touched, of a company or of everybody; fewer than `most` are all of them."""
    counted: int = await conn.fetchval("SELECT count_stale($1, $2)", company_id, most)
    return counted


async def list_companies(conn: Connection | Pool) -> Sequence[Row]:
    """Companies to choose from, by name."""
    rows: Sequence[Row] = await conn.fetch("SELECT id, name FROM companies ORDER BY name, id")
    return rows


async def list_sales(conn: Connection | Pool, company_id: UUID, first: date, last: date) -> Sequence[Row]:
    """A company's sales twice over: per day, with what was given back on it, and per route.

    A row has either a `day` or a `route_id`; a route's name is None while it has not been heard of.
    """
    rows: Sequence[Row] = await conn.fetch(
        """
        SELECT day, NULL::uuid AS route_id, NULL AS name, sum(bookings)::int AS bookings,
               sum(tickets)::int AS tickets, sum(cancelled)::int AS cancelled,
               sum(revenue_minor)::bigint AS revenue_minor, 0::bigint AS refunds_minor
        FROM daily_totals
        WHERE company_id = $1 AND day BETWEEN $2 AND $3
        GROUP BY day
        UNION ALL
        SELECT NULL, sold.route_id, r.name, sold.bookings, sold.tickets, sold.cancelled, sold.revenue_minor, 0
        FROM (
            SELECT route_id, sum(bookings)::int AS bookings, sum(tickets)::int AS tickets,
                   sum(cancelled)::int AS cancelled, sum(revenue_minor)::bigint AS revenue_minor
            FROM daily_sales
            WHERE company_id = $1 AND day BETWEEN $2 AND $3
            GROUP BY route_id
        ) sold LEFT JOIN routes r ON r.id = sold.route_id
        UNION ALL
        SELECT day, NULL, NULL, 0, 0, 0, 0, sum(refunds_minor)::bigint
        FROM daily_refunds
        WHERE company_id = $1 AND day BETWEEN $2 AND $3
        GROUP BY day
        """,
        company_id,
        first,
        last,
    )
    return rows


async def list_departures(
    conn: Connection | Pool, company_id: UUID, first: date, last: date, today: date
) -> Sequence[Row]:
    """Per route with departures in the period: how many, and how they filled.

    `seat_legs` is what they had to sell (seats times legs), `sold_legs` what of it was sold. `boarding`
    counts the tickets of departures that have left, `boarded` those of them that were scanned. Of days that
    are over all have left; today's are looked at one by one.
    """
    rows: Sequence[Row] = await conn.fetch(
        """
        WITH counted AS (
            SELECT route_id, sum(departures)::int AS departures, sum(seats)::bigint AS seats,
                   sum(sold_legs)::bigint AS sold_legs,
                   coalesce(sum(passengers) FILTER (WHERE day < $4), 0)::bigint AS boarding,
                   coalesce(sum(boarded) FILTER (WHERE day < $4), 0)::bigint AS boarded
            FROM daily_departures
            WHERE company_id = $1 AND day BETWEEN $2 AND $3
            GROUP BY 1
        ), today AS (
            SELECT t.route_id, count(*) AS boarding, count(i.ticket_id) AS boarded
            FROM daily_departures d
            JOIN companies c ON c.id = d.company_id
            JOIN trips t ON t.company_id = d.company_id AND t.route_id = d.route_id AND t.status = 'scheduled'
                AND t.departs_at >= $4::date::timestamp AT TIME ZONE c.time_zone AND t.departs_at <= now()
            JOIN layouts l ON l.id = t.layout_id
            JOIN tickets k ON k.trip_id = t.id AND k.status = 'confirmed'
            LEFT JOIN check_ins i ON i.ticket_id = k.id
            WHERE d.company_id = $1 AND d.day = $4 AND $4 BETWEEN $2 AND $3 AND d.passengers > 0
            GROUP BY 1
        )
        SELECT counted.route_id, r.name, counted.departures, counted.sold_legs,
               counted.seats * greatest(jsonb_array_length(r.calls) - 1, 0) AS seat_legs,
               counted.boarding + coalesce(today.boarding, 0) AS boarding,
               counted.boarded + coalesce(today.boarded, 0) AS boarded
        FROM counted JOIN routes r ON r.id = counted.route_id AND r.calls IS NOT NULL
        LEFT JOIN today ON today.route_id = counted.route_id
        """,
        company_id,
        first,
        last,
        today,
    )
    return rows


async def count_people(conn: Connection | Pool) -> Row:
    """How many users there are, what day it is where it is latest among the companies, and `is_stale`:

    whether days are to be counted first.
    """
    row: Row = await conn.fetchrow(
        """
        SELECT (SELECT accounts FROM counted_accounts) AS users, is_stale(NULL) AS is_stale,
               coalesce((SELECT max((now() AT TIME ZONE time_zone)::date) FROM companies),
                        (now() AT TIME ZONE 'UTC')::date) AS today
        """
    )
    return row


async def platform_sales(conn: Connection | Pool, first: date, last: date) -> Sequence[Row]:
    """Sales twice over: per day, with what was given back on it, and per company; each per currency.

    A row has either a `day` or a `company_id`.
    """
    rows: Sequence[Row] = await conn.fetch(
        """
        SELECT s.day, s.company_id, s.currency, sum(s.bookings)::int AS bookings,
               sum(s.tickets)::int AS tickets, sum(s.revenue_minor)::bigint AS revenue_minor,
               0::bigint AS refunds_minor
        FROM daily_totals s
        WHERE s.day BETWEEN $1 AND $2
        GROUP BY GROUPING SETS ((s.day, s.currency), (s.company_id, s.currency))
        UNION ALL
        SELECT day, NULL, currency, 0, 0, 0, sum(refunds_minor)::bigint
        FROM daily_refunds
        WHERE day BETWEEN $1 AND $2
        GROUP BY day, currency
        """,
        first,
        last,
    )
    return rows


async def platform_departures(conn: Connection | Pool, first: date, last: date) -> Sequence[Row]:
    """Every company, with its departures in the period."""
    rows: Sequence[Row] = await conn.fetch(
        """
        SELECT c.id AS company_id, c.name, c.currency, coalesce(ran.departures, 0) AS departures
        FROM companies c
        LEFT JOIN (
            SELECT company_id, sum(departures)::int AS departures
            FROM daily_departures WHERE day BETWEEN $1 AND $2
            GROUP BY 1
        ) ran ON ran.company_id = c.id
        ORDER BY c.name, c.id
        """,
        first,
        last,
    )
    return rows
