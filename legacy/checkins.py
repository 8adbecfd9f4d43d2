"""Check-ins: a code is shown, judged, and the ticket used; once, whoever scans and however often.

What decides is the locked ticket row. The scan that first reaches the database is the check-in, also when an
offline scan that comes later was made earlier: what one scanner was told stays true, and no device's clock
can take it back. Every scan keeps its own time; those after the first are flagged as duplicates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import structlog

from common.ids import uuid7
from common.problems import Conflict, ValidationFailed
from legacy.queries import checkins as queries
from legacy.rules.verdicts import Reason
from legacy.verification import judge_row, read_code, verdict_body

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from common.database import Connection
    from common.principals import Principal
    from common.tokens import KeyRing

NONCE_TAKEN: Final = "Was used for another scan; make a new one for each."

log = structlog.get_logger(__name__)


class CheckInRefused(Conflict):
    slug, title = "check-in-refused", "The passenger may not board with this code"


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
class CheckIn:
    """A recorded scan, and whether it had been recorded before."""

    scan: Mapping[str, Any]
    replayed: bool


async def check_in(conn: Connection, ring: KeyRing, by: Principal, shown: Presented) -> CheckIn:
    """Use the ticket of a code; the same nonce again answers what it answered first.

    Raises CheckInRefused with the reason, or ValidationFailed for a nonce that was used for another ticket.
    """
    code = read_code(ring, shown.token)
    rows = await queries.lock_live_tickets(conn, [code.ticket_id]) if code else []
    for before in await queries.scans_of_nonces(conn, by.user_id, [shown.nonce]):
        if code is None or before["ticket_id"] != code.ticket_id:
            raise _nonce_taken()
        if before["recorded"]:
            return CheckIn(dict(before), replayed=True)
    row = rows[0] if rows else None
    verdict = judge_row(code, row, by, trip_id=shown.trip_id, stop_seq=shown.stop_seq, at=shown.scanned_at)
    ticket = verdict.ticket
    if not verdict.valid or ticket is None:
        refusal = verdict.reason.value
        raise CheckInRefused(
            f"The code is refused: {refusal}.", reason=refusal, verdict=verdict_body(verdict)
        )
    await queries.mark_scanned(conn, [ticket.ticket_id], [shown.scanned_at], by.user_id)
    scan = new_scan(shown, by, ticket.ticket_id, Reason.OK, scanned_at=shown.scanned_at, offline=False)
    try:
        await queries.insert_scans(conn, [scan])
    except asyncpg.UniqueViolationError:
        raise _nonce_taken() from None  # at this moment, for another ticket: that one is not locked
    log.info("checked in", ticket=str(ticket.ticket_id), trip=str(ticket.trip_id))
    return CheckIn(scan | {"seat": ticket.seat, "passenger_name": ticket.passenger_name}, replayed=False)


def new_scan(
    shown: Presented,
    by: Principal,
    ticket_id: UUID | None,
    reason: Reason,
    *,
    scanned_at: datetime,
    offline: bool,
) -> dict[str, Any]:
    """A row of scans. Whoever boarded is recorded: with a good code, or offline with a used one."""
    return {
        "id": uuid7(),
        "ticket_id": ticket_id,
        "trip_id": shown.trip_id,
        "nonce": shown.nonce,
        "result": reason.value,
        "recorded": reason in {Reason.OK, Reason.ALREADY_USED},
        "duplicate": reason is Reason.ALREADY_USED,
        "offline": offline,
        "stop_seq": shown.stop_seq,
        "device_id": shown.device_id,
        "scanned_by": by.user_id,
        "scanned_at": scanned_at,
    }


def _nonce_taken() -> ValidationFailed:
    return ValidationFailed({"nonce": [NONCE_TAKEN]})
