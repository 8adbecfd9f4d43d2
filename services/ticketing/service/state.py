"""Between the rows of a booking and the rules of `domain.bookings`: reads one into the other and back.

Whoever changes a booking locks it, moves it by a rule, and saves what came of it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from services.ticketing.domain.bookings import Booking, Status, Ticket
from services.ticketing.repository import bookings as repository

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from common.database import Connection
    from services.ticketing.repository import Row


def booking_of(row: Mapping[str, Any], tickets: Sequence[Mapping[str, Any]]) -> Booking:
    """The booking of its row and its tickets' rows."""
    return Booking(
        status=Status(row["status"]),
        total_minor=row["total_minor"],
        expires_at=row["expires_at"],
        tickets=tuple(
            Ticket(
                ticket["id"],
                ticket["price_minor"],
                Status(ticket["status"]),
                ticket["refund_due_minor"],
                ticket["checked_in_at"] is not None,
            )
            for ticket in tickets
        ),
        refund_due_minor=row["refund_due_minor"],
        refund_reason=row["refund_reason"],
        settled=row["payment_id"] is not None,
    )


def boards_at(row: Mapping[str, Any]) -> datetime:
    """When the bus is to leave the boarding stop by its timetable."""
    at: datetime = row["departs_at"] + timedelta(seconds=row["depart_s"])
    return at


def leaves_at(row: Mapping[str, Any]) -> datetime:
    """When it will really leave, its delay included: what cancelling and departing go by."""
    return boards_at(row) + timedelta(minutes=row["delay_min"])


async def save(
    conn: Connection,
    row: Row,
    tickets: Sequence[Row],
    moved: Booking,
    *,
    payment_id: UUID | None = None,
) -> None:
    """Write what became of the booking, and of those tickets that changed; the caller has locked it.

    `payment_id` is the payment that has been settled now.
    """
    before = {ticket["id"]: ticket for ticket in tickets}
    changed = [
        ticket
        for ticket in moved.tickets
        if (ticket.status.value, ticket.refund_due_minor)
        != (before[ticket.id]["status"], before[ticket.id]["refund_due_minor"])
    ]
    await repository.save_booking(
        conn,
        booking_id=row["id"],
        status=moved.status.value,
        seats=len(moved.live_tickets) or row["seats"],
        total_minor=moved.total_minor,
        refund_due_minor=moved.refund_due_minor,
        refund_reason=moved.refund_reason,
        payment_id=payment_id or row["payment_id"],
        ticket_ids=[ticket.id for ticket in changed],
        ticket_statuses=[ticket.status.value for ticket in changed],
        ticket_refunds=[ticket.refund_due_minor for ticket in changed],
    )
