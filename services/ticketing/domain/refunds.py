"""How much of a price a cancellation gives back: rules without I/O."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from services.ticketing.domain.fares import share

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

OFFER_LASTS: Final = timedelta(minutes=10)
"""How long a refund offer is honoured."""


def refund_percent(policy: Mapping[str, Any], leaves_at: datetime, now: datetime) -> int:
    """The percent of the step that `now` is early enough for; 0 later than the last step.

    `leaves_at` is when the bus leaves the boarding stop. A step counts when there are at least its
    `hours_before` left; of several the one that gives the most.
    """
    left = leaves_at - now
    reached = [step["percent"] for step in policy["steps"] if left >= timedelta(hours=step["hours_before"])]
    return max(reached, default=0)


def refund(price_minor: int, percent: int, step: int) -> int:
    """`percent` of a price, half up to the least that the currency's fares differ by."""
    if not 0 <= percent <= 100:
        raise ValueError(f"{percent} is not a percentage of a refund")
    return share(price_minor, percent, step)
