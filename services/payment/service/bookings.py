"""What we know of a booking, and what to do where that may not be the latest: ask its owner, once.

A booking is mirrored from events. One that was made a moment ago may be missing, and one that was changed a
moment ago may look as it was: so before anybody is refused because of it, its owner is asked. Where all is
well nothing is asked, and no transaction is open meanwhile.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar
from uuid import UUID

from common.instants import parse_instant
from common.problems import Problem, Unavailable
from services.payment.repository import mirrors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from common.database import Pool

Read: TypeAlias = Callable[[str], Awaitable[dict[str, Any] | None]]
"""Reads a path of the API as the one who asks us; None for what is not there for them."""

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Booking:
    """As far as paying depends on it."""

    id: UUID
    user_id: UUID
    company_id: UUID
    status: str
    total_minor: int
    currency: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What the owner said of a booking: None if there is none."""

    booking: Booking | None


class OwnerToAsk(Exception):  # ruff: ignore[error-suffix-on-exception-name] — the fact
    """What we have of a booking is not enough to refuse by; `refusal` stands if the owner does not answer."""

    def __init__(self, booking_id: UUID, refusal: Problem | None = None) -> None:
        super().__init__(booking_id)
        self.booking_id = booking_id
        self.refusal = refusal


async def with_booking(
    pool: Pool, read: Read, attempt: Callable[[Asked | None], Awaitable[_Result]]
) -> _Result:
    """Try with what is mirrored; if that leaves a doubt, ask the booking's owner and try with the answer.

    Raises Unavailable where nothing is known of the booking and its owner does not answer.
    """
    try:
        return await attempt(None)
    except OwnerToAsk as doubt:
        asked = await ask_owner(pool, read, doubt)
    return await attempt(asked)


async def ask_owner(pool: Pool, read: Read, doubt: OwnerToAsk) -> Asked:
    """What the owner says, which is kept; raises the refusal, or Unavailable, if no answer comes."""
    try:
        said = await read(f"/api/bookings/{doubt.booking_id}")
    except Unavailable:
        if doubt.refusal is not None:
            raise doubt.refusal from None
        raise
    if said is None:
        return Asked(None)
    row = mirrored(said)
    await mirrors.store_read_booking(pool, row)
    return Asked(booking_of(row))


async def find_booking(pool: Pool, read: Read, booking_id: UUID) -> Booking | None:
    """The booking as mirrored, or as its owner says if it is not."""
    row = await mirrors.get_booking(pool, booking_id)
    if row is not None:
        return booking_of(row)
    return (await ask_owner(pool, read, OwnerToAsk(booking_id))).booking


def booking_of(row: Mapping[str, Any]) -> Booking:
    return Booking(
        row["id"],
        row["user_id"],
        row["company_id"],
        row["status"],
        row["total_minor"],
        row["currency"],
        row["expires_at"],
    )


def mirrored(said: Mapping[str, Any]) -> dict[str, Any]:
    """The row that a booking on the wire is kept as."""
    live = [ticket for ticket in said["tickets"] if ticket["status"] == said["status"]]
    return {
        "id": UUID(said["id"]),
        "reference": said["reference"],
        "user_id": UUID(said["user_id"]),
        "company_id": UUID(said["company_id"]),
        "status": said["status"],
        "total_minor": said["total"]["amount"],
        "currency": said["total"]["currency"],
        "refund_due_minor": said["refund_due"]["amount"],
        "seats": len(live) or len(said["tickets"]),
        "expires_at": parse_instant(said["expires_at"]) if said["expires_at"] else None,
        "journey": {
            "route_id": None,
            "route_name": said["route_name"],
            "company_name": said["company_name"],
            "from": said["from"],
            "to": said["to"],
            "departs_at": None,
            "arrives_at": None,
        },
        "updated_at": parse_instant(said["updated_at"]),
    }
