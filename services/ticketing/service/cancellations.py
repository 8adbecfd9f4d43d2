"""Giving seats back: a whole booking or some tickets, by the company's refund policy or an earlier offer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from common.ids import uuid7
from common.principals import Role, WrongRole
from common.problems import NotFound, Unavailable, ValidationFailed
from services.ticketing.domain import bookings as rules
from services.ticketing.domain.bookings import Reason, Status
from services.ticketing.domain.fares import step_of
from services.ticketing.domain.refunds import OFFER_LASTS, refund, refund_percent
from services.ticketing.errors import NotCancellable, OfferExpired
from services.ticketing.repository import bookings as repository
from services.ticketing.repository import offers
from services.ticketing.service import notices, state
from services.ticketing.service.bookings import may_see

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from common.database import Connection
    from common.principals import Principal
    from services.ticketing.desk import Desk
    from services.ticketing.repository import Row

_WORDS = {
    rules.Refusal.EXPIRED: "The time to pay is over, and the seats have been given back.",
    rules.Refusal.CANCELLED: "It has been cancelled already.",
    rules.Refusal.DEPARTED: "The bus has left.",
    rules.Refusal.CHECKED_IN: "A passenger is on board already.",
}


@dataclass(frozen=True, slots=True)
class Offer:
    """What a cancellation of these tickets pays back until `expires_at`."""

    id: UUID
    booking_id: UUID
    ticket_ids: tuple[UUID, ...]
    percent: int
    amount_minor: int
    currency: str
    expires_at: datetime


async def lock_for(conn: Connection, by: Principal, booking_id: UUID) -> tuple[Row, list[Row], rules.Booking]:
    """The booking and its tickets, locked, for its owner and the company's operators.

    Raises NotFound, or WrongRole for the company's other staff.
    """
    row = await repository.lock_booking(conn, booking_id)
    if row is None or not may_see(by, row):
        raise NotFound
    if row["user_id"] != by.user_id and by.role not in {Role.OPERATOR, Role.ADMIN}:
        raise WrongRole("This is for: operator, admin.")
    tickets = await repository.list_tickets(conn, [booking_id])
    return row, tickets, state.booking_of(row, tickets)


async def cancel(
    conn: Connection,
    desk: Desk,
    by: Principal,
    booking_id: UUID,
    *,
    ticket_ids: Sequence[UUID] | None = None,
    offer_id: UUID | None = None,
) -> None:
    """Give these tickets back, or all that are left; their seats are free when the transaction commits.

    Raises NotCancellable, OfferExpired, NotFound, or ValidationFailed for another booking's tickets.
    """
    row, tickets, booking = await lock_for(conn, by, booking_id)
    percent = _percent(row)
    if offer_id is not None:
        offered = await _honour(conn, row, ticket_ids, offer_id)
        ticket_ids, percent = offered["ticket_ids"], max(percent, offered["percent"])
    with_reason = Reason.BY_PASSENGER if row["user_id"] == by.user_id else Reason.BY_COMPANY
    try:
        left = booking.cancel(
            ticket_ids,
            percent=percent,
            step=step_of(row["currency"]),
            now=row["now"],
            departed=departed(row),
            reason=Reason.TRIP_CANCELLED if row["trip_status"] == "cancelled" else with_reason,
        )
    except (rules.NotCancellable, rules.NotATicket) as refused:
        raise _problem(refused, ticket_ids) from None
    if left.status is Status.HELD and left.total_minor == 0:
        left = left.confirm()  # what is left costs nothing
    await state.save(conn, row, tickets, left)
    if booking.status is Status.CONFIRMED:
        gone = {ticket.id for ticket in booking.live_tickets} - {ticket.id for ticket in left.live_tickets}
        seats = [ticket["seat"] for ticket in tickets if ticket["id"] in gone]
        await notices.tell_cancelled(conn, desk, row, seats, left.refund_due_minor - booking.refund_due_minor)


async def make_offer(
    conn: Connection, by: Principal, booking_id: UUID, ticket_ids: Sequence[UUID] | None
) -> Offer:
    """What cancelling these tickets, or all that are left, would pay back; good for ten minutes.

    Raises NotCancellable, NotFound, or ValidationFailed for tickets that are not of the booking.
    """
    row, _, booking = await lock_for(conn, by, booking_id)
    try:
        chosen = booking.choose(ticket_ids, now=row["now"], departed=departed(row))
    except (rules.NotCancellable, rules.NotATicket) as refused:
        raise _problem(refused, ticket_ids) from None
    paid = booking.status is Status.CONFIRMED
    percent = _percent(row) if paid else 0
    step = step_of(row["currency"])
    amount_minor = sum(refund(ticket.price_minor, percent, step) for ticket in chosen)
    offer_id, chosen_ids = uuid7(), tuple(ticket.id for ticket in chosen)
    expires_at = await offers.insert_offer(
        conn, offer_id, booking_id, chosen_ids, percent, amount_minor, OFFER_LASTS.total_seconds()
    )
    return Offer(offer_id, booking_id, chosen_ids, percent, amount_minor, row["currency"], expires_at)


async def _honour(conn: Connection, booking: Row, ticket_ids: Sequence[UUID] | None, offer_id: UUID) -> Row:
    offer = await offers.get_offer(conn, offer_id, booking["id"])
    if offer is None:
        raise ValidationFailed({"offer_id": ["There is no such offer for this booking."]})
    if offer["over"]:
        raise OfferExpired("Ask for a new one.")
    if ticket_ids is not None and set(ticket_ids) != set(offer["ticket_ids"]):
        raise ValidationFailed({"ticket_ids": ["The offer was made for other tickets."]})
    return offer


def _percent(row: Row) -> int:
    if row["trip_status"] == "cancelled":
        return 100
    if row["refund_policy"] is None:
        raise Unavailable("The company's terms are not known here yet. Try again in a moment.")
    return refund_percent(row["refund_policy"], state.leaves_at(row), row["now"])


def departed(row: Row) -> bool:
    return bool(row["trip_status"] != "cancelled" and state.leaves_at(row) <= row["now"])


def _problem(
    refused: rules.NotCancellable | rules.NotATicket, ticket_ids: Sequence[UUID] | None
) -> NotCancellable | ValidationFailed:
    if isinstance(refused, rules.NotCancellable):
        return NotCancellable(_WORDS[refused.refusal], reason=refused.refusal.value)
    index = list(ticket_ids or []).index(refused.ticket_id)
    return ValidationFailed({f"ticket_ids.{index}": ["This is not a ticket of the booking."]})
