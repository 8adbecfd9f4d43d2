"""Refunds: of what a booking is owed, by themselves, and of what an operator gives; never more than came in.

The payment's row is locked while its refunds are summed up, so two at once cannot pass what was captured. A
refund that fails and that a booking is owed is made again, later each time; after some failures a person has
to see to it, which is logged as an alarm.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import TYPE_CHECKING, Final
from uuid import UUID

import structlog

from common.database import transaction
from common.ids import uuid7
from common.money import money, to_major, to_minor
from common.problems import Conflict, NotFound
from common.sweeps import one_by_one
from legacy.providers import find_provider
from legacy.providers.interface import Amount, NeverSeen, ProviderUnavailable
from legacy.queries import payments as queries
from legacy.queries import webhooks as inbox
from legacy.rules.payments import Status
from legacy.rules.refund_sums import Refunded, available, due_now

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from common.database import Connection, Pool
    from common.principals import Principal
    from legacy.config import Config
    from legacy.queries.payments import Row

SEND_AGAIN_AFTER: Final = timedelta(seconds=30)
LONG: Final = timedelta(minutes=2)
LATELY_S: Final = 60.0
FAILURES_MATTER: Final = timedelta(days=2)  # the pauses before all attempts are six hours
BATCH: Final = 100
PAGE: Final = 500

log = structlog.get_logger(__name__)


class NotRefundable(Conflict):
    slug, title = "not-refundable", "The payment has no money to give back"


class RefundExceedsPayment(Conflict):
    slug, title = "refund-exceeds-payment", "More than what is left of the payment"


async def make_refund(
    conn: Connection, by: Principal, payment_id: UUID, amount_minor: int | None, reason: str
) -> Row:
    """Give back some of a payment, or all that is left; the refund is pending.

    `by` is an operator or an admin. Raises NotFound, NotRefundable, or RefundExceedsPayment with what is
    available.
    """
    payment = await queries.lock_payment(conn, payment_id)
    if payment is None or not (by.is_admin or by.company_id == payment["company_id"]):
        raise NotFound
    if payment["status"] != Status.SUCCEEDED:
        raise NotRefundable(f"The payment is {payment['status']}.", reason=payment["status"])
    currency = payment["currency"]
    left = available(payment["amount"], await _refunds_of(conn, payment_id))
    amount = left if amount_minor is None else to_major(amount_minor, currency)
    if not 0 < amount <= left:
        raise RefundExceedsPayment(
            "The rest has been given back, or is on its way.",
            available=money(to_minor(left, currency), currency),
        )
    return await queries.insert_refund(conn, uuid7(), payment_id, amount, reason, booking_due=False)


async def refund_lately_due(pool: Pool) -> int:
    """Refund what bookings that were changed lately are owed: quick, however many there ever were."""
    rows = await queries.lately_owed(pool, LATELY_S, BATCH)
    return await _refund_all(pool, [row["payment_id"] for row in rows])


async def refund_again(pool: Pool) -> int:
    """Make refunds again that failed, once their pause is over."""
    return await _refund_all(pool, await queries.owed_and_failed(pool, FAILURES_MATTER))


async def refund_due_since(pool: Pool, since: datetime) -> int:
    """Go page by page through every booking that is owed something and was changed after `since`."""
    made, last = 0, UUID(int=0)
    while rows := await queries.owed_after(pool, since, last, PAGE):
        made += await _refund_all(
            pool,
            [row["payment_id"] for row in rows if row["payment_id"] and row["refund_due"] > row["due_made"]],
        )
        since, last = rows[-1]["updated_at"], rows[-1]["booking_id"]
    return made


async def send_refunds(pool: Pool, config: Config) -> int:
    """Ask the providers for refunds that they have not taken on yet; answers how many they took on."""

    async def send(refund: Row) -> bool:
        provider = find_provider(config, refund["provider"])
        try:
            reference = await provider.refund(refund["id"], refund["charge_ref"], _amount_of(refund))
        except ProviderUnavailable:
            log.warning("provider took no refund; it is asked again", refund=str(refund["id"]))
            return False
        await queries.keep_refund_reference(pool, refund["id"], reference)
        return True

    unsent = await queries.claim_unsent_refunds(pool, SEND_AGAIN_AFTER)
    return await one_by_one(unsent, send, "a refund cannot be sent", refund=itemgetter("id"))


async def ask_after_refunds(pool: Pool, config: Config) -> int:
    """Ask again about refunds that were sent and of which nothing was heard for long."""

    async def ask(refund: Row) -> bool:
        provider = find_provider(config, refund["provider"])
        try:
            event = await provider.look_up_refund(
                refund["id"], refund["payment_id"], refund["provider_ref"], _amount_of(refund)
            )
        except ProviderUnavailable:
            log.warning("provider cannot say what became of a refund", refund=str(refund["id"]))
            return False
        except NeverSeen:
            await queries.drop_refund_reference(pool, refund["id"], refund["provider_ref"])  # send it again
            return False
        return event is not None and await inbox.insert_event(pool, provider.name, event["id"], event)

    pending = await queries.claim_long_refunds(pool, LONG)
    return await one_by_one(pending, ask, "a refund cannot be asked after", refund=itemgetter("id"))


async def _refund_all(pool: Pool, payment_ids: Iterable[UUID]) -> int:
    async def refund(payment_id: UUID) -> int:
        async with transaction(pool) as conn:
            return await _refund_due(conn, payment_id)

    return await one_by_one(payment_ids, refund, "what is owed cannot be refunded", payment=str)


async def _refund_due(conn: Connection, payment_id: UUID) -> int:
    payment = await queries.lock_payment(conn, payment_id)
    if payment is None:
        return 0
    owed = await queries.get_owed(conn, payment["booking_id"])
    refunds = await _refunds_of(conn, payment_id)
    amount = due_now(payment["amount"], refunds, owed["refund_due"], datetime.now(UTC))
    if not amount:
        return 0
    reason = owed["refund_reason"] or "booking cancelled"
    await queries.insert_refund(conn, uuid7(), payment_id, amount, reason, booking_due=True)
    log.info("refund made", payment=str(payment_id), amount=str(amount), reason=reason)
    return 1


async def _refunds_of(conn: Connection, payment_id: UUID) -> list[Refunded]:
    return [
        Refunded(row["amount"], row["status"], row["booking_due"], row["updated_at"])
        for row in await queries.refunds_of(conn, [payment_id])
    ]


def _amount_of(refund: Row) -> Amount:
    amount: Decimal = refund["amount"]
    return Amount(to_minor(amount, refund["currency"]), refund["currency"])
