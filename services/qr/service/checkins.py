"""Check-ins: a code is shown, judged, and the ticket used; once, whoever scans and however often.

What decides is the unique index on the first scan of a ticket. The scan that first reaches the database is
the check-in, also when an offline scan that comes later was made earlier: what one scanner was told stays
true, and no device's clock can take it back. Every scan keeps its own time; those after the first are flagged
as duplicates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

from common.ids import uuid7
from common.problems import Unavailable
from services.qr.domain.scans import Presented, Scan, scan_of
from services.qr.domain.verdicts import Reason
from services.qr.errors import CheckInRefused, NonceTaken
from services.qr.repository import scans
from services.qr.service.verification import judge_row, require_heard, verdict_body

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from common.database import Connection
    from common.principals import Principal
    from services.qr.domain.codes import CodeFacts
    from services.qr.domain.tokens import CodeKeys
    from services.qr.repository.scans import Row

log = structlog.get_logger(__name__)

ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class CheckIn:
    """A recorded scan, and whether it had been recorded before."""

    id: UUID
    ticket_id: UUID
    trip_id: UUID
    seat: str
    passenger_name: str
    scanned_at: datetime
    scanned_by: UUID
    nonce: str
    duplicate: bool
    replayed: bool


async def check_in(
    conn: Connection, keys: CodeKeys, by: Principal, shown: Presented, *, asked: bool = False
) -> CheckIn:
    """Use the ticket of a code; the same nonce again answers what it answered first.

    Raises CheckInRefused with the reason, NonceTaken, or, unless the owner was asked already, Unheard.
    """
    code = keys.look(shown.token)
    ticket_id = code.ticket_id if code else None
    scan = scan_of(
        shown,
        Reason.OK,
        scan_id=uuid7(),
        ticket_id=ticket_id,
        company_id=None,
        by=by.user_id,
        at=shown.scanned_at,
        offline=False,
    )
    for _ in range(ATTEMPTS):
        row = await scans.check_in(
            conn,
            scan,
            ticket_id=ticket_id,
            serial=code.serial if code else 0,
            company_id=None if by.is_admin else by.company_id,
            may_board=code is not None and _is_for_now(code, shown),
        )
        if row["made"] is not None:
            log.info("checked in", ticket=str(row["id"]), trip=str(row["trip_id"]))
            return _made(scan, row)
        if row["before_id"] is not None and (replayed := _replayed(scan, code, row)):
            return replayed
        _refuse(code, row, by, shown, asked=asked)
        if row["before_id"] is not None:
            raise NonceTaken  # of a scan that was refused
    raise Unavailable("The same ticket is being scanned at this moment.")


def _is_for_now(code: CodeFacts, shown: Presented) -> bool:
    return code.is_for(shown.trip_id) and code.not_before <= shown.scanned_at < code.expires_at


def _made(scan: Scan, row: Row) -> CheckIn:
    return CheckIn(
        id=scan.id,
        ticket_id=row["id"],
        trip_id=scan.trip_id,
        seat=row["seat"],
        passenger_name=row["passenger_name"],
        scanned_at=scan.scanned_at,
        scanned_by=scan.scanned_by,
        nonce=scan.nonce,
        duplicate=False,
        replayed=False,
    )


def _replayed(scan: Scan, code: CodeFacts | None, row: Row) -> CheckIn | None:
    """The check-in that this nonce made before; None if it was refused then. Raises NonceTaken."""
    if code is None or row["before_ticket_id"] != code.ticket_id:
        raise NonceTaken
    if not row["before_recorded"]:
        return None
    return CheckIn(
        id=row["before_id"],
        ticket_id=row["before_ticket_id"],
        trip_id=row["before_trip_id"],
        seat=row["before_seat"],
        passenger_name=row["before_passenger_name"],
        scanned_at=row["before_scanned_at"],
        scanned_by=scan.scanned_by,
        nonce=scan.nonce,
        duplicate=row["before_duplicate"],
        replayed=True,
    )


def _refuse(code: CodeFacts | None, row: Row, by: Principal, shown: Presented, *, asked: bool) -> None:
    """Raise what stands against boarding; nothing, if it was only that another scan came in between."""
    ticket: Any = row if row["id"] is not None else None
    if not asked:
        require_heard(code, ticket, by)
    verdict = judge_row(code, ticket, by, trip_id=shown.trip_id, stop_seq=shown.stop_seq, at=shown.scanned_at)
    if not verdict.valid:
        refusal = verdict.reason.value
        raise CheckInRefused(
            f"The code is refused: {refusal}.", reason=refusal, verdict=verdict_body(verdict)
        )
