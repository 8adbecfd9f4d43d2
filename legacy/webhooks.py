"""What providers tell us: kept first, worked on after, each event in a transaction of its own.

An event that comes twice, late or in the wrong order changes nothing. One that cannot be true (another
amount, another charge) changes nothing either, and is kept with the reason for somebody to look at. One whose
payment is not here yet is tried again.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import structlog

from common.database import transaction
from common.money import to_minor
from common.sweeps import is_fenced
from legacy import ledger
from legacy.queries import payments as queries
from legacy.queries import webhooks as inbox
from legacy.rules import refund_sums
from legacy.rules.payments import Move, Status, after

if TYPE_CHECKING:
    from collections.abc import Mapping

    from common.database import Connection, Pool
    from legacy.queries.payments import Row

LONGEST_WAIT: Final = timedelta(hours=1)
MOST_ATTEMPTS: Final = 100  # four days

log = structlog.get_logger(__name__)


class EventEarly(Exception):  # ruff: ignore[error-suffix-on-exception-name] — the fact
    """What the event is about is not here yet."""


class EventRefused(Exception):  # ruff: ignore[error-suffix-on-exception-name] — the fact
    """The event cannot be true of what we have."""


async def work_event(pool: Pool) -> str | None:
    """Work on one event that is due; answers what it was about, or None if there was none."""
    async with transaction(pool) as conn:
        event = await inbox.claim_event(conn)
        if event is None:
            return None
        try:
            async with conn.transaction():
                remark = await _apply(conn, event["provider"], event["payload"])
        except EventRefused as refusal:
            log.error("provider's event refused", alarm=True, **_about(event), reason=str(refusal))  # ruff: ignore[error-instead-of-exception] — a fact, no traceback
            remark = str(refusal)
        except EventEarly as early:
            return await _postpone(conn, event, str(early))
        except Exception as error:
            if is_fenced(error):
                raise
            log.exception("provider's event could not be worked on", **_about(event))
            return await _postpone(conn, event, repr(error))
        await inbox.finish_event(conn, event, remark)
        return str(event["payload"]["type"])


async def _postpone(conn: Connection, event: Row, error: str) -> str:
    if event["attempts"] >= MOST_ATTEMPTS:
        log.error("provider's event given up", alarm=True, **_about(event), reason=error)
        await inbox.finish_event(conn, event, error)
    else:
        wait = min(timedelta(seconds=2 ** min(event["attempts"], 12)), LONGEST_WAIT)
        await inbox.postpone_event(conn, event, wait, error)
    return "postponed"


async def _apply(conn: Connection, provider: str, event: Mapping[str, Any]) -> str | None:
    """Do what the event says; answers a remark where there was nothing to do."""
    kind, outcome = str(event["type"]).partition(".")[::2]
    if kind not in {"payment", "refund"} or outcome not in {"succeeded", "failed"}:
        return "of a type that we do not follow"
    data = event.get("data")
    if not isinstance(data, dict):
        raise EventRefused("has no data")
    payment = await queries.lock_payment(conn, _id(data, "payment_id"))
    if payment is None:
        raise EventEarly("no such payment")
    if payment["provider"] != provider:
        raise EventRefused(f"the payment is of {payment['provider']}")
    if kind == "payment":
        return await _decide_payment(conn, payment, data, outcome)
    refund = await queries.lock_refund(conn, _id(data, "refund_id"))
    if refund is None:
        raise EventEarly("no such refund")
    if refund["payment_id"] != payment["id"]:
        raise EventRefused("the refund is of another payment")
    return await _decide_refund(conn, payment, refund, data, outcome)


async def _decide_payment(
    conn: Connection, payment: Row, data: Mapping[str, Any], outcome: str
) -> str | None:
    _refuse_mismatch(payment, payment["currency"], data)
    move = Move.SUCCEED if outcome == "succeeded" else Move.FAIL
    status = after(Status(payment["status"]), move)
    if status is None:
        if move is Move.SUCCEED and payment["status"] != Status.SUCCEEDED:
            raise EventRefused(f"money was taken for a payment that is {payment['status']}")
        return f"the payment was {payment['status']} already"
    reference = data.get("provider_ref")
    settled = await queries.settle(conn, payment["id"], status, reference, _failure(data, outcome))
    if status is Status.SUCCEEDED:
        await ledger.enter_capture(conn, settled)
    log.info(
        "payment decided", payment=str(payment["id"]), status=status.value, failure=settled["failure_code"]
    )
    return None


async def _decide_refund(
    conn: Connection, payment: Row, refund: Row, data: Mapping[str, Any], outcome: str
) -> str | None:
    _refuse_mismatch(refund, payment["currency"], data)
    if refund["status"] != refund_sums.Status.PENDING:
        if refund["status"] != outcome:
            raise EventRefused(f"the refund was {refund['status']} already")
        return f"the refund was {refund['status']} already"
    code, _ = _failure(data, outcome) or (None, None)
    settled = await queries.settle_refund(conn, refund["id"], outcome, data.get("provider_ref"), code)
    if outcome == refund_sums.Status.SUCCEEDED:
        await ledger.enter_refund(conn, payment, settled)
    elif refund["booking_due"]:
        await _warn_of_failures(conn, payment)
    log.info("refund decided", refund=str(refund["id"]), status=outcome, failure=code)
    return None


async def _warn_of_failures(conn: Connection, payment: Row) -> None:
    rows = await queries.refunds_of(conn, [payment["id"]])
    failures = sum(row["booking_due"] and row["status"] == refund_sums.Status.FAILED for row in rows)
    if failures >= refund_sums.MOST_ATTEMPTS:
        log.error("refund given up: a person has to see to it", alarm=True, payment=str(payment["id"]))


def _refuse_mismatch(ours: Row, currency: str, data: Mapping[str, Any]) -> None:
    wanted = (to_minor(ours["amount"], currency), currency)
    told = (data.get("amount"), data.get("currency"))
    if told != wanted:
        raise EventRefused(f"it is about {told[0]} {told[1]}, we about {wanted[0]} {wanted[1]}")
    if ours["provider_ref"] is not None and data.get("provider_ref") != ours["provider_ref"]:
        raise EventRefused("it is about another reference")


def _failure(data: Mapping[str, Any], outcome: str) -> tuple[str, str] | None:
    if outcome == "succeeded":
        return None
    told = data.get("failure")
    told = told if isinstance(told, dict) else {}
    return str(told.get("code") or "declined"), str(told.get("message") or "The payment was declined.")


def _id(data: Mapping[str, Any], name: str) -> UUID:
    try:
        return UUID(data[name])
    except (KeyError, ValueError, TypeError, AttributeError):
        raise EventRefused(f"has no {name}") from None


def _about(event: Row) -> dict[str, str]:
    return {"provider": event["provider"], "event_id": event["event_id"]}
