"""Takes over what a scanner did without a network, as it happened: nothing that was let on is dropped."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

from common.ids import uuid7
from common.problems import Conflict
from services.qr.domain.scans import Presented, Scan, scan_of
from services.qr.domain.verdicts import Reason
from services.qr.errors import NoncesTaken, Unheard
from services.qr.repository import departures, scans, tickets
from services.qr.service.verification import is_unheard, judge_row, may_know

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from common.database import Connection
    from common.principals import Principal
    from services.qr.domain.codes import CodeFacts
    from services.qr.domain.tokens import CodeKeys
    from services.qr.repository.tickets import Row

log = structlog.get_logger(__name__)

ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class BatchItem:
    """What became of one scan of a batch."""

    nonce: str
    result: str
    reason: str
    duplicate: bool
    check_in_id: UUID | None


async def record_batch(
    conn: Connection, keys: CodeKeys, by: Principal, batch: Sequence[Presented], *, asked: bool = False
) -> list[BatchItem]:
    """Record the scans; answers in the order given. `conn` is in a transaction.

    Each is judged as of the time it was made, the earliest first. Whoever boarded with a ticket that another
    scan had used is recorded as a duplicate. Refused scans are kept too, where they name a trip of ours.
    Raises NoncesTaken, Conflict if others record the same ones all the time or, unless owners were asked,
    Unheard.
    """
    codes = await asyncio.to_thread(_read_all, keys, batch)
    for _ in range(ATTEMPTS):
        book = await _open(conn, by, batch, codes, asked=asked)
        items = book.enter_all(batch, codes)
        savepoint = conn.transaction()
        await savepoint.start()
        if not book.scans or await scans.insert_all(conn, book.scans) == len(book.scans):
            await savepoint.commit()
            log.info("offline scans taken over", scans=len(batch), kept=len(book.scans))
            return items
        await savepoint.rollback()  # another scan of one of the tickets came first: look again
    raise Conflict("Some of these scans are being recorded at this moment; send them again.")


def _read_all(keys: CodeKeys, batch: Sequence[Presented]) -> list[CodeFacts | None]:
    """Some tenth of a millisecond each, so off the event loop."""
    return [keys.look(shown.token) for shown in batch]


async def _open(
    conn: Connection,
    by: Principal,
    batch: Sequence[Presented],
    codes: Sequence[CodeFacts | None],
    *,
    asked: bool,
) -> _Logbook:
    ids = {code.ticket_id for code in codes if code}
    rows = {row["id"]: row for row in await tickets.list_live(conn, [*ids])} if ids else {}
    if not asked:
        unheard = [
            ticket_id
            for ticket_id in ids
            if is_unheard(row := rows.get(ticket_id)) and (row is None or may_know(by, row["company_id"]))
        ]
        if unheard:
            raise Unheard(unheard)
    before = await scans.list_of_nonces(conn, by.user_id, [shown.nonce for shown in batch])
    trips = await departures.companies_of(conn, [*{shown.trip_id for shown in batch}])
    trips |= {row["trip_id"]: row["company_id"] for row in rows.values()}
    ours = {trip_id: company_id for trip_id, company_id in trips.items() if may_know(by, company_id)}
    return _Logbook(by, rows, before, ours, await scans.recording_at(conn))


class _Logbook:
    """One batch as it is gone through: which tickets it has used, and which scans are to be written."""

    def __init__(
        self,
        by: Principal,
        rows: Mapping[UUID, Row],
        before: Sequence[Row],
        trips: Mapping[UUID, UUID],
        now: datetime,
    ) -> None:
        self._by = by
        self._tickets = rows
        self._trips = trips
        self._known: dict[str, Mapping[str, Any] | Scan] = {row["nonce"]: row for row in before}
        self._now = now
        self._used: set[UUID] = set()
        self.scans: list[Scan] = []

    def enter_all(self, batch: Sequence[Presented], codes: Sequence[CodeFacts | None]) -> list[BatchItem]:
        items: dict[int, BatchItem] = {}
        taken: list[int] = []
        for place in sorted(range(len(batch)), key=lambda place: batch[place].scanned_at):
            if self._is_taken(batch[place], codes[place]):
                taken.append(place)
            else:
                items[place] = self._enter(batch[place], codes[place])
        if taken:
            raise NoncesTaken(sorted(taken))
        return [items[place] for place in range(len(batch))]

    def _is_taken(self, shown: Presented, code: CodeFacts | None) -> bool:
        """Whether the nonce is that of another ticket's scan.

        Where one of the two tickets is not known (none was kept of a refused code, or its key is not ours any
        more), it is the same scan sent again: else nothing that waits behind it would ever come in.
        """
        known = self._known.get(shown.nonce)
        if known is None or code is None:
            return False
        ticket_id: UUID | None = known.ticket_id if isinstance(known, Scan) else known["ticket_id"]
        return ticket_id is not None and ticket_id != code.ticket_id

    def _enter(self, shown: Presented, code: CodeFacts | None) -> BatchItem:
        known = self._known.get(shown.nonce)
        if known is not None:
            return _item(known, "replayed")
        at = min(shown.scanned_at, self._now)  # a device whose clock is ahead does not scan in the future
        reason, ticket_id = self._judge(shown, code, at)
        scan = scan_of(
            shown,
            reason,
            scan_id=uuid7(),
            ticket_id=ticket_id,
            company_id=self._trips.get(shown.trip_id),
            by=self._by.user_id,
            at=at,
            offline=True,
        )
        if reason is Reason.OK and ticket_id:
            self._used.add(ticket_id)
        if scan.company_id is not None:
            self.scans.append(scan)
            self._known[shown.nonce] = scan
        return _item(scan, "recorded" if scan.recorded else "refused")

    def _judge(self, shown: Presented, code: CodeFacts | None, at: datetime) -> tuple[Reason, UUID | None]:
        row = self._tickets.get(code.ticket_id) if code else None
        verdict = judge_row(code, row, self._by, trip_id=shown.trip_id, stop_seq=shown.stop_seq, at=at)
        ticket_id = verdict.ticket.ticket_id if verdict.ticket else None
        if verdict.reason is Reason.OK and ticket_id in self._used:
            return Reason.ALREADY_USED, ticket_id
        return verdict.reason, ticket_id


def _item(scan: Mapping[str, Any] | Scan, result: str) -> BatchItem:
    if isinstance(scan, Scan):
        return BatchItem(scan.nonce, result, scan.result, scan.duplicate, scan.id if scan.recorded else None)
    check_in_id = scan["id"] if scan["recorded"] else None
    return BatchItem(scan["nonce"], result, scan["result"], scan["duplicate"], check_in_id)
