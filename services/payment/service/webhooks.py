"""What providers tell us: kept first, worked on after, each event in a transaction of its own.

An event that comes twice, late or in the wrong order changes nothing. One that cannot be true (another
amount, another charge) changes nothing either, and is kept with the reason for somebody to look at. One whose
payment is not here yet is tried again.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import structlog

from common.database import transaction
from common.ids import uuid7
from common.sweeps import is_fenced
from services.payment.domain import ledger
from services.payment.domain import refunds as rules
from services.payment.domain.payments import Move, Status, after
from services.payment.repository import inbox
from services.payment.repository import payments as payments_repository
from services.payment.repository import refunds as refunds_repository

if TYPE_CHECKING:
    from collections.abc import Mapping

    from common.database import Connection, Pool
    from services.payment.repository.inbox import Row

AT_ONCE: Final = 3
LONGEST_WAIT: Final = timedelta(hours=1)
MOST_ATTEMPTS: Final = 100  # four days

log = structlog.get_logger(__name__)


class EventEarly(Exception):  # ruff: ignore[error-suffix-on-exception-name] — the fact
    """What the event is about is not here yet."""


class EventRefused(Exception):  # ruff: ignore[error-suffix-on-exception-name] — the fact
    """The event cannot be true of what we have."""


async def work_events(pool: Pool) -> int:
    """Work on the events that are due, some at a time; answers how many there were.

    Where fewer wait than are worked on at once, nobody looks for more after their one.
    """
    waiting = await inbox.count_due(pool, AT_ONCE)
    if not waiting:
        return 0
    work = _work_event if waiting < AT_ONCE else _work_on
    async with asyncio.TaskGroup() as group:
        workers = [group.create_task(work(pool)) for _ in range(waiting)]
    return sum(worker.result() for worker in workers)


async def _work_on(pool: Pool) -> int:
    done = 0
    while await _work_event(pool):
        done += 1
    return done


async def _work_event(pool: Pool) -> bool:
    """Work on one event that is due; whether there was one."""
    event = None
    try:
        async with transaction(pool) as conn:
            event = await inbox.claim_event(conn)
            if event is None:
                return False
            await _decide(conn, event)
    except Exception as error:
        if event is None or is_fenced(error):
            raise
        # All that it did is undone; so it is put off by itself.
        log.exception("provider's event could not be worked on", **_about(event))
        await _postpone(pool, event, repr(error))
    return True


async def _decide(conn: Connection, event: Row) -> None:
    """Apply the event, or keep why not. Both refusals come before anything is written."""
    try:
        remark = await _apply(conn, event["provider"], event["payload"])
    except EventRefused as refusal:
        log.error("provider's event refused", alarm=True, **_about(event), reason=str(refusal))  # ruff: ignore[error-instead-of-exception] — a fact, no traceback
        remark = str(refusal)
    except EventEarly as early:
        await _postpone(conn, event, str(early))
        return
    await inbox.finish_event(conn, event, remark)


async def _postpone(conn: Connection, event: Row, error: str) -> None:
    if event["attempts"] >= MOST_ATTEMPTS:
        log.error("provider's event given up", alarm=True, **_about(event), reason=error)
        await inbox.finish_event(conn, event, error)
    else:
        wait = min(timedelta(seconds=2 ** min(event["attempts"], 12)), LONGEST_WAIT)
        await inbox.postpone_event(conn, event, wait, error)


async def _apply(conn: Connection, provider: str, event: Mapping[str, Any]) -> str | None:
    """Do what the event says; answers a remark where there was nothing to do."""
    kind, outcome = str(event["type"]).partition(".")[::2]
    if kind not in {"payment", "refund"} or outcome not in {"succeeded", "failed"}:
        return "of a type that we do not follow"
    data = event.get("data")
    if not isinstance(data, dict):
        raise EventRefused("has no data")
    payment = await payments_repository.lock_payment(conn, _id(data, "payment_id"))
    if payment is None:
        raise EventEarly("no such payment")
    if payment["provider"] != provider:
        raise EventRefused(f"the payment is of {payment['provider']}")
    if kind == "payment":
        return await _decide_payment(conn, payment, data, outcome)
    refund = await refunds_repository.lock_refund(conn, _id(data, "refund_id"))
    if refund is None:
        raise EventEarly("no such refund")
    if refund["payment_id"] != payment["id"]:
        raise EventRefused("the refund is of another payment")
    return await _decide_refund(conn, payment, refund, data, outcome)


async def _decide_payment(
    conn: Connection, payment: Row, data: Mapping[str, Any], outcome: str
) -> str | None:
    _refuse_mismatch(payment, data)
    move = Move.SUCCEED if outcome == "succeeded" else Move.FAIL
    status = after(Status(payment["status"]), move)
    if status is None:
        if move is Move.SUCCEED and payment["status"] != Status.SUCCEEDED:
            raise EventRefused(f"money was taken for a payment that is {payment['status']}")
        return f"the payment was {payment['status']} already"
    reference = data.get("provider_ref")
    failure = _failure(data, outcome)
    if failure is None:
        sides = ledger.of_capture(payment["provider"], payment["company_id"])
        await payments_repository.capture(conn, payment["id"], reference, uuid7(), sides)
    else:
        await payments_repository.settle(conn, payment["id"], status, reference, failure)
    log.info(
        "payment decided",
        payment=str(payment["id"]),
        status=status.value,
        failure=failure[0] if failure else None,
    )
    return None


async def _decide_refund(
    conn: Connection, payment: Row, refund: Row, data: Mapping[str, Any], outcome: str
) -> str | None:
    _refuse_mismatch(refund, data)
    if refund["status"] != rules.Status.PENDING:
        if refund["status"] != outcome:
            raise EventRefused(f"the refund was {refund['status']} already")
        return f"the refund was {refund['status']} already"
    reference = data.get("provider_ref")
    failure = _failure(data, outcome)
    if failure is None:
        sides = ledger.of_refund(payment["provider"], payment["company_id"])
        await refunds_repository.give_back(conn, refund["id"], reference, uuid7(), sides)
    else:
        await refunds_repository.fail_refund(conn, refund["id"], reference, failure[0])
        if refund["booking_due"]:
            await _warn_of_failures(conn, payment)
    log.info(
        "refund decided", refund=str(refund["id"]), status=outcome, failure=failure[0] if failure else None
    )
    return None


async def _warn_of_failures(conn: Connection, payment: Row) -> None:
    rows = await refunds_repository.refunds_of(conn, [payment["id"]])
    failures = sum(row["booking_due"] and row["status"] == rules.Status.FAILED for row in rows)
    if failures >= rules.MOST_ATTEMPTS:
        log.error("refund given up: a person has to see to it", alarm=True, payment=str(payment["id"]))


def _refuse_mismatch(ours: Row, data: Mapping[str, Any]) -> None:
    wanted = (ours["amount_minor"], ours["currency"])
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
