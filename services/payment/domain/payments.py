"""The state machine of a payment, and when one can be made at all: rules without I/O.

    requires_method ──charge──▶ processing ──succeed──▶ succeeded
           │                        └───────fail──────▶ failed
           └──cancel──▶ cancelled

The three states on the right are final: what a provider says later, or twice, or in the wrong order, moves
nothing.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class Status(StrEnum):
    """What state a payment is in: part of the wire."""

    REQUIRES_METHOD = "requires_method"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Move(StrEnum):
    """What may happen to a payment."""

    CHARGE = "charge"
    SUCCEED = "succeed"
    FAIL = "fail"
    CANCEL = "cancel"


MOVES: Final[Mapping[tuple[Status, Move], Status]] = {
    (Status.REQUIRES_METHOD, Move.CHARGE): Status.PROCESSING,
    (Status.REQUIRES_METHOD, Move.CANCEL): Status.CANCELLED,
    (Status.PROCESSING, Move.SUCCEED): Status.SUCCEEDED,
    (Status.PROCESSING, Move.FAIL): Status.FAILED,
}
OPEN: Final = frozenset({Status.REQUIRES_METHOD, Status.PROCESSING})
FINAL: Final = frozenset(Status) - OPEN


def after(status: Status, move: Move) -> Status | None:
    """The state that a move leads to, or None where it leads nowhere."""
    return MOVES.get((status, move))


def why_not_payable(booking_status: str, expires_at: datetime, now: datetime) -> str | None:
    """Why a booking takes no payment (`expired`, `cancelled`, `paid`), or None if it does."""
    if booking_status == "held":
        return None if now < expires_at else "expired"
    return "paid" if booking_status == "confirmed" else booking_status
