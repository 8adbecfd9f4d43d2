"""What may become of a booking and its tickets: rules without I/O.

A booking is `held` until it is paid (`confirmed`), given up (`cancelled`) or too late (`expired`). Money that
comes for an expired one takes the same seats again if they are still free. Its tickets have a state each, so
that one seat of several can be cancelled; the booking is cancelled with its last ticket.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from services.ticketing.domain.refunds import refund

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from uuid import UUID

MOST_HOLDS: Final = 3
"""Held bookings that one user may have at a time."""

MOST_SEATS: Final = 12
"""Seats of one trip that one user may have, held or confirmed."""

MOST_PASSENGERS: Final = 6

LARGEST_SERIAL: Final = 255
"""A ticket's code has one byte for how often it was reissued."""


class Status(StrEnum):
    HELD = "held"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Move(StrEnum):
    CONFIRM = "confirm"
    EXPIRE = "expire"
    CANCEL = "cancel"
    RECLAIM = "reclaim"


MOVES: Final = {
    (Status.HELD, Move.CONFIRM): Status.CONFIRMED,
    (Status.HELD, Move.EXPIRE): Status.EXPIRED,
    (Status.HELD, Move.CANCEL): Status.CANCELLED,
    (Status.CONFIRMED, Move.CANCEL): Status.CANCELLED,
    (Status.EXPIRED, Move.RECLAIM): Status.CONFIRMED,
}

LIVE: Final = frozenset({Status.HELD, Status.CONFIRMED})


class Refusal(StrEnum):
    """Why a cancellation is refused."""

    EXPIRED = "expired"
    CANCELLED = "cancelled"
    DEPARTED = "departed"
    CHECKED_IN = "checked-in"


class Reason(StrEnum):
    """Why money goes back, as kept with the booking."""

    BY_PASSENGER = "cancelled by passenger"
    BY_COMPANY = "cancelled by company"
    TRIP_CANCELLED = "trip cancelled"
    SEAT_WITHDRAWN = "seat not on the bus"
    PAID_LATE = "paid after the seats were gone"
    PAID_AFTER_CANCELLATION = "paid after the cancellation"
    PAID_TOO_LITTLE = "paid less than the price"
    PAID_TOO_MUCH = "paid more than the price"


class Settlement(StrEnum):
    """What a payment that has succeeded does to its booking."""

    CONFIRM = "confirm"
    RECLAIM = "reclaim"
    REFUND = "refund"
    NOTHING = "nothing"


class MoveRefused(Exception):  # ruff: ignore[error-suffix-on-exception-name] — the fact
    """The booking is not in a state from which it can go there."""


