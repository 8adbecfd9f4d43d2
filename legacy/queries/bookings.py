"""All SQL that makes, changes and reads bookings with their tickets and claims.

Whoever changes a booking locks it first; who wants several locks them in the order of their ids, and claims
seats in the order of their names. That order, and the trip's key share lock before both, is what keeps any
two of them from waiting for each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime
    from decimal import Decimal
    from uuid import UUID

    from common.database import Connection

Row = Any
"""An asyncpg.Record: read by column name."""


async def open_trip(
    conn: Connection, trip_id: UUID, from_seq: int, to_seq: int, seats: Collection[str], user_id: UUID
) -> Row | None:
    """What a hold needs to know of a trip, in one round trip; None if there is no such trip.

    Afterwards the trip can be neither cancelled nor changed, the user can hold nothing else, and the stale
    holds on these seats, whose ids are in `stale`, can be expired by nobody else, until the transaction ends.
    """
    return await conn.fetchrow(
        """WITH stale AS MATERIALIZED (
               SELECT b.id FROM bookings b
               WHERE b.id = ANY(ARRAY(
                         SELECT c.booking_id FROM seat_claims c
                         WHERE c.trip_id = $1 AND c.seat = ANY($4::text[])
                           AND c.segment && int4range($2::integer, greatest($2, $3))
                           AND c.status = 'held' AND c.expires_at <= now()))
                 AND b.status = 'held'
                 AND NOT EXISTS (SELECT FROM payments p WHERE p.booking_id = b.id AND p.status = 'succeeded')
               ORDER BY b.id FOR UPDATE OF b
           )
           SELECT pg_advisory_xact_lock(hashtextextended('holds of ' || u.id, 0)),
                  t.id AS trip_id, t.company_id, c.name AS company_name, c.status AS company_status,
                  r.name AS route_name, r.currency, t.layout_id, t.departs_at, t.delay_min,
                  t.status AS trip_status, f.depart_s, o.arrive_s, f.fare_sum AS sum_from,
                  o.fare_sum AS sum_to, f.stop_id AS from_stop_id, fs.name AS from_name,
                  fs.city AS from_city, fs.time_zone AS from_zone, o.stop_id AS to_stop_id,
                  os.name AS to_name, os.city AS to_city, os.time_zone AS to_zone,
                  (SELECT max(seq) FROM route_stops WHERE route_id = t.route_id) AS last_seq,
                  u.email::text AS user_email, u.phone AS user_phone, now() AS now,
                  ARRAY(SELECT id FROM stale) AS stale
           FROM trips t
           JOIN companies c ON c.id = t.company_id
           JOIN routes r ON r.id = t.route_id
           JOIN users u ON u.id = $5
           LEFT JOIN route_stops f ON f.route_id = t.route_id AND f.seq = $2
           LEFT JOIN stops fs ON fs.id = f.stop_id
           LEFT JOIN route_stops o ON o.route_id = t.route_id AND o.seq = $3
           LEFT JOIN stops os ON os.id = o.stop_id
           WHERE t.id = $1
           FOR KEY SHARE OF t""",
        trip_id,
        from_seq,
        to_seq,
        list(seats),
        user_id,
    )


async def lock_stale_holds(
    conn: Connection, trip_id: UUID, from_seq: int, to_seq: int, seats: Collection[str]
) -> list[UUID]:
    """The bookings that hold one of these seats and whose time is over, locked; not those paid for."""
    rows = await conn.fetch(
        """SELECT b.id FROM bookings b
           WHERE b.id = ANY(ARRAY(
                     SELECT c.booking_id FROM seat_claims c
                     WHERE c.trip_id = $1 AND c.seat = ANY($4::text[])
                       AND c.segment && int4range($2::integer, $3::integer)
                       AND c.status = 'held' AND c.expires_at <= now()))
             AND b.status = 'held'
             AND NOT EXISTS (SELECT FROM payments p WHERE p.booking_id = b.id AND p.status = 'succeeded')
           ORDER BY b.id FOR UPDATE OF b""",
        trip_id,
        from_seq,
        to_seq,
        list(seats),
    )
    return [row["id"] for row in rows]


async def expire_bookings(conn: Connection, booking_ids: Collection[UUID]) -> None:
    """Those of them that are held, which the caller has locked, with their tickets and claims."""
    await conn.execute(
        """WITH over AS (
               UPDATE bookings SET status = 'expired', updated_at = now()
               WHERE id = ANY($1::uuid[]) AND status = 'held' RETURNING id
           ), tickets_over AS (
               UPDATE tickets t SET status = 'expired', updated_at = now()
               FROM over WHERE t.booking_id = over.id AND t.status = 'held'
           )
           UPDATE seat_claims c SET status = 'expired'
           FROM over WHERE c.booking_id = over.id AND c.status = 'held'""",
        list(booking_ids),
    )


async def expire_due(conn: Connection, limit: int) -> int:
    """The sweep's batch: holds whose time is over, oldest first. Those paid for are left to be confirmed."""
    count: int = await conn.fetchval(
        """WITH due AS MATERIALIZED (
               SELECT b.id FROM bookings b
               WHERE b.status = 'held' AND b.expires_at <= now()
                 AND NOT EXISTS (SELECT FROM payments p WHERE p.booking_id = b.id AND p.status = 'succeeded')
               ORDER BY b.expires_at LIMIT $1 FOR UPDATE OF b SKIP LOCKED
           ), over AS (
               UPDATE bookings SET status = 'expired', updated_at = now()
               WHERE id = ANY(ARRAY(SELECT id FROM due)) RETURNING id
           ), tickets_over AS (
               UPDATE tickets t SET status = 'expired', updated_at = now()
               FROM over WHERE t.booking_id = over.id AND t.status = 'held'
           ), claims_over AS (
               UPDATE seat_claims c SET status = 'expired'
               FROM over WHERE c.booking_id = over.id AND c.status = 'held'
           )
           SELECT count(*) FROM over""",
        limit,
    )
    return count


