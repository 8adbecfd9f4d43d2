"""A scan: what some scanner saw of a code, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services.qr.domain.verdicts import Reason

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID


@dataclass(frozen=True, slots=True)
class Presented:
    """A code as some scanner saw it."""

    token: str
    trip_id: UUID
    nonce: str
    stop_seq: int | None
    device_id: str | None
    scanned_at: datetime


@dataclass(frozen=True, slots=True)
class Scan:
    """A row of scans, in the order of its columns."""

    id: UUID
    ticket_id: UUID | None
    trip_id: UUID
    company_id: UUID | None
    nonce: str
    result: str
    recorded: bool
    duplicate: bool
    offline: bool
    stop_seq: int | None
    device_id: str | None
    scanned_by: UUID
    scanned_at: datetime

    def columns(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)


def scan_of(
    shown: Presented,
    reason: Reason,
    *,
    scan_id: UUID,
    ticket_id: UUID | None,
    company_id: UUID | None,
    by: UUID,
    at: datetime,
    offline: bool,
) -> Scan:
    """Whoever boarded is recorded: with a good code, or offline with a used one."""
    return Scan(
        id=scan_id,
        ticket_id=ticket_id,
        trip_id=shown.trip_id,
        company_id=company_id,
        nonce=shown.nonce,
        result=reason.value,
        recorded=reason in {Reason.OK, Reason.ALREADY_USED},
        duplicate=reason is Reason.ALREADY_USED,
        offline=offline,
        stop_seq=shown.stop_seq,
        device_id=shown.device_id,
        scanned_by=by,
        scanned_at=at,
    )