class NotCancellable(Exception):  # ruff: ignore[error-suffix-on-exception-name] — the fact
    """The tickets cannot be cancelled; `refusal` says why."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


class NotATicket(Exception):  # ruff: ignore[error-suffix-on-exception-name] — the fact
    """A ticket was named that is not of this booking; `ticket_id` is its id."""

    def __init__(self, ticket_id: UUID) -> None:
        super().__init__(str(ticket_id))
        self.ticket_id = ticket_id


@dataclass(frozen=True, slots=True)
class Ticket:
    """A seat of a booking; `refund_due_minor` is what its cancellation gives back."""

    id: UUID
    price_minor: int
    status: Status
    refund_due_minor: int = 0
    checked_in: bool = False


@dataclass(frozen=True, slots=True)
class Booking:
    """A booking and its tickets. `total_minor` is, or was, to be paid; `refund_due_minor` is owed.

    A payment is `settled` when the booking has taken note of it.
    """

    status: Status
    total_minor: int
    expires_at: datetime
    tickets: tuple[Ticket, ...]
    refund_due_minor: int = 0
    refund_reason: str | None = None
    settled: bool = False

    def seen_at(self, now: datetime) -> Status:
        """The state as the outside sees it: a hold is over the moment that its time is."""
        if self.status is Status.HELD and self.expires_at <= now:
            return Status.EXPIRED
        return self.status

    @property
    def live_tickets(self) -> tuple[Ticket, ...]:
        return tuple(ticket for ticket in self.tickets if ticket.status in LIVE)

    def confirm(self) -> Booking:
        return self._move(Move.CONFIRM)

    def expire(self) -> Booking:
        return self._move(Move.EXPIRE)

    def reclaim(self) -> Booking:
        """The seats were free still: those tickets that had expired with the booking are good again."""
        return self._move(Move.RECLAIM)

    def cancel(
        self,
        ticket_ids: Collection[UUID] | None,
        *,
        percent: int,
        step: int,
        now: datetime,
        departed: bool,
        reason: Reason,
    ) -> Booking:
        """Without these tickets, or any: each gives `percent` of its price back, if it had been paid for.

        Raises NotCancellable, or NotATicket.
        """
        chosen = {ticket.id for ticket in self.choose(ticket_ids, now=now, departed=departed)}
        return self._without(chosen, percent, step, reason)

    def choose(
        self, ticket_ids: Collection[UUID] | None, *, now: datetime, departed: bool
    ) -> tuple[Ticket, ...]:
        """The tickets that can be cancelled, all of those that are asked for or none.

        Raises NotCancellable, or NotATicket.
        """
        seen = self.seen_at(now)
        if seen not in LIVE:
            raise NotCancellable(Refusal(seen.value))
        if ticket_ids is None:
            chosen = self.live_tickets
        else:
            by_id = {ticket.id: ticket for ticket in self.tickets}
            for ticket_id in ticket_ids:
                if ticket_id not in by_id:
                    raise NotATicket(ticket_id)
            chosen = tuple(ticket for ticket in self.tickets if ticket.id in set(ticket_ids))
        if any(ticket.status not in LIVE for ticket in chosen):
            raise NotCancellable(Refusal.CANCELLED)
        if any(ticket.checked_in for ticket in chosen):
            raise NotCancellable(Refusal.CHECKED_IN)
        if departed:
            raise NotCancellable(Refusal.DEPARTED)
        return chosen

    def call_off(self, *, step: int) -> Booking:
        """The company cancelled the departure: all that was paid for what is left goes back."""
        return self._without({ticket.id for ticket in self.live_tickets}, 100, step, Reason.TRIP_CANCELLED)

    def withdraw(self, ticket_ids: set[UUID], *, step: int) -> Booking:
        """The bus that runs lacks these seats: all that was paid for them goes back."""
        return self._without(ticket_ids, 100, step, Reason.SEAT_WITHDRAWN)

    def settlement(self, paid_minor: int, *, trip_open: bool) -> Settlement:
        """What is to be done now that `paid_minor` has come; `trip_open` if its seats are still sold.

        A booking that is confirmed without any money was free in the end: what arrives goes back.
        """
        if self.settled:
            return Settlement.NOTHING
        if self.status is Status.HELD and paid_minor >= self.total_minor:
            return Settlement.CONFIRM
        if self.status is Status.EXPIRED and paid_minor >= self.total_minor and trip_open:
            return Settlement.RECLAIM
        return Settlement.REFUND

    def confirm_paid(self, paid_minor: int) -> Booking:
        """Confirmed by a payment, from `held` or, its seats claimed again, from `expired`."""
        moved = self.reclaim() if self.status is Status.EXPIRED else self.confirm()
        over = paid_minor - self.total_minor
        if over < 0:
            raise MoveRefused("it is not paid for")
        if over == 0:
            return replace(moved, settled=True)
        return replace(
            moved,
            settled=True,
            refund_due_minor=self.refund_due_minor + over,
            refund_reason=Reason.PAID_TOO_MUCH.value,
        )

    def refund_paid(self, paid_minor: int) -> Booking:
        """The money cannot be used: all of it is owed back. A hold that it does not pay for is over."""
        if self.settled:
            raise MoveRefused("it is paid for")
        reason = {
            Status.HELD: Reason.PAID_TOO_LITTLE,
            Status.CONFIRMED: Reason.PAID_TOO_MUCH,
            Status.EXPIRED: Reason.PAID_LATE,
            Status.CANCELLED: Reason.PAID_AFTER_CANCELLATION,
        }[self.status]
        over = self._move(Move.CANCEL) if self.status is Status.HELD else self
        return replace(
            over,
            settled=True,
            refund_due_minor=self.refund_due_minor + paid_minor,
            refund_reason=reason.value,
        )

    def _move(self, move: Move) -> Booking:
        """To the next state, and with it those tickets that were in the same state as the booking."""
        status = MOVES.get((self.status, move))
        if status is None:
            raise MoveRefused(f"what is {self.status.value} cannot {move.value}")
        tickets = tuple(
            replace(ticket, status=status) if ticket.status is self.status else ticket
            for ticket in self.tickets
        )
        return replace(self, status=status, tickets=tickets)

    def _without(self, ticket_ids: set[UUID], percent: int, step: int, reason: Reason) -> Booking:
        paid = self.status is Status.CONFIRMED
        tickets = tuple(
            replace(
                ticket,
                status=Status.CANCELLED,
                refund_due_minor=refund(ticket.price_minor, percent, step) if paid else 0,
            )
            if ticket.id in ticket_ids
            else ticket
            for ticket in self.tickets
        )
        left = any(ticket.status in LIVE for ticket in tickets)
        gone = [ticket for ticket in tickets if ticket.id in ticket_ids]
        back = sum(ticket.refund_due_minor for ticket in gone)
        # What was never paid for is taken off the bill, unless nothing is left that would be billed.
        unbilled = sum(ticket.price_minor for ticket in gone) if left and not paid else 0
        status = self.status if left else MOVES[self.status, Move.CANCEL]
        return replace(
            self,
            status=status,
            total_minor=self.total_minor - unbilled,
            tickets=tickets,
            refund_due_minor=self.refund_due_minor + back,
            refund_reason=reason.value if back else self.refund_reason,
        )
