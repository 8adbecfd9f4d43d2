"""Takes over what a scanner did without a network, as it happened: nothing that was let on is dropped."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import asyncpg
import structlog

from common.problems import Conflict, ValidationFailed
from legacy.checkins import NONCE_TAKEN, new_scan
from legacy.queries import checkins as queries
from legacy.rules.verdicts import Reason
from legacy.verification import judge_row, read_codes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from common.database import Connection
    from common.principals import Principal
    from common.tokens import KeyRing
    from legacy.checkins import Presented
    from legacy.queries.checkins import Row
    from legacy.rules.codes import CodeFacts

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class BatchItem:
    """What became of one scan of a batch."""

    nonce: str
    result: str
    reason: str
    duplicate: bool
    check_in_id: UUID | None


async def record_batch(
    conn: Connection, ring: KeyRing, by: Principal, batch: Sequence[Presented]
) -> list[BatchItem]:
    """Record the scans; answers in the order given.

    Each is judged as of the time it was made, the earliest first. Whoever boarded with a ticket that another
    scan had used is recorded as a duplicate. Refused scans are kept too, where they name a trip of ours.
    Raises ValidationFailed naming the scans whose nonce was used for another ticket, and Conflict if the same
    nonces are being recorded at this moment.
    """
    codes = await asyncio.to_thread(read_codes, ring, [shown.token for shown in batch])
    tickets = await queries.lock_live_tickets(conn, sorted({code.ticket_id for code in codes if code}))
    before = await queries.scans_of_nonces(conn, by.user_id, [shown.nonce for shown in batch])
    company_id = None if by.is_admin else by.company_id
    trips = await queries.trips_of(conn, [*{shown.trip_id for shown in batch}], company_id)

    book = _Logbook(by, tickets, before, trips, await queries.recording_at(conn))
    items: dict[int, BatchItem] = {}
    taken: list[int] = []
    for place in sorted(range(len(batch)), key=lambda place: batch[place].scanned_at):
        if book.is_taken(batch[place], codes[place]):
            taken.append(place)
        else:
            items[place] = book.enter(batch[place], codes[place])
    if taken:
        raise ValidationFailed({f"scans.{place}.nonce": [NONCE_TAKEN] for place in sorted(taken)})

    await queries.mark_scanned(conn, [*book.used], [*book.used.values()], by.user_id)
    try:
        await queries.insert_scans(conn, book.scans)
    except asyncpg.UniqueViolationError:
        raise Conflict("Some of these scans are being recorded at this moment; send them again.") from None
    log.info("offline scans taken over", scans=len(batch), checked_in=len(book.used), kept=len(book.scans))
    return [items[place] for place in range(len(batch))]


class _Logbook:
    """One batch as it is gone through: which tickets it has used, and which scans are to be written."""

    def __init__(
        self,
        by: Principal,
        tickets: Sequence[Row],
        before: Sequence[Row],
        trips: set[UUID],
        now: datetime,
    ) -> None:
        self._by = by
        self._tickets = {row["id"]: row for row in tickets}
        self._trips = trips
        self._known: dict[str, Mapping[str, Any]] = {row["nonce"]: row for row in before}
        self._now = now
        self.used: dict[UUID, datetime] = {}
        self.scans: list[dict[str, Any]] = []

    def is_taken(self, shown: Presented, code: CodeFacts | None) -> bool:
        """Whether the nonce is that of another ticket's scan.

        Where one of the two tickets is not known (none was kept of a refused code, or its key is not ours any
        more), it is the same scan sent again: else nothing that waits behind it would ever come in.
        """
        known = self._known.get(shown.nonce)
        if known is None or code is None:
            return False
        ticket_id: UUID | None = known["ticket_id"]
        return ticket_id is not None and ticket_id != code.ticket_id

    def enter(self, shown: Presented, code: CodeFacts | None) -> BatchItem:
        if shown.nonce in self._known:
            return _item(self._known[shown.nonce], "replayed")
        at = min(shown.scanned_at, self._now)  # a device whose clock is ahead does not scan in the future
        reason, ticket_id = self._judge(shown, code, at)
        scan = new_scan(shown, self._by, ticket_id, reason, scanned_at=at, offline=True)
        if reason is Reason.OK and ticket_id:
            self.used[ticket_id] = at
        if shown.trip_id in self._trips:
            self.scans.append(scan)
            self._known[shown.nonce] = scan
        return _item(scan, "recorded" if scan["recorded"] else "refused")

    def _judge(self, shown: Presented, code: CodeFacts | None, at: datetime) -> tuple[Reason, UUID | None]:
        row = self._tickets.get(code.ticket_id) if code else None
        verdict = judge_row(code, row, self._by, trip_id=shown.trip_id, stop_seq=shown.stop_seq, at=at)
        ticket_id = verdict.ticket.ticket_id if verdict.ticket else None
        if verdict.reason is Reason.OK and ticket_id in self.used:
            return Reason.ALREADY_USED, ticket_id
        return verdict.reason, ticket_id


def _item(scan: Mapping[str, Any], result: str) -> BatchItem:
    return BatchItem(
        nonce=scan["nonce"],
        result=result,
        reason=scan["result"],
        duplicate=scan["duplicate"],
        check_in_id=scan["id"] if scan["recorded"] else None,
    )
