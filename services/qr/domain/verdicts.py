"""Whether somebody may board with a code: one total function.

It looks at the code, the ticket as it is now, and where and when the code is shown. The live ticket beats
what was signed. Reasons are looked for from the most final to the most passing: what the code is, what has
become of the ticket, which departure, when, where; and only then whether it was used.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from services.qr.domain.codes import CodeFacts


class Reason(StrEnum):
    """Why a verdict is what it is: part of the wire."""

    OK = "ok"
    ALREADY_USED = "already_used"
    CANCELLED = "cancelled"
    WRONG_TRIP = "wrong_trip"
    WRONG_LEG = "wrong_leg"
    TOO_EARLY = "too_early"
    EXPIRED = "expired"
    REVOKED = "revoked"
    BAD_SIGNATURE = "bad_signature"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class LiveTicket:
    """A ticket as the database has it, with what its booking and its trip say."""

    ticket_id: UUID
    trip_id: UUID
    company_id: UUID
    status: str
    trip_cancelled: bool
    serial: int
    seat: str
    passenger_name: str
    from_seq: int
    to_seq: int
    scanned_at: datetime | None


def judge(
    code: CodeFacts | None,
    ticket: LiveTicket | None,
    *,
    trip_id: UUID | None,
    stop_seq: int | None,
    at: datetime,
) -> Reason:
    """The verdict at the instant `at`.

    `code` is None where no key of ours signed it; `ticket` is None where there is none, or none that the
    asking company may know of. `trip_id` and `stop_seq` say where it is shown, where that is known.
    """
    if code is None:
        return Reason.BAD_SIGNATURE
    if ticket is None or ticket.status == "held":
        return Reason.UNKNOWN  # a held ticket has no code yet: this one was made by no step of ours
    return (
        _of_the_ticket(code, ticket)
        or _of_the_departure(code, ticket, trip_id, at)
        or _of_the_ride(ticket, stop_seq)
    )


def _of_the_ticket(code: CodeFacts, ticket: LiveTicket) -> Reason | None:
    if ticket.status != "confirmed" or ticket.trip_cancelled:
        return Reason.CANCELLED
    if code.serial < ticket.serial:
        return Reason.REVOKED
    return None


def _of_the_departure(
    code: CodeFacts, ticket: LiveTicket, trip_id: UUID | None, at: datetime
) -> Reason | None:
    if not code.is_for(ticket.trip_id) or (trip_id is not None and trip_id != ticket.trip_id):
        return Reason.WRONG_TRIP
    if at < code.not_before:
        return Reason.TOO_EARLY
    if at >= code.expires_at:
        return Reason.EXPIRED
    return None


def _of_the_ride(ticket: LiveTicket, stop_seq: int | None) -> Reason:
    if stop_seq is not None and not ticket.from_seq <= stop_seq < ticket.to_seq:
        return Reason.WRONG_LEG
    if ticket.scanned_at is not None:
        return Reason.ALREADY_USED
    return Reason.OK