async def insert_held(
    conn: Connection,
    *,
    booking_id: UUID,
    reference: str,
    user_id: UUID,
    trip_id: UUID,
    company_id: UUID,
    from_seq: int,
    to_seq: int,
    total: Decimal,
    currency: str,
    contact_email: str,
    contact_phone: str | None,
    hold_s: int,
    tickets: Sequence[tuple[UUID, str, str, str, str, int | None, str | None, Decimal]],
    most_holds: int,
    most_seats: int,
) -> Row:
    """Claim the seats, in the order of their names; if all are had, and no cap is reached, write the booking.

    `tickets` are (id, seat, class, deck, name, age, gender, price). Answers `claimed`, the names of the
    seats that were free, the user's live `holds` and `seats` on this trip before, and the times `created_at`
    and `expires_at`.
    If not all were claimed nothing else was written, and the caller must roll back.
    """
    return await conn.fetchrow(
        """WITH caps AS MATERIALIZED (
               SELECT count(*) FILTER (WHERE b.status = 'held') AS holds,
                      coalesce(sum((SELECT count(*) FROM tickets t WHERE t.booking_id = b.id
                                    AND t.status IN ('held', 'confirmed')))
                               FILTER (WHERE b.trip_id = $4), 0)::integer AS seats
               FROM bookings b
               WHERE b.user_id = $3
                 AND (b.status = 'held' AND b.expires_at > now()
                      OR b.status = 'confirmed' AND b.trip_id = $4)
           ), wanted AS MATERIALIZED (
               SELECT * FROM unnest($14::uuid[], $15::text[], $16::text[], $17::text[], $18::text[],
                                    $19::smallint[], $20::text[], $21::numeric[])
                             AS w (id, seat, seat_class, deck, name, age, gender, price)
           ), claimed AS (
               INSERT INTO seat_claims (ticket_id, booking_id, trip_id, seat, segment, status, expires_at)
               SELECT w.id, $1, $4, w.seat, int4range($6, $7), 'held', now() + make_interval(secs => $13)
               FROM wanted w, caps
               WHERE caps.holds < $22 AND caps.seats + cardinality($14::uuid[]) <= $23
               ORDER BY w.seat
               ON CONFLICT DO NOTHING
               RETURNING seat
           ), booked AS (
               INSERT INTO bookings (id, reference, user_id, trip_id, company_id, from_seq, to_seq, status,
                                     total, currency, contact_email, contact_phone, expires_at)
               SELECT $1, $2, $3, $4, $5, $6, $7, 'held', $8, $9, $10, $11,
                      now() + make_interval(secs => $13)
               WHERE (SELECT count(*) FROM claimed) = cardinality($14::uuid[])
               RETURNING id
           ), ticketed AS (
               INSERT INTO tickets (id, booking_id, trip_id, seat, seat_class, deck, from_seq, to_seq,
                                    passenger_name, passenger_age, passenger_gender, price, status)
               SELECT w.id, booked.id, $4, w.seat, w.seat_class, w.deck, $6, $7, w.name, w.age, w.gender,
                      w.price, $12
               FROM booked, wanted w
           )
           SELECT ARRAY(SELECT seat FROM claimed) AS claimed, holds, seats, now() AS created_at,
                  now() + make_interval(secs => $13) AS expires_at
           FROM caps""",
        booking_id,
        reference,
        user_id,
        trip_id,
        company_id,
        from_seq,
        to_seq,
        total,
        currency,
        contact_email,
        contact_phone,
        "held",
        hold_s,
        [ticket[0] for ticket in tickets],
        [ticket[1] for ticket in tickets],
        [ticket[2] for ticket in tickets],
        [ticket[3] for ticket in tickets],
        [ticket[4] for ticket in tickets],
        [ticket[5] for ticket in tickets],
        [ticket[6] for ticket in tickets],
        [ticket[7] for ticket in tickets],
        most_holds,
        most_seats,
    )


