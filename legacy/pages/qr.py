"""The ticket with its code, and the scanner at the door of the bus."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from common.database import POOL, transaction
from common.principals import require
from common.problems import ValidationFailed
from common.web.forms import Form, parse_form
from common.wire import path_id
from legacy import checkins, codes, verification
from legacy.keys import QR_KEYS
from legacy.pages import render
from legacy.queries import checkins as queries
from legacy.rules.codes import valid_times
from legacy.rules.verdicts import Reason
from legacy.schemas.qr import ScanForm
from legacy.verification import STAFF, verdict_body

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

    from common.principals import Principal

SCAN: Final = ScanForm()
NONCE_BYTES: Final = 12

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
    ticket = await codes.find_ticket(request.app[POOL], by, path_id(request, "id"))
    not_before, expires_at = valid_times(ticket["boards_at"], ticket["arrives_at"])
    context = {
        "ticket": ticket,
        "has_code": ticket["status"] == "confirmed" and ticket["trip_status"] != "cancelled",
        "not_before": not_before,
        "expires_at": expires_at,
        "own": ticket["user_id"] == by.user_id,
    }
    return render(request, "ticket.html", context)


async def show_scanner(request: web.Request) -> web.Response:
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
    except ValidationFailed as problem:  # the nonce of another scan: an old page
        form = form.with_errors({"token": problem.errors["nonce"]} if problem.errors else {})
        return await _render(request, by, chosen, form.data["stop_seq"], form=form, status=422)
    return await _render(request, by, chosen, form.data["stop_seq"], outcome=outcome)


async def _scan(request: web.Request, by: Principal, data: dict[str, Any]) -> Outcome:
    pool, ring = request.app[POOL], request.app[QR_KEYS]
    if data["action"] == "verify":
        verdict = await verification.verify_code(
            pool, ring, by, data["token"], trip_id=data["trip_id"], stop_seq=data["stop_seq"]
        )
        return Outcome(
            checked_in=False, valid=verdict.valid, reason=verdict.reason, verdict=verdict_body(verdict)
        )
    shown = checkins.Presented(
        token=data["token"],
        trip_id=data["trip_id"],
        nonce=data["nonce"],
        stop_seq=data["stop_seq"],
        device_id=None,
        scanned_at=datetime.now(UTC),
    )
    try:
        async with transaction(pool) as conn:
            done = await checkins.check_in(conn, ring, by, shown)
    except checkins.CheckInRefused as refused:
        reason, verdict_shown = Reason(refused.extra["reason"]), refused.extra["verdict"]
        return Outcome(checked_in=False, valid=False, reason=reason, verdict=verdict_shown)
    who = {"seat": done.scan["seat"], "passenger_name": done.scan["passenger_name"], "checked_in_at": None}
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
    departures = await queries.departures_to_scan(pool, company_id, datetime.now(UTC))
    trip = next((row for row in departures if row["id"] == chosen), None)
    context = {
        "departures": departures,
        "trip": trip,
        "stops": await queries.stops_of_trip(pool, trip["id"]) if trip is not None else [],
        "stop_seq": stop_seq,
        "form": form or Form(),
        "outcome": outcome,
        "nonce": secrets.token_hex(NONCE_BYTES),
        "words": WORDS,
    }
    return render(request, "scan.html", context, status)


def _id(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None
