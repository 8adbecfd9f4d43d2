"""SQL of the dashboards: reads across every domain, and writes nothing.

A booking is a sale if it is confirmed, or was cancelled after it had been paid for (or was free), and it is
of the day, in the company's time zone, on which it was made. Of its tickets those count that ever were good:
they got a code then, or gave money back. A refund is of the day on which it was made, a departure of the day
on which it leaves stop 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    from common.database import Connection, Pool

Row: TypeAlias = Mapping[str, Any]


async def count_trips(conn: Connection | Pool, user_id: UUID) -> Row:
    """How many journeys a user has made, has ahead, and has cancelled."""
    row: Row = await conn.fetchrow(
        """
        SELECT count(*) FILTER (WHERE b.status = 'confirmed' AND leaves <= now()) AS taken,
               count(*) FILTER (WHERE b.status = 'confirmed' AND leaves > now()) AS upcoming,
               count(*) FILTER (WHERE b.status = 'cancelled'
                                  AND (b.payment_id IS NOT NULL OR b.total = 0)) AS cancelled
        FROM bookings b
        JOIN trips t ON t.id = b.trip_id
        JOIN route_stops rs ON rs.route_id = t.route_id AND rs.seq = b.from_seq
        CROSS JOIN LATERAL (
            SELECT t.departs_at + make_interval(secs => rs.depart_s, mins => t.delay_min) AS leaves
        ) timing
        WHERE b.user_id = $1 AND b.status IN ('confirmed', 'cancelled')
        """,
        user_id,
    )
    return row


async def spend_by_month(conn: Connection | Pool, user_id: UUID) -> Sequence[Row]:
    """Per month of travel (at the stop of boarding) and currency: journeys, and what was paid and kept."""
    rows: Sequence[Row] = await conn.fetch(
        """
        SELECT to_char(date_trunc('month',
                   (t.departs_at + make_interval(secs => rs.depart_s)) AT TIME ZONE s.time_zone), 'YYYY-MM')
                   AS month,
               b.currency,
               count(*) FILTER (WHERE b.status = 'confirmed') AS trips,
               sum(b.total - b.refund_due) AS spend
        FROM bookings b
        JOIN trips t ON t.id = b.trip_id
        JOIN route_stops rs ON rs.route_id = t.route_id AND rs.seq = b.from_seq
        JOIN stops s ON s.id = rs.stop_id
        WHERE b.user_id = $1
          AND (b.status = 'confirmed' OR (b.status = 'cancelled' AND b.payment_id IS NOT NULL))
        GROUP BY 1, 2
        ORDER BY 1, 2
        """,
        user_id,
    )
    return rows


async def list_upcoming(conn: Connection | Pool, user_id: UUID, limit: int) -> Sequence[Row]:
    """Journeys ahead, the next one first."""
    rows: Sequence[Row] = await conn.fetch(
        """
        SELECT b.id AS booking_id, b.reference, b.trip_id, t.delay_min,
               from_stop.name AS from_name, from_stop.city AS from_city, from_stop.time_zone,
               to_stop.name AS to_name, to_stop.city AS to_city,
               t.departs_at + make_interval(secs => board.depart_s) AS departs_at,
               ARRAY(SELECT k.seat FROM tickets k WHERE k.booking_id = b.id AND k.status = 'confirmed'
                     ORDER BY k.seat) AS seats
        FROM bookings b
        JOIN trips t ON t.id = b.trip_id
        JOIN route_stops board ON board.route_id = t.route_id AND board.seq = b.from_seq
        JOIN route_stops leave ON leave.route_id = t.route_id AND leave.seq = b.to_seq
        JOIN stops from_stop ON from_stop.id = board.stop_id
        JOIN stops to_stop ON to_stop.id = leave.stop_id
        WHERE b.user_id = $1 AND b.status = 'confirmed'
          AND t.departs_at + make_interval(secs => board.depart_s, mins => t.delay_min) > now()
        ORDER BY departs_at, b.id
        LIMIT $2
        """,
        user_id,
        limit,
    )
    return rows


async def get_company(conn: Connection | Pool, company_id: UUID) -> Row | None:
    """The company, and what day it is there."""
    row: Row | None = await conn.fetchrow(
        """
        SELECT id, name, status, currency, time_zone, (now() AT TIME ZONE time_zone)::date AS today
        FROM companies WHERE id = $1
        """,
        company_id,
    )
    return row


async def list_companies(conn: Connection | Pool) -> Sequence[Row]:
    """Companies to choose from, by name."""
    rows: Sequence[Row] = await conn.fetch("SELECT id, name FROM companies ORDER BY name, id")
    return rows


async def list_sales(
    conn: Connection | Pool, company_id: UUID, time_zone: str, first: date, last: date
) -> Sequence[Row]:
    """Per day and route with a sale: bookings, tickets, cancelled ones among them, and revenue."""
    rows: Sequence[Row] = await conn.fetch(
        """
        WITH sold AS (
            SELECT (b.created_at AT TIME ZONE $2)::date AS date, b.trip_id, b.total,
                   count(*) AS tickets, count(*) FILTER (WHERE k.status = 'cancelled') AS cancelled
            FROM bookings b JOIN tickets k ON k.booking_id = b.id
            WHERE b.company_id = $1
              AND b.created_at >= $3::date::timestamp AT TIME ZONE $2
              AND b.created_at < ($4::date + 1)::timestamp AT TIME ZONE $2
              AND (b.status = 'confirmed'
                   OR (b.status = 'cancelled' AND (b.payment_id IS NOT NULL OR b.total = 0)))
              AND (k.status = 'confirmed'
                   OR (k.status = 'cancelled' AND (k.qr_code IS NOT NULL OR k.refund_due > 0)))
            GROUP BY b.id
        )
        SELECT sold.date, r.id AS route_id, r.name, count(*) AS bookings, sum(sold.tickets)::int AS tickets,
               sum(sold.cancelled)::int AS cancelled, sum(sold.total) AS revenue
        FROM sold JOIN trips t ON t.id = sold.trip_id JOIN routes r ON r.id = t.route_id
        GROUP BY sold.date, r.id
        """,
        company_id,
        time_zone,
        first,
        last,
    )
    return rows


async def list_refunds(
    conn: Connection | Pool, company_id: UUID, time_zone: str, first: date, last: date
) -> Sequence[Row]:
    """Per day on which something was: what was given back."""
    rows: Sequence[Row] = await conn.fetch(
        """
        SELECT (r.created_at AT TIME ZONE $2)::date AS date, sum(r.amount) AS refunds
        FROM refunds r
        JOIN payments p ON p.id = r.payment_id
        JOIN bookings b ON b.id = p.booking_id AND b.status IN ('confirmed', 'cancelled')
        WHERE p.company_id = $1 AND r.status <> 'failed'
          AND r.created_at >= $3::date::timestamp AT TIME ZONE $2
          AND r.created_at < ($4::date + 1)::timestamp AT TIME ZONE $2
        GROUP BY 1
        """,
        company_id,
        time_zone,
        first,
        last,
    )
    return rows


async def list_departures(
    conn: Connection | Pool, company_id: UUID, time_zone: str, first: date, last: date
) -> Sequence[Row]:
    """Per route with departures in the period: how many, and how they filled.

    `seat_legs` is what they had to sell (seats times legs), `sold_legs` what of it was sold. `boarding`
    counts the tickets of departures that have left, `boarded` those of them that were scanned.
    """
    rows: Sequence[Row] = await conn.fetch(
        """
        WITH departing AS (
            SELECT t.id, t.route_id, t.departs_at, l.capacity
            FROM trips t JOIN layouts l ON l.id = t.layout_id
            WHERE t.company_id = $1 AND t.status = 'scheduled'
              AND t.departs_at >= $3::date::timestamp AT TIME ZONE $2
              AND t.departs_at < ($4::date + 1)::timestamp AT TIME ZONE $2
        ), offered AS (
            SELECT route_id, count(*) AS departures, sum(capacity) AS seats FROM departing GROUP BY 1
        ), filled AS (
            SELECT d.route_id, sum(k.to_seq - k.from_seq) AS sold_legs,
                   count(*) FILTER (WHERE d.departs_at <= now()) AS boarding,
                   count(k.scanned_at) FILTER (WHERE d.departs_at <= now()) AS boarded
            FROM departing d JOIN tickets k ON k.trip_id = d.id AND k.status = 'confirmed'
            GROUP BY 1
        )
        SELECT r.id AS route_id, r.name, o.departures,
               o.seats * (SELECT max(seq) FROM route_stops WHERE route_id = r.id) AS seat_legs,
               coalesce(f.sold_legs, 0) AS sold_legs, coalesce(f.boarding, 0) AS boarding,
               coalesce(f.boarded, 0) AS boarded
        FROM offered o JOIN routes r ON r.id = o.route_id LEFT JOIN filled f ON f.route_id = r.id
        """,
        company_id,
        time_zone,
        first,
        last,
    )
    return rows


async def count_people(conn: Connection | Pool) -> Row:
    """How many users and companies there are, and what day it is where it is latest among them."""
    row: Row = await conn.fetchrow(
        """
        SELECT (SELECT count(*) FROM users) AS users, (SELECT count(*) FROM companies) AS companies,
               coalesce((SELECT max((now() AT TIME ZONE time_zone)::date) FROM companies),
                        (now() AT TIME ZONE 'UTC')::date) AS today
        """
    )
    return row


async def platform_sales(conn: Connection | Pool, first: date, last: date) -> Sequence[Row]:
    """Per day (as its company has it), company and currency: bookings, tickets, revenue and refunds."""
    rows: Sequence[Row] = await conn.fetch(
        """
        WITH sold AS (
            SELECT company_id, date, currency, count(*) AS bookings, sum(tickets)::int AS tickets,
                   sum(total) AS revenue
            FROM (
                SELECT b.company_id, (b.created_at AT TIME ZONE c.time_zone)::date AS date, b.currency,
                       b.total, count(*) AS tickets
                FROM companies c
                JOIN bookings b ON b.company_id = c.id
                    AND b.created_at >= $1::date::timestamp AT TIME ZONE c.time_zone
                    AND b.created_at < ($2::date + 1)::timestamp AT TIME ZONE c.time_zone
                    AND (b.status = 'confirmed'
                         OR (b.status = 'cancelled' AND (b.payment_id IS NOT NULL OR b.total = 0)))
                JOIN tickets k ON k.booking_id = b.id
                    AND (k.status = 'confirmed'
                         OR (k.status = 'cancelled' AND (k.qr_code IS NOT NULL OR k.refund_due > 0)))
                GROUP BY b.id, c.id
            ) each
            GROUP BY 1, 2, 3
        ), refunded AS (
            SELECT c.id AS company_id, (r.created_at AT TIME ZONE c.time_zone)::date AS date, p.currency,
                   sum(r.amount) AS refunds
            FROM refunds r
            JOIN payments p ON p.id = r.payment_id
            JOIN bookings b ON b.id = p.booking_id AND b.status IN ('confirmed', 'cancelled')
            JOIN companies c ON c.id = p.company_id
            WHERE r.status <> 'failed'
              -- the widest that the days of any time zone reach, for the index; then exactly
              AND r.created_at >= $1::date - interval '1 day' AND r.created_at < $2::date + interval '2 days'
              AND (r.created_at AT TIME ZONE c.time_zone)::date BETWEEN $1 AND $2
            GROUP BY 1, 2, 3
        )
        SELECT company_id, date, currency, coalesce(bookings, 0) AS bookings, coalesce(tickets, 0) AS tickets,
               coalesce(revenue, 0) AS revenue, coalesce(refunds, 0) AS refunds
        FROM sold FULL JOIN refunded USING (company_id, date, currency)
        ORDER BY date
        """,
        first,
        last,
    )
    return rows


async def platform_departures(conn: Connection | Pool, first: date, last: date) -> Sequence[Row]:
    """Every company, with its departures in the period."""
    rows: Sequence[Row] = await conn.fetch(
        """
        SELECT c.id AS company_id, c.name, c.currency, count(t.id) AS departures
        FROM companies c
        LEFT JOIN trips t ON t.company_id = c.id AND t.status = 'scheduled'
            AND t.departs_at >= $1::date::timestamp AT TIME ZONE c.time_zone
            AND t.departs_at < ($2::date + 1)::timestamp AT TIME ZONE c.time_zone
        GROUP BY c.id
        ORDER BY c.name, c.id
        """,
        first,
        last,
    )
    return rows
