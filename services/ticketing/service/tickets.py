"""Single tickets: reading one, printing it, and giving it a new code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.problems import NotFound
from services.ticketing.domain.bookings import LARGEST_SERIAL
from services.ticketing.errors import NotConfirmed, ReissuedTooOften
from services.ticketing.repository import bookings as booking_repository
from services.ticketing.repository import tickets as repository
from services.ticketing.service import bookings, cancellations

if TYPE_CHECKING:
    from uuid import UUID

    from common.database import Connection
    from common.principals import Principal
    from services.ticketing.repository import Row


async def find_ticket(conn: Connection, by: Principal, ticket_id: UUID) -> tuple[Row, Row]:
    """The ticket's booking and the ticket, for its owner and the company's staff; raises NotFound."""
    ticket = await repository.get_ticket(conn, ticket_id)
    if ticket is None:
        raise NotFound
    booking = await booking_repository.get_booking(conn, ticket["booking_id"])
    if booking is None or not bookings.may_see(by, booking):
        raise NotFound
    return booking, ticket


async def find_confirmed(conn: Connection, by: Principal, ticket_id: UUID) -> tuple[Row, Row]:
    """Like `find_ticket`; raises NotConfirmed for a ticket that nobody can travel with."""
    booking, ticket = await find_ticket(conn, by, ticket_id)
    _require_confirmed(ticket)
    return booking, ticket


async def reissue(conn: Connection, by: Principal, ticket_id: UUID) -> tuple[Row, Row]:
    """Give the ticket a code of a new serial, so that the ones before are good no more.

    Raises NotFound, NotConfirmed or ReissuedTooOften.
    """
    known = await repository.get_ticket(conn, ticket_id)
    if known is None:
        raise NotFound
    booking, tickets, _ = await cancellations.lock_for(conn, by, known["booking_id"])
    ticket = next(each for each in tickets if each["id"] == ticket_id)
    _require_confirmed(ticket)
    serial = ticket["qr_serial"] + 1
    if serial > LARGEST_SERIAL:
        raise ReissuedTooOften(f"It has been reissued {LARGEST_SERIAL} times.")
    await repository.reissue(conn, ticket_id, serial)
    return booking, await repository.get_ticket(conn, ticket_id)


def _require_confirmed(ticket: Row) -> None:
    if ticket["status"] != "confirmed":
        raise NotConfirmed(f"The ticket is {ticket['status']}.")
