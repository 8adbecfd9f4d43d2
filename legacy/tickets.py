"""Single tickets: reading one, printing it, and giving it a new code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.problems import Conflict, NotFound
from legacy import booking_state, bookings, cancellations
from legacy.codes import NotConfirmed
from legacy.queries import tickets as queries
from legacy.rules.bookings import LARGEST_SERIAL

if TYPE_CHECKING:
    from uuid import UUID

    from common.database import Connection
    from common.principals import Principal
    from legacy.desk import Desk
    from legacy.queries.bookings import Row


class ReissuedTooOften(Conflict):
    slug, title = "reissued-too-often", "The ticket cannot be given another code"


async def find_ticket(conn: Connection, by: Principal, ticket_id: UUID) -> tuple[Row, Row]:
    """The ticket's booking and the ticket, for its owner and the company's staff; raises NotFound."""
    ticket = await queries.get_ticket(conn, ticket_id)
    if ticket is None:
        raise NotFound
    booking, _ = await bookings.find_booking(conn, by, ticket["booking_id"])
    return booking, ticket


async def find_confirmed(conn: Connection, by: Principal, ticket_id: UUID) -> tuple[Row, Row]:
    """Like `find_ticket`; raises NotConfirmed for a ticket that nobody can travel with."""
    booking, ticket = await find_ticket(conn, by, ticket_id)
    _require_confirmed(ticket)
    return booking, ticket


async def reissue(conn: Connection, desk: Desk, by: Principal, ticket_id: UUID) -> tuple[Row, Row]:
    """Give the ticket a code of a new serial, so that the ones before are good no more.

    Raises NotFound, NotConfirmed or ReissuedTooOften.
    """
    known = await queries.get_ticket(conn, ticket_id)
    if known is None:
        raise NotFound
    booking, tickets, _ = await cancellations.lock_for(conn, by, known["booking_id"])
    ticket = next(each for each in tickets if each["id"] == ticket_id)
    _require_confirmed(ticket)
    serial = ticket["qr_serial"] + 1
    if serial > LARGEST_SERIAL:
        raise ReissuedTooOften(f"It has been reissued {LARGEST_SERIAL} times.")
    await queries.reissue(conn, ticket_id, serial, booking_state.code_of(desk.codes, booking, ticket, serial))
    return booking, await queries.get_ticket(conn, ticket_id)


def _require_confirmed(ticket: Row) -> None:
    if ticket["status"] != "confirmed":
        raise NotConfirmed(f"The ticket is {ticket['status']}.")
