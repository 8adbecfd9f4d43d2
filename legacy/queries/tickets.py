"""All SQL of single tickets, which are read together with their booking (`queries.bookings`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uuid import UUID

    from common.database import Connection

Row = Any
"""An asyncpg.Record: read by column name."""


async def get_ticket(conn: Connection, ticket_id: UUID) -> Row | None:
    return await conn.fetchrow("SELECT * FROM tickets WHERE id = $1", ticket_id)


async def reissue(conn: Connection, ticket_id: UUID, serial: int, code: str) -> None:
    """A new code for a ticket that the caller has locked with its booking; it revokes the older ones."""
    await conn.execute(
        "UPDATE tickets SET qr_serial = $2, qr_code = $3, updated_at = now() WHERE id = $1",
        ticket_id,
        serial,
        code,
    )
