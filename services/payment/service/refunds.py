"""Refunds: of what a booking is owed, by themselves, and of what an operator gives; never more than came in.

The payment's row is locked while its refunds are summed up, so two at once cannot pass what was captured. A
refund that fails and that a booking is owed is made again, later each time; after some failures a person has
to see to it, which is logged as an alarm.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import structlog

from common.database import transaction
from common.ids import uuid7
from common.money import money
from common.problems import NotFound, ValidationFailed
from common.sweeps import one_by_one
from services.payment.domain.payments import Status
from services.payment.domain.refunds import Refunded, available, due_now
from services.payment.errors import NotRefundable, RefundExceedsPayment
from services.payment.providers import find_provider
from services.payment.providers.interface import NeverSeen, ProviderUnavailable
from services.payment.repository import inbox, mirrors
from services.payment.repository import payments as payments_repository
from services.payment.repository import refunds as repository
from services.payment.service.payments import amount_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from common.database import Connection, Pool
    from common.principals import Principal
    from services.payment.providers import Providers
    from services.payment.repository.refunds import Row

SEND_AGAIN_AFTER: Final = timedelta(seconds=30)
LONG: Final = timedelta(minutes=2)
FAILURES_MATTER: Final = timedelta(days=2)  # the pauses before all attempts are six hours
BATCH: Final = 100
PAGE: Final = 500

log = structlog.get_logger(__name__)


async def make_refund(
    conn: Connection, by: Principal, payment_id: UUID, wanted: Mapping[str, Any] | None, reason: str
) -> Row:
    """Give back some of a payment, or all that is left; the refund is pending.

    `by` is an operator or an admin, `wanted` money. Raises NotFound, ValidationFailed for a foreign currency,
    NotRefundable, or RefundExceedsPayment with what is available.
    """
    payment = await payments_repository.lock_payment(conn, payment_id)
    if payment is None or not (by.is_admin or by.company_id == payment["company_id"]):
        raise NotFound
    currency = payment["currency"]
    if wanted is not None and wanted["currency"] != currency:
        raise ValidationFailed({"amount.currency": [f"The payment is in {currency}."]})
    if payment["status"] != Status.SUCCEEDED:
        raise NotRefundable(f"The payment is {payment['status']}.", reason=payment["status"])
    left = available(payment["amount_minor"], await _refunds_of(conn, payment_id))
    amount_minor = left if wanted is None else wanted["amount"]
    if not 0 < amount_minor <= left:
        raise RefundExceedsPayment(
            "The rest has been given back, or is on its way.", available=money(left, currency)
        )
    return await repository.insert_refund(conn, uuid7(), payment, amount_minor, reason, booking_due=False)


async def refund_lately_due(pool: Pool) -> int:
    """Refund what bookings are owed as was noted lately: quick, however many there ever were."""
    return await _refund_all(pool, await repository.lately_owed(pool, BATCH))


async def refund_again(pool: Pool) -> int:
    """Make refunds again that failed, once their pause is over."""
    return await _refund_all(pool, await repository.owed_and_failed(pool, FAILURES_MATTER))


async def refund_due_since(pool: Pool, since: datetime) -> int:
    """Go page by page through every booking that is owed something as was noted after `since`."""
    made, last = 0, UUID(int=0)
    while rows := await repository.owed_after(pool, since, last, PAGE):
        made += await _refund_all(
            pool,
            [
                row["payment_id"]
                for row in rows
                if row["payment_id"] and row["refund_due_minor"] > row["due_made"]
            ],
        )
        since, last = rows[-1]["noted_at"], rows[-1]["booking_id"]
    return made


async def send_refunds(pool: Pool, providers: Providers) -> int:
    """Ask the providers for refunds that they have not taken on yet; answers how many they took on."""

    async def send(refund: Row) -> bool:
        provider = find_provider(providers, refund["provider"])
        try:
            reference = await provider.refund(refund["id"], refund["charge_ref"], amount_of(refund))
        except ProviderUnavailable:
            log.warning("provider took no refund; it is asked again", refund=str(refund["id"]))
            return False
        await repository.keep_reference(pool, refund["id"], reference)
        return True

    unsent = await repository.claim_unsent(pool, SEND_AGAIN_AFTER)
    return await one_by_one(unsent, send, "a refund cannot be sent", refund=itemgetter("id"))


async def ask_after_refunds(pool: Pool, providers: Providers) -> int:
    """Ask again about refunds that were sent and of which nothing was heard for long."""

    async def ask(refund: Row) -> bool:
        provider = find_provider(providers, refund["provider"])
        try:
            event = await provider.look_up_refund(
                refund["id"], refund["payment_id"], refund["provider_ref"], amount_of(refund)
            )
        except ProviderUnavailable:
            log.warning("provider cannot say what became of a refund", refund=str(refund["id"]))
            return False
        except NeverSeen:
            await repository.drop_reference(pool, refund["id"], refund["provider_ref"])  # send it again
            return False
        return event is not None and await inbox.insert_event(pool, provider.name, event["id"], event)

    pending = await repository.claim_long_pending(pool, LONG)
    return await one_by_one(pending, ask, "a refund cannot be asked after", refund=itemgetter("id"))


async def _refund_all(pool: Pool, payment_ids: Iterable[UUID]) -> int:
    async def refund(payment_id: UUID) -> int:
        async with transaction(pool) as conn:
            return await _refund_due(conn, payment_id)

    return await one_by_one(payment_ids, refund, "what is owed cannot be refunded", payment=str)


async def _refund_due(conn: Connection, payment_id: UUID) -> int:
    payment = await payments_repository.lock_payment(conn, payment_id)
    if payment is None or payment["status"] != Status.SUCCEEDED:
        return 0
    owed = await mirrors.get_owed(conn, payment["booking_id"])
    if owed is None:
        return 0
    refunds = await _refunds_of(conn, payment_id)
    amount_minor = due_now(payment["amount_minor"], refunds, owed["refund_due_minor"], datetime.now(UTC))
    if not amount_minor:
        return 0
    reason = owed["refund_reason"] or "booking cancelled"
    await repository.insert_refund(conn, uuid7(), payment, amount_minor, reason, booking_due=True)
    log.info("refund made", payment=str(payment_id), amount_minor=amount_minor, reason=reason)
    return 1


async def _refunds_of(conn: Connection, payment_id: UUID) -> list[Refunded]:
    return [
        Refunded(row["amount_minor"], row["status"], row["booking_due"], row["updated_at"])
        for row in await repository.refunds_of(conn, [payment_id])
    ]
