"""Payments: made for a held booking, charged once, decided by what the provider tells.

The provider is asked between two transactions and never inside one: the first records that it is about to be
asked, the second under which name it took the charge on. If we die in between, the payment stays `processing`
and `ask_after` finds out what became of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

import structlog

from common.database import transaction
from common.ids import uuid7
from common.money import to_minor
from common.problems import Conflict, NotFound, ValidationFailed
from common.sweeps import one_by_one
from legacy.providers import find_provider
from legacy.providers.interface import Amount, NeverSeen, ProviderUnavailable
from legacy.queries import payments as queries
from legacy.queries import webhooks as inbox
from legacy.rules.payments import Move, Status, after, why_not_payable

if TYPE_CHECKING:
    from uuid import UUID

    from common.database import Connection, Pool
    from common.principals import Principal
    from legacy.config import Config
    from legacy.providers.interface import Charge
    from legacy.queries.payments import Row
    from legacy.rules.cards import Card

LONG: Final = timedelta(minutes=2)
CHALLENGE_LONG: Final = timedelta(minutes=16)
IDLE_BATCH: Final = 200
_MOST_TRIES: Final = 5

log = structlog.get_logger(__name__)


class NotPayable(Conflict):
    slug, title = "not-payable", "The booking takes no payment"


class NotConfirmable(Conflict):
    slug, title = "not-confirmable", "The payment cannot be confirmed"


class NotCancellable(Conflict):
    slug, title = "not-cancellable", "The payment cannot be cancelled any more"


@dataclass(frozen=True, slots=True)
class Made:
    """A payment for a booking, and whether it is a new one."""

    payment: Row
    is_new: bool


async def make_payment(conn: Connection, by: Principal, booking_id: UUID, provider: str) -> Made:
    """A payment for the whole booking, or the one that is open already; raises NotFound, NotPayable."""
    booking = await queries.get_payable(conn, booking_id)
    if booking is None or booking["user_id"] != by.user_id:
        raise NotFound
    reason = why_not_payable(booking["status"], booking["expires_at"], datetime.now(UTC))
    if reason is None and not booking["total"]:
        reason = "paid"
    if reason is not None:
        raise NotPayable(f"The booking is {reason}.", reason=reason)
    for _ in range(_MOST_TRIES):  # the standing one may end between the two statements
        payment = await queries.insert_payment(conn, uuid7(), booking, provider)
        if payment is not None:
            return Made(payment, is_new=True)
        payment = await queries.get_standing_payment(conn, booking_id)
        if payment is not None and payment["status"] == Status.SUCCEEDED:
            raise NotPayable("The booking is paid.", reason="paid")
        if payment is not None:
            return Made(payment, is_new=False)
    raise Conflict("The booking's payments are changing at this moment; try again.")


async def charge_card(pool: Pool, config: Config, by: Principal, payment_id: UUID, card: Card) -> Row:
    """Ask the provider for the money; the payment is `processing`, and an event decides it.

    Raises NotFound, or NotConfirmable with the reason.
    """
    async with transaction(pool) as conn:
        payment = await _lock_own(conn, by, payment_id)
        _refuse_unless_chargeable(payment, await queries.get_payable(conn, payment["booking_id"]))
        payment = await queries.start_processing(conn, payment_id, card.brand, card.last4)
    provider = find_provider(config, payment["provider"])
    try:
        charge = await provider.charge(payment_id, amount_of(payment), card)
    except ProviderUnavailable:
        log.warning("provider did not answer; it is asked again later", payment=str(payment_id))
        return payment
    return await _keep(pool, payment, charge)


async def answer_challenge(pool: Pool, config: Config, by: Principal, payment_id: UUID, code: str) -> Row:
    """Give the provider the code that it asked the passenger for; raises NotFound, NotConfirmable."""
    payment = await queries.get_payment(pool, payment_id)
    if payment is None or payment["user_id"] != by.user_id:
        raise NotFound
    if payment["status"] != Status.PROCESSING or payment["next_action"] != "challenge":
        raise NotConfirmable("No code is asked for.", reason=payment["status"])
    provider = find_provider(config, payment["provider"])
    try:
        charge = await provider.answer_challenge(payment_id, payment["provider_ref"], code)
    except ProviderUnavailable:
        raise NotConfirmable("The bank does not answer; try again.", reason="provider") from None
    return await _keep(pool, payment, charge)


async def cancel_payment(conn: Connection, by: Principal, payment_id: UUID) -> Row:
    """Close a payment that no card was given for; one that is closed stays so. Raises NotCancellable."""
    payment = await _lock_own(conn, by, payment_id)
    if payment["status"] == Status.CANCELLED:
        return payment
    status = after(Status(payment["status"]), Move.CANCEL)
    if status is None:
        raise NotCancellable(f"The payment is {payment['status']}.", reason=payment["status"])
    return await queries.settle(conn, payment_id, status, None, None)


async def find_payment(pool: Pool, by: Principal, payment_id: UUID) -> Row:
    """The payment, for who made it and the company's operators; raises NotFound."""
    payment = await queries.get_payment(pool, payment_id)
    if payment is None or not may_see(by, payment["user_id"], payment["company_id"]):
        raise NotFound
    return payment


