"""The ticket with its code, and the scanner at the door of the bus."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from aiohttp import web

from common.database import POOL
from common.events import until_seen
from common.principals import require
from common.web.forms import Form, parse_form
from common.web.layout import render
from common.wire import path_id
from services.qr.domain.codes import valid_times
from services.qr.domain.verdicts import Reason
from services.qr.errors import CheckInRefused, NonceTaken
from services.qr.handlers import asker, asking_once, presented
from services.qr.keys import CODE_KEYS
from services.qr.repository import departures, tickets
from services.qr.schemas import ScanForm
from services.qr.service import asking, checkins, codes, verification
from services.qr.service.verification import STAFF, verdict_body

if TYPE_CHECKING:
    from collections.abc import Mapping

    from common.principals import Principal

SCAN: Final = ScanForm()
NONCE_BYTES: Final = 12
WORKER: Final = Path(__file__).parent / "static" / "scan_worker.js"

# What a verdict says in words; the template translates, and hands them to scan.js.
WORDS: Final[Mapping[Reason, tuple[str, str]]] = {
    Reason.OK: ("Good", "The ticket is good for this journey."),
    Reason.ALREADY_USED: ("Already used", "Somebody has boarded with this ticket before."),
    Reason.CANCELLED: ("Cancelled", "The ticket or its departure is cancelled."),
    Reason.WRONG_TRIP: ("Another bus", "The ticket is for another departure."),
    Reason.WRONG_LEG: ("Another stretch", "The ticket is not for the stretch from this stop."),
    Reason.TOO_EARLY: ("Too early", "The ticket is not good yet."),
    Reason.EXPIRED: ("Expired", "The ticket's time is over."),
    Reason.REVOKED: ("Replaced", "A newer code was made for this ticket; ask for that one."),
    Reason.BAD_SIGNATURE: ("Not a ticket", "This code was not made by us, or could not be read."),
    Reason.UNKNOWN: ("Unknown", "Your company has no such ticket."),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a scan: checked in, or only looked at, or refused."""

    checked_in: bool
    valid: bool
    reason: Reason
    verdict: Mapping[str, Any]


async def show_ticket(request: web.Request) -> web.Response:
    by = require(request)
    pool = request.app[POOL]
    ticket = await codes.find_sheet(pool, by, path_id(request, "id"), asker(request))
    not_before, expires_at = valid_times(ticket["boards_at"], ticket["arrives_at"])
    own = ticket["user_id"] == by.user_id
    context = {
        "ticket": ticket,
        "has_code": ticket["status"] == "confirmed" and ticket["trip_status"] != "cancelled",
        "not_before": not_before,
        "expires_at": expires_at,
        "own": own,
        "together": await tickets.list_together(pool, ticket["booking_id"]) if own else [],
    }
    return render(request, "ticket.html", context)


async def show_scanner(request: web.Request) -> web.Response:
    """The scanner; with `?worker` its service worker, which may only rule over a page at its own address."""
    if "worker" in request.query:
        return web.Response(
            text=_worker(), content_type="text/javascript", headers={"Cache-Control": "no-cache"}
        )
    by = require(request, *STAFF)
    chosen = _id(request.query.get("trip_id"))
    stop = request.query.get("stop_seq", "")
    return await _render(request, by, chosen, int(stop) if stop.isdecimal() and len(stop) < 4 else None)


async def scan(request: web.Request) -> web.Response:
    """Look at a code, or check it in. The answer is the page itself; sent again it is the same scan."""
    by = require(request, *STAFF)
    form = await parse_form(request, SCAN)
    chosen = form.data.get("trip_id") or _id(form.value("trip_id"))
    if not form.is_valid:
        return await _render(request, by, chosen, None, form=form, status=422)
    try:
        outcome = await _scan(request, by, form.data)
    except NonceTaken as problem:  # an old page
        form = form.with_errors({"token": problem.errors["nonce"]} if problem.errors else {})
        return await _render(request, by, chosen, form.data["stop_seq"], form=form, status=422)
    return await _render(request, by, chosen, form.data["stop_seq"], outcome=outcome)


async def _scan(request: web.Request, by: Principal, data: dict[str, Any]) -> Outcome:
    pool, keys = request.app[POOL], request.app[CODE_KEYS]
    if data["action"] == "verify":
        verdict = await verification.verify_code(
            pool,
            keys,
            by,
            data["token"],
            trip_id=data["trip_id"],
            stop_seq=data["stop_seq"],
            ask=asker(request),
        )
        return Outcome(
            checked_in=False, valid=verdict.valid, reason=verdict.reason, verdict=verdict_body(verdict)
        )
    shown = presented(data, datetime.now(UTC))
    try:
        done = await asking_once(request, by, partial(checkins.check_in, pool, keys, by, shown))
    except CheckInRefused as refused:
        reason, verdict_shown = Reason(refused.extra["reason"]), refused.extra["verdict"]
        return Outcome(checked_in=False, valid=False, reason=reason, verdict=verdict_shown)
    await until_seen(request)
    who = {"seat": done.seat, "passenger_name": done.passenger_name, "checked_in_at": None}
    return Outcome(checked_in=True, valid=True, reason=Reason.OK, verdict=who)


async def _render(
    request: web.Request,
    by: Principal,
    chosen: UUID | None,
    stop_seq: int | None,
    *,
    form: Form | None = None,
    outcome: Outcome | None = None,
    status: int = 200,
) -> web.Response:
    pool = request.app[POOL]
    company_id = None if by.is_admin else by.company_id
    now = datetime.now(UTC)
    offered = await departures.list_to_scan(pool, company_id, now)
    trip = next((row for row in offered if row["id"] == chosen), None)
    if (
        trip is None
        and chosen is not None
        and await departures.get_trip(pool, chosen) is None
        and await asking.ask_for_trip(pool, chosen, asker(request))
    ):
        offered = await departures.list_to_scan(pool, company_id, now)
        trip = next((row for row in offered if row["id"] == chosen), None)
    context = {
        "departures": offered,
        "trip": trip,
        "stops": await departures.list_calls(pool, trip["route_id"]) if trip is not None else [],
        "boarding": await departures.count_boarded(pool, trip["id"]) if trip is not None else None,
        "stop_seq": stop_seq,
        "form": form or Form(),
        "outcome": outcome,
        "nonce": secrets.token_hex(NONCE_BYTES),
        "words": WORDS,
    }
    return render(request, "scan.html", context, status=status)


@cache
def _worker() -> str:
    return WORKER.read_text(encoding="utf-8")


def _id(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None
