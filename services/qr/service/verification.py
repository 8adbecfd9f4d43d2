"""What a code is worth: read, looked up and judged, without changing anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from common.principals import Role
from common.problems import NotFound
from services.qr.domain.verdicts import LiveTicket, Reason, judge
from services.qr.errors import Unheard
from services.qr.repository import departures, tickets
from services.qr.service import asking

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from common.database import Pool
    from common.principals import Principal
    from services.qr.domain.codes import CodeFacts
    from services.qr.domain.tokens import CodeKeys
    from services.qr.repository.tickets import Row
    from services.qr.service.asking import Ask

STAFF: Final = (Role.OPERATOR, Role.INSPECTOR, Role.DRIVER, Role.ADMIN)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A reason with what may be shown of the ticket that it is about."""

    reason: Reason
    ticket: LiveTicket | None
    code: CodeFacts | None

    @property
    def valid(self) -> bool:
        return self.reason is Reason.OK


async def verify_code(
    pool: Pool,
    keys: CodeKeys,
    by: Principal,
    token: str,
    *,
    trip_id: UUID | None,
    stop_seq: int | None,
    ask: Ask,
) -> Verdict:
    """The verdict on a code, here and now; raises Unavailable if only the ticket's owner could tell."""
    code = keys.look(token)
    row = await tickets.get_live(pool, code.ticket_id) if code else None
    try:
        require_heard(code, row, by)
    except Unheard as unheard:
        await asking.ask_for_tickets(pool, by, unheard.ticket_ids, ask)
        row = await tickets.get_live(pool, unheard.ticket_ids[0])
    return judge_row(code, row, by, trip_id=trip_id, stop_seq=stop_seq, at=datetime.now(UTC))


def require_heard(code: CodeFacts | None, row: Mapping[str, Any] | None, by: Principal) -> None:
    """Raise Unheard for a good code of a ticket that its owner may know to be good, while we do not."""
    if code is not None and is_unheard(row) and (row is None or may_know(by, row["company_id"])):
        raise Unheard([code.ticket_id])


def is_unheard(row: Mapping[str, Any] | None) -> bool:
    """Whether the ticket may have become good: one that is confirmed or cancelled cannot."""
    return row is None or row["status"] not in {"confirmed", "cancelled"}


def judge_row(
    code: CodeFacts | None,
    row: Mapping[str, Any] | None,
    by: Principal,
    *,
    trip_id: UUID | None,
    stop_seq: int | None,
    at: datetime,
) -> Verdict:
    """The verdict for somebody: another company's ticket is unknown to them."""
    ticket = _live(row) if row is not None and may_know(by, row["company_id"]) else None
    reason = judge(code, ticket, trip_id=trip_id, stop_seq=stop_seq, at=at)
    return Verdict(reason, None if reason is Reason.UNKNOWN else ticket, code)


def verdict_body(verdict: Verdict) -> dict[str, Any]:
    """The verdict as the wire has it; of an unknown ticket not even what its code says is told."""
    ticket, code = verdict.ticket, verdict.code if verdict.ticket else None
    return {
        "valid": verdict.valid,
        "reason": verdict.reason.value,
        "ticket_id": ticket and ticket.ticket_id,
        "trip_id": ticket and ticket.trip_id,
        "seat": ticket and ticket.seat,
        "passenger_name": ticket and ticket.passenger_name,
        "from_seq": ticket and ticket.from_seq,
        "to_seq": ticket and ticket.to_seq,
        "checked_in_at": ticket and ticket.scanned_at,
        "not_before": code and code.not_before,
        "expires_at": code and code.expires_at,
    }


async def trip_of_staff(pool: Pool, by: Principal, trip_id: UUID, ask: Ask) -> Row:
    """The departure, if it is the principal's company's; raises NotFound, or Unavailable."""
    trip = await departures.get_trip(pool, trip_id)
    if trip is None and await asking.ask_for_trip(pool, trip_id, ask):
        trip = await departures.get_trip(pool, trip_id)
    if trip is None or not may_know(by, trip["company_id"]):
        raise NotFound
    return trip


def may_know(by: Principal, company_id: UUID) -> bool:
    """Whether somebody may know of a company's tickets."""
    return by.is_admin or by.company_id == company_id


def _live(row: Mapping[str, Any]) -> LiveTicket:
    return LiveTicket(
        ticket_id=row["id"],
        trip_id=row["trip_id"],
        company_id=row["company_id"],
        status=row["status"],
        trip_cancelled=row["trip_status"] == "cancelled",
        serial=row["qr_serial"],
        seat=row["seat"],
        passenger_name=row["passenger_name"],
        from_seq=row["from_seq"],
        to_seq=row["to_seq"],
        scanned_at=row["scanned_at"],
    )