async def list_payments(
    pool: Pool, by: Principal, booking_id: UUID | None, before: UUID | None, limit: int
) -> list[Row]:
    """A booking's payments, or one's own; newest first. Raises NotFound."""
    if booking_id is None:
        return await queries.list_of_user(pool, by.user_id, before, limit)
    booking = await queries.get_payable(pool, booking_id)
    if booking is None or not may_see(by, booking["user_id"], booking["company_id"]):
        raise NotFound
    return await queries.list_of_booking(pool, booking_id, before, limit)


async def close_idle(pool: Pool) -> int:
    """Cancel payments that wait for a card in vain, so that their booking's next one has room."""
    async with transaction(pool) as conn:
        return await queries.cancel_idle(conn, IDLE_BATCH)


async def ask_after(pool: Pool, config: Config) -> int:
    """Ask the provider again about payments that it has said nothing of for long; answers what was found out.

    What it says goes the way of a webhook. What it never saw has failed: no money was moved.
    """

    async def ask(payment: Row) -> int:
        provider = find_provider(config, payment["provider"])
        try:
            event = await provider.look_up_charge(payment["id"], payment["provider_ref"], amount_of(payment))
        except NeverSeen:
            return await _fail_uncharged(pool, payment)
        except ProviderUnavailable:
            log.warning("provider cannot say what became of a payment", payment=str(payment["id"]))
            return False
        return event is not None and await inbox.insert_event(pool, provider.name, event["id"], event)

    silent = await queries.claim_long_processing(pool, LONG, CHALLENGE_LONG)
    return await one_by_one(silent, ask, "a payment cannot be asked after", payment=itemgetter("id"))


def amount_of(payment: Row) -> Amount:
    return Amount(to_minor(payment["amount"], payment["currency"]), payment["currency"])


def may_see(by: Principal, user_id: UUID, company_id: UUID) -> bool:
    """Whoever pays, the company's operators, and admins."""
    return by.user_id == user_id or by.is_admin or (by.role == "operator" and by.company_id == company_id)


def check_amount(wanted: dict[str, Any] | None, currency: str) -> int | None:
    """The minor units of an amount that somebody asks for; raises ValidationFailed for a foreign currency."""
    if wanted is None:
        return None
    if wanted["currency"] != currency:
        raise ValidationFailed({"amount.currency": [f"The payment is in {currency}."]})
    return int(wanted["amount"])


async def _lock_own(conn: Connection, by: Principal, payment_id: UUID) -> Row:
    payment = await queries.lock_payment(conn, payment_id)
    if payment is None or payment["user_id"] != by.user_id:
        raise NotFound
    return payment


def _refuse_unless_chargeable(payment: Row, booking: Row) -> None:
    if after(Status(payment["status"]), Move.CHARGE) is None:
        hint = "It waits for a code." if payment["next_action"] else f"The payment is {payment['status']}."
        raise NotConfirmable(hint, reason=payment["status"])
    reason = why_not_payable(booking["status"], booking["expires_at"], datetime.now(UTC))
    if reason is not None:
        raise NotConfirmable(f"The booking is {reason}.", reason=reason)


async def _keep(pool: Pool, payment: Row, charge: Charge) -> Row:
    async with transaction(pool) as conn:
        kept = await queries.keep_reference(
            conn, payment["id"], payment["provider_ref"], charge.reference, charge.next_action
        )
        return kept if kept is not None else await queries.get_payment(conn, payment["id"])


async def _fail_uncharged(pool: Pool, claimed: Row) -> int:
    async with transaction(pool) as conn:
        payment = await queries.lock_payment(conn, claimed["id"])
        if payment is None or payment["provider_ref"] != claimed["provider_ref"]:
            return 0  # it was on its way after all
        status = after(Status(payment["status"]), Move.FAIL)
        if status is None:
            return 0
        failure = ("not_charged", "The bank was not reached; nothing was charged.")
        await queries.settle(conn, payment["id"], status, None, failure)
        log.warning("payment never reached its provider", payment=str(payment["id"]))
        return 1
