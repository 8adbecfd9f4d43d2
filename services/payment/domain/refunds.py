"""How much may go back, how much is due, and when a refund that failed is tried again: rules without I/O.

All amounts are in minor units. What a booking is owed is ticketing's to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

MOST_ATTEMPTS: Final = 6
FIRST_PAUSE: Final = timedelta(minutes=1)
PAUSE_GROWS_BY: Final = 4


class Status(StrEnum):
    """What state a refund is in: part of the wire. It starts pending; the other two are final."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Refunded:
    """A refund of a payment; `booking_due` where it pays what a booking is owed."""

    amount_minor: int
    status: str
    booking_due: bool
    changed_at: datetime

    @property
    def counts(self) -> bool:
        """Whether its money is on the way, or there."""
        return self.status != Status.FAILED


def available(captured: int, refunds: Iterable[Refunded]) -> int:
    """What is left of a payment: refunds that are under way are as good as made."""
    return captured - sum(refund.amount_minor for refund in refunds if refund.counts)


def due_now(captured: int, refunds: Iterable[Refunded], owed: int, now: datetime) -> int:
    """What to refund now of what a booking is owed: the difference, no more than is left, or nothing yet.

    Each failure makes the pause before the next attempt longer; after `MOST_ATTEMPTS` failures a person has
    to see to it.
    """
    refunds = list(refunds)
    made = sum(refund.amount_minor for refund in refunds if refund.counts and refund.booking_due)
    difference = min(owed - made, available(captured, refunds))
    if difference <= 0:
        return 0
    failures = [refund.changed_at for refund in refunds if refund.booking_due and not refund.counts]
    if failures and (len(failures) >= MOST_ATTEMPTS or now < max(failures) + pause_after(len(failures))):
        return 0
    return difference


def pause_after(failures: int) -> timedelta:
    """One minute after the first failure, then 4, 16, 64 and 256."""
    factor: int = PAUSE_GROWS_BY ** (failures - 1)
    return FIRST_PAUSE * factor
