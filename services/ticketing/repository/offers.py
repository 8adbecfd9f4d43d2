"""All SQL of refund offers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from common.database import Connection
    from services.ticketing.repository import Row


async def insert_offer(
    conn: Connection,
    offer_id: UUID,
    booking_id: UUID,
    ticket_ids: Sequence[UUID],
    percent: int,
    amount_minor: int,
    lasts_s: float,
) -> datetime:
    """Answers when the offer ends."""
    expires_at: datetime = await conn.fetchval(
        """INSERT INTO refund_offers (id, booking_id, ticket_ids, percent, amount_minor, expires_at)
           VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6)) RETURNING expires_at""",
        offer_id,
        booking_id,
        ticket_ids,
        percent,
        amount_minor,
        lasts_s,
    )
    return expires_at


async def get_offer(conn: Connection, offer_id: UUID, booking_id: UUID) -> Row | None:
    """The offer, and whether it is `over`."""
    return await conn.fetchrow(
        """SELECT id, ticket_ids, percent, amount_minor, expires_at, expires_at <= now() AS over
           FROM refund_offers WHERE id = $1 AND booking_id = $2""",
        offer_id,
        booking_id,
    )


async def get_offer_of(conn: Connection, offer_id: UUID, booking_id: UUID) -> Row | None:
    """An offer that can still be taken."""
    return await conn.fetchrow(
        """SELECT id, ticket_ids, percent, amount_minor, expires_at
           FROM refund_offers WHERE id = $1 AND booking_id = $2 AND expires_at > now()""",
        offer_id,
        booking_id,
    )
