"""What a code is worth: read, looked up and judged, without changing anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from common.principals import Role
from common.problems import NotFound
from legacy.qr_tokens import TokenForged, TokenMalformed, read_token
from legacy.queries import checkins as queries
from legacy.rules.verdicts import LiveTicket, Reason, judge

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from common.database import Connection, Pool
    from common.principals import Principal
    from common.tokens import KeyRing
    from legacy.queries.checkins import Row
    from legacy.rules.codes import CodeFacts

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
    pool: Pool, ring: KeyRing, by: Principal, token: str, *, trip_id: UUID | None, stop_seq: int | None
) -> Verdict:
    """The verdict on a code, here and now."""
    code = read_code(ring, token)
    row = await queries.get_live_ticket(pool, code.ticket_id) if code else None
    return judge_row(code, row, by, trip_id=trip_id, stop_seq=stop_seq, at=datetime.now(UTC))


def read_code(ring: KeyRing, token: str) -> CodeFacts | None:
    """What a code says, or None if no key of ours signed it."""
    try:
        return read_token(ring, token)
    except (TokenMalformed, TokenForged):
        return None


def read_codes(ring: KeyRing, tokens: Sequence[str]) -> list[CodeFacts | None]:
    """Like `read_code`, of many: some tenth of a millisecond each: call it off the event loop."""
    return [read_code(ring, token) for token in tokens]


def judge_row(
    code: CodeFacts | None,
    row: Row | None,
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


async def trip_of_staff(conn: Connection, by: Principal, trip_id: UUID) -> Row:
    """The trip, if it is the principal's company's; raises NotFound."""
    trip = await queries.get_trip(conn, trip_id)
    if trip is None or not may_know(by, trip["company_id"]):
        raise NotFound
    return trip


def may_know(by: Principal, company_id: UUID) -> bool:
    """Whether somebody may know of a company's tickets."""
    return by.is_admin or by.company_id == company_id


def _live(row: Row) -> LiveTicket:
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
