"""Between the rows of a booking and the rules of `rules.bookings`: reads one into the other and back.

Whoever changes a booking locks it and its tickets, moves it by a rule, and saves what came of it; here the
codes of the tickets that become confirmed are made.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from common.money import exponent
from legacy.qr_tokens import make_token
from legacy.queries import bookings as queries
from legacy.rules.bookings import Booking, Status, Ticket
from legacy.rules.codes import valid_times

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from common.database import Connection
    from common.tokens import KeyRing
    from legacy.queries.bookings import Row


def booking_of(row: Mapping[str, Any], tickets: Sequence[Mapping[str, Any]]) -> Booking:
    """The booking of its row and its tickets' rows."""
    return Booking(
        status=Status(row["status"]),
        total=row["total"],
        expires_at=row["expires_at"],
        tickets=tuple(
            Ticket(
                ticket["id"],
                ticket["price"],
                Status(ticket["status"]),
                ticket["refund_due"],
                ticket["scanned_at"] is not None,
            )
            for ticket in tickets
        ),
        refund_due=row["refund_due"],
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


def decimals_of(row: Mapping[str, Any]) -> int:
    """How many decimals amounts of the booking's currency have; numeric(10,2) holds no more than two."""
    return min(2, exponent(row["currency"]))


async def save(
    conn: Connection,
    ring: KeyRing,
    row: Row,
    tickets: Sequence[Row],
    moved: Booking,
    *,
    payment_id: UUID | None = None,
) -> None:
    """Write what became of the booking, and of those tickets that changed; the caller has locked both.

    `payment_id` is the payment that has been settled now.
    """
    before = {ticket["id"]: ticket for ticket in tickets}
    changed = [
        ticket
        for ticket in moved.tickets
        if (ticket.status.value, ticket.refund_due)
        != (before[ticket.id]["status"], before[ticket.id]["refund_due"])
    ]
    await queries.save_booking(
        conn,
        booking_id=row["id"],
        status=moved.status.value,
        total=moved.total,
        refund_due=moved.refund_due,
        refund_reason=moved.refund_reason,
        payment_id=payment_id or row["payment_id"],
        ticket_ids=[ticket.id for ticket in changed],
        ticket_statuses=[ticket.status.value for ticket in changed],
        ticket_refunds=[ticket.refund_due for ticket in changed],
        ticket_codes=[
            code_of(ring, row, before[ticket.id]) if ticket.status is Status.CONFIRMED else None
            for ticket in changed
        ],
    )


def code_of(
    ring: KeyRing, row: Mapping[str, Any], ticket: Mapping[str, Any], serial: int | None = None
) -> str:
    """The signed text of a ticket's QR code."""
    not_before, expires_at = valid_times(boards_at(row), row["arrives_at"])
    return make_token(
        ring,
        ticket_id=ticket["id"],
        trip_id=row["trip_id"],
        seat=ticket["seat"],
        from_seq=ticket["from_seq"],
        to_seq=ticket["to_seq"],
        serial=ticket["qr_serial"] if serial is None else serial,
        not_before=not_before,
        expires_at=expires_at,
    )