# What is read of a booking is the same in every SELECT below: it, its trip, and the stops at both ends.


async def get_booking(conn: Connection, booking_id: UUID) -> Row | None:
    """A booking as the wire shows it, but for its tickets."""
    return await conn.fetchrow(
        """SELECT b.*, c.name AS company_name, c.refund_policy, r.name AS route_name, t.departs_at,
                  t.arrives_at, t.delay_min, t.status AS trip_status, t.cancel_reason, f.depart_s,
                  o.arrive_s,
                  f.stop_id AS from_stop_id, fs.name AS from_name, fs.city AS from_city,
                  fs.time_zone AS from_zone, o.stop_id AS to_stop_id, os.name AS to_name,
                  os.city AS to_city, os.time_zone AS to_zone, u.locale AS user_locale, now() AS now
           FROM bookings b
           JOIN trips t ON t.id = b.trip_id
           JOIN users u ON u.id = b.user_id
           JOIN companies c ON c.id = b.company_id
           JOIN routes r ON r.id = t.route_id
           JOIN route_stops f ON f.route_id = t.route_id AND f.seq = b.from_seq
           JOIN stops fs ON fs.id = f.stop_id
           JOIN route_stops o ON o.route_id = t.route_id AND o.seq = b.to_seq
           JOIN stops os ON os.id = o.stop_id
           WHERE b.id = $1""",
        booking_id,
    )


async def lock_booking(conn: Connection, booking_id: UUID) -> Row | None:
    """Like `get_booking`, and nobody else can change it until the transaction ends."""
    return await conn.fetchrow(
        """SELECT b.*, c.name AS company_name, c.refund_policy, r.name AS route_name, t.departs_at,
                  t.arrives_at, t.delay_min, t.status AS trip_status, t.cancel_reason, f.depart_s,
                  o.arrive_s,
                  f.stop_id AS from_stop_id, fs.name AS from_name, fs.city AS from_city,
                  fs.time_zone AS from_zone, o.stop_id AS to_stop_id, os.name AS to_name,
                  os.city AS to_city, os.time_zone AS to_zone, u.locale AS user_locale, now() AS now
           FROM bookings b
           JOIN trips t ON t.id = b.trip_id
           JOIN users u ON u.id = b.user_id
           JOIN companies c ON c.id = b.company_id
           JOIN routes r ON r.id = t.route_id
           JOIN route_stops f ON f.route_id = t.route_id AND f.seq = b.from_seq
           JOIN stops fs ON fs.id = f.stop_id
           JOIN route_stops o ON o.route_id = t.route_id AND o.seq = b.to_seq
           JOIN stops os ON os.id = o.stop_id
           WHERE b.id = $1
           FOR UPDATE OF b""",
        booking_id,
    )


async def list_bookings(
    conn: Connection, user_id: UUID, status: str | None, when: str | None, after: UUID | None, limit: int
) -> list[Row]:
    """A user's bookings, newest first; a hold whose time is over counts as expired."""
    return list(
        await conn.fetch(
            """SELECT b.*, c.name AS company_name, c.refund_policy, r.name AS route_name, t.departs_at,
                      t.arrives_at, t.delay_min, t.status AS trip_status, t.cancel_reason, f.depart_s,
                  o.arrive_s,
                      f.stop_id AS from_stop_id, fs.name AS from_name, fs.city AS from_city,
                      fs.time_zone AS from_zone, o.stop_id AS to_stop_id, os.name AS to_name,
                      os.city AS to_city, os.time_zone AS to_zone, u.locale AS user_locale, now() AS now
               FROM bookings b
               JOIN trips t ON t.id = b.trip_id
               JOIN users u ON u.id = b.user_id
               JOIN companies c ON c.id = b.company_id
               JOIN routes r ON r.id = t.route_id
               JOIN route_stops f ON f.route_id = t.route_id AND f.seq = b.from_seq
               JOIN stops fs ON fs.id = f.stop_id
               JOIN route_stops o ON o.route_id = t.route_id AND o.seq = b.to_seq
               JOIN stops os ON os.id = o.stop_id
               WHERE b.user_id = $1
                 AND ($2::text IS NULL
                      OR $2 = CASE WHEN b.status = 'held' AND b.expires_at <= now() THEN 'expired'
                                   ELSE b.status END)
                 AND ($3::text IS NULL
                      OR ($3 = 'upcoming')
                         = (t.departs_at + make_interval(secs => f.depart_s, mins => t.delay_min) > now()))
                 AND ($4::uuid IS NULL OR b.id < $4)
               ORDER BY b.id DESC LIMIT $5""",
            user_id,
            status,
            when,
            after,
            limit,
        )
    )


