"""All SQL of single tickets, which are read together with their booking (`repository.bookings`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID

    from common.database import Connection
    from services.ticketing.repository import Row


async def get_ticket(conn: Connection, ticket_id: UUID) -> Row | None:
    return await conn.fetchrow(
        """SELECT k.*, c.checked_in_at
           FROM tickets k LEFT JOIN check_ins c ON c.ticket_id = k.id WHERE k.id = $1""",
        ticket_id,
    )


async def reissue(conn: Connection, ticket_id: UUID, serial: int) -> None:
    """Codes of a lower serial are good no more; the caller has locked the booking."""
    await conn.execute(
        "UPDATE tickets SET qr_serial = $2, updated_at = now() WHERE id = $1", ticket_id, serial
    )
