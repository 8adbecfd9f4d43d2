"""All SQL of holding seats and of holds that are over. The statement itself is the function `hold_seats`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from uuid import UUID

    from common.database import Connection
    from services.ticketing.repository import Row


async def hold_seats(
    conn: Connection,
    *,
    booking_id: UUID,
    reference: str,
    user_id: UUID,
    trip_id: UUID,
    from_seq: int,
    to_seq: int,
    contact_email: str | None,
    contact_phone: str | None,
    hold_s: int,
    free_too: bool,
    most_holds: int,
    most_seats: int,
    ticket_ids: Sequence[UUID],
    seats: Sequence[str],
    names: Sequence[str],
    ages: Sequence[int | None],
    genders: Sequence[str | None],
) -> Row:
    """Claim the seats and write the booking with its tickets, or do nothing and say why in `outcome`.

    The answer has the trip's stretch, the seats' `classes`, `decks` and `prices`, the `total`, and what
    `outcome` needs (see the function in the migrations).
    """
    return await conn.fetchrow(
        """SELECT h.outcome, h.classes, h.decks, h.prices, h.total, h.gone, h.contact_email, h.contact_phone,
                  h.created_at, h.until, (h.place).*
           FROM hold_seats($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) h""",
        booking_id,
        reference,
        user_id,
        trip_id,
        from_seq,
        to_seq,
        contact_email,
        contact_phone,
        hold_s,
        free_too,
        most_holds,
        most_seats,
        ticket_ids,
        seats,
        names,
        ages,
        genders,
    )


async def lock_stale_holds(
    conn: Connection, trip_id: UUID, from_seq: int, to_seq: int, seats: Collection[str]
) -> list[UUID]:
    """The bookings that hold one of these seats and whose time is over, locked; not those paid for."""
    found: list[UUID] = await conn.fetchval(
        "SELECT lock_stale_holds($1, $4, int4range($2, $3))", trip_id, from_seq, to_seq, list(seats)
    )
    return found


async def expire_bookings(conn: Connection, booking_ids: Collection[UUID]) -> None:
    """Those of them that are held, which the caller has locked, with their tickets and claims."""
    await conn.fetchval("SELECT expire_bookings($1)", list(booking_ids))


async def expire_due(conn: Connection, limit: int) -> int:
    """The sweep's batch: holds whose time is over, oldest first. Those paid for are left to be confirmed."""
    count: int = await conn.fetchval(
        """WITH due AS MATERIALIZED (
               SELECT b.id FROM bookings b
               WHERE b.status = 'held' AND b.expires_at <= now()
                 AND NOT EXISTS (SELECT FROM payments p WHERE p.booking_id = b.id AND p.status = 'succeeded')
               ORDER BY b.expires_at LIMIT $1 FOR UPDATE OF b SKIP LOCKED
           )
           SELECT expire_bookings(ARRAY(SELECT id FROM due))""",
        limit,
    )
    return count


async def own_hold(
    conn: Connection, user_id: UUID, trip_id: UUID, from_seq: int, to_seq: int, seats: Collection[str]
) -> UUID | None:
    """The user's held booking of exactly these seats: what a form that is sent twice made the first time."""
    found: UUID | None = await conn.fetchval(
        """SELECT b.id FROM bookings b
           WHERE b.user_id = $1 AND b.trip_id = $2 AND b.from_seq = $3 AND b.to_seq = $4
             AND b.status = 'held' AND b.expires_at > now()
             AND ARRAY(SELECT seat FROM tickets WHERE booking_id = b.id ORDER BY seat) = $5::text[]""",
        user_id,
        trip_id,
        from_seq,
        to_seq,
        sorted(seats),
    )
    return found