async def list_tickets(conn: Connection, booking_ids: Collection[UUID]) -> list[Row]:
    """The tickets of these bookings, each in the order that its passengers were named."""
    return list(
        await conn.fetch(
            "SELECT * FROM tickets WHERE booking_id = ANY($1::uuid[]) ORDER BY booking_id, id",
            list(booking_ids),
        )
    )


async def lock_tickets(conn: Connection, booking_id: UUID) -> list[Row]:
    """The tickets of a booking that the caller has locked; nobody can be checked in meanwhile."""
    return list(
        await conn.fetch(
            "SELECT * FROM tickets WHERE booking_id = $1 ORDER BY id FOR NO KEY UPDATE", booking_id
        )
    )


async def save_booking(
    conn: Connection,
    *,
    booking_id: UUID,
    status: str,
    total: Decimal,
    refund_due: Decimal,
    refund_reason: str | None,
    payment_id: UUID | None,
    ticket_ids: Sequence[UUID],
    ticket_statuses: Sequence[str],
    ticket_refunds: Sequence[Decimal],
    ticket_codes: Sequence[str | None],
) -> None:
    """Write a booking and those of its tickets that changed, with their claims; the caller has locked both.

    A code that is null leaves the ticket's as it is. Claims follow their tickets, but for those that were
    claimed again, see `reclaim_seat`.
    """
    await conn.execute(
        """WITH changed AS MATERIALIZED (
               SELECT * FROM unnest($7::uuid[], $8::text[], $9::numeric[], $10::text[])
                             AS c (id, status, refund_due, code)
           ), ticketed AS (
               UPDATE tickets t
               SET status = changed.status, refund_due = changed.refund_due,
                   qr_code = coalesce(changed.code, t.qr_code), updated_at = now()
               FROM changed WHERE t.id = changed.id
           ), claimed AS (
               UPDATE seat_claims s SET status = changed.status
               FROM changed WHERE s.ticket_id = changed.id AND s.status <> changed.status
           )
           UPDATE bookings
           SET status = $2, total = $3, refund_due = $4, refund_reason = $5, payment_id = $6,
               updated_at = now()
           WHERE id = $1""",
        booking_id,
        status,
        total,
        refund_due,
        refund_reason,
        payment_id,
        list(ticket_ids),
        list(ticket_statuses),
        list(ticket_refunds),
        list(ticket_codes),
    )


async def reclaim_seat(conn: Connection, ticket_id: UUID) -> None:
    """Take the seat of an expired claim again; raises ExclusionViolationError if it is somebody else's."""
    await conn.execute("UPDATE seat_claims SET status = 'confirmed' WHERE ticket_id = $1", ticket_id)


async def insert_offer(
    conn: Connection,
    offer_id: UUID,
    booking_id: UUID,
    ticket_ids: Sequence[UUID],
    percent: int,
    amount: Decimal,
    lasts_s: float,
) -> datetime:
    """Answers when the offer ends."""
    expires_at: datetime = await conn.fetchval(
        """INSERT INTO refund_offers (id, booking_id, ticket_ids, percent, amount, expires_at)
           VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6)) RETURNING expires_at""",
        offer_id,
        booking_id,
        list(ticket_ids),
        percent,
        amount,
        lasts_s,
    )
    return expires_at


async def get_offer(conn: Connection, offer_id: UUID, booking_id: UUID) -> Row | None:
    """The offer, and whether it is `over`."""
    return await conn.fetchrow(
        """SELECT id, ticket_ids, percent, amount, expires_at, expires_at <= now() AS over
           FROM refund_offers WHERE id = $1 AND booking_id = $2""",
        offer_id,
        booking_id,
    )


async def get_offer_of(conn: Connection, offer_id: UUID, booking_id: UUID) -> Row | None:
    """An offer that can still be taken."""
    return await conn.fetchrow(
        """SELECT id, ticket_ids, percent, amount, expires_at
           FROM refund_offers WHERE id = $1 AND booking_id = $2 AND expires_at > now()""",
        offer_id,
        booking_id,
    )


async def is_paid(conn: Connection, booking_id: UUID) -> bool:
    """Whether money has arrived, be the booking confirmed already or in a moment."""
    paid: bool = await conn.fetchval(
        "SELECT EXISTS (SELECT FROM payments WHERE booking_id = $1 AND status = 'succeeded')", booking_id
    )
    return paid


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


async def list_travellers(conn: Connection, user_id: UUID) -> list[Row]:
    """The people whom a user has saved, for the form of passengers."""
    return list(
        await conn.fetch(
            "SELECT name, age, gender FROM travellers WHERE user_id = $1 ORDER BY id LIMIT 50", user_id
        )
    )
