"""All SQL of what is known here of others' things: staff, sold tickets and check-ins, from their events.

Each takes a whole batch, in which an event may be old or have come before: a row is overwritten by a later
event of its subject alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from uuid import UUID

    from common.database import Connection
    from common.events import Event

Row = Any
"""An asyncpg.Record: read by column name."""


async def keep_staff(conn: Connection, events: Sequence[Event]) -> None:
    """Accounts that work for a company; of all others only those that may once have: they were changed since.

    Without them an older event that comes late would make somebody staff again who has left.
    """
    await conn.execute(
        """WITH said AS (
               SELECT * FROM jsonb_to_recordset($1)
                   AS n (id uuid, company_id uuid, role text, status text, email text, full_name text,
                         created_at timestamptz, updated_at timestamptz, source_seq bigint)
           ), changed AS (
               UPDATE users u
               SET company_id = n.company_id, role = n.role, status = n.status, email = n.email,
                   full_name = CASE WHEN u.profile_seq < 0 THEN n.full_name ELSE u.full_name END,
                   source_seq = n.source_seq
               FROM said n WHERE u.id = n.id AND u.source_seq < n.source_seq
           )
           INSERT INTO users (id, company_id, role, status, email, full_name, source_seq)
           SELECT id, company_id, role, status, email, full_name, source_seq
           FROM said n
           WHERE (company_id IS NOT NULL OR updated_at <> created_at)
             AND NOT EXISTS (SELECT FROM users u WHERE u.id = n.id)
           ON CONFLICT (id) DO NOTHING""",
        _latest(events),
    )


async def keep_names_of_staff(conn: Connection, events: Sequence[Event]) -> None:
    """What staff are called now, as their profiles have it."""
    await conn.execute(
        """UPDATE users u SET full_name = n.full_name, profile_seq = n.source_seq
           FROM jsonb_to_recordset($1) AS n (user_id uuid, full_name text, source_seq bigint)
           WHERE u.id = n.user_id AND u.profile_seq < n.source_seq""",
        _latest(events),
    )


async def keep_tickets(conn: Connection, events: Sequence[Event]) -> None:
    await conn.execute(
        """INSERT INTO tickets (id, trip_id, company_id, seat, passenger_name, status, source_seq)
           SELECT id, trip_id, company_id, seat, passenger_name, status, source_seq
           FROM jsonb_to_recordset($1) AS n (id uuid, trip_id uuid, company_id uuid, seat text,
                                             passenger_name text, status text, source_seq bigint)
           ON CONFLICT (id) DO UPDATE
           SET trip_id = excluded.trip_id, seat = excluded.seat, passenger_name = excluded.passenger_name,
               status = excluded.status, source_seq = excluded.source_seq
           WHERE tickets.source_seq < excluded.source_seq""",
        _latest(events),
    )


async def keep_check_ins(conn: Connection, events: Sequence[Event]) -> None:
    await conn.execute(
        """INSERT INTO check_ins (id, ticket_id, trip_id, scanned_at, scanned_by, source_seq)
           SELECT id, ticket_id, trip_id, scanned_at, scanned_by, source_seq
           FROM jsonb_to_recordset($1) AS n (id uuid, ticket_id uuid, trip_id uuid, scanned_at timestamptz,
                                             scanned_by uuid, source_seq bigint)
           ON CONFLICT (id) DO UPDATE
           SET scanned_at = excluded.scanned_at, scanned_by = excluded.scanned_by,
               source_seq = excluded.source_seq
           WHERE check_ins.source_seq < excluded.source_seq""",
        _latest(events),
    )


async def keep_member_of_staff(conn: Connection, member: Mapping[str, Any]) -> None:
    """One whom the owner of accounts has named before their event came; the event will win."""
    await conn.execute(
        """INSERT INTO users (id, company_id, role, status, email, full_name, source_seq)
           VALUES ($1, $2, $3, $4, $5, '', 0) ON CONFLICT (id) DO NOTHING""",
        member["id"],
        member["company_id"],
        member["role"],
        member["status"],
        member["email"],
    )


async def works_for(conn: Connection, user_id: UUID, company_id: UUID) -> bool:
    """Whether the account is one of the company's staff."""
    return bool(
        await conn.fetchval(
            "SELECT EXISTS (SELECT FROM users WHERE id = $1 AND company_id = $2)", user_id, company_id
        )
    )


async def sold_seats(conn: Connection, trip_id: UUID) -> list[str]:
    """The seats that somebody has a ticket for, on any stretch, as far as is known here."""
    rows = await conn.fetch(
        "SELECT DISTINCT seat FROM tickets WHERE trip_id = $1 AND status = 'confirmed'", trip_id
    )
    return [row["seat"] for row in rows]


async def sales_of_trips(conn: Connection, trip_ids: Collection[UUID]) -> dict[UUID, Row]:
    """Tickets that are confirmed, and those of them that are checked in, by trip."""
    rows = await conn.fetch(
        """SELECT t.trip_id, count(*) AS confirmed,
                  count(*) FILTER (WHERE EXISTS (
                      SELECT FROM check_ins c
                      WHERE c.trip_id = t.trip_id AND c.ticket_id = t.id)) AS checked_in
           FROM tickets t WHERE t.trip_id = ANY($1::uuid[]) AND t.status = 'confirmed' GROUP BY t.trip_id""",
        list(trip_ids),
    )
    return {row["trip_id"]: row for row in rows}


def _latest(events: Iterable[Event]) -> list[dict[str, Any]]:
    """The last word on each subject, with its number: a statement cannot change a row twice."""
    latest = {event.subject: event for event in sorted(events, key=lambda each: each.seq)}
    return [{**event.data, "source_seq": event.seq} for event in latest.values()]
