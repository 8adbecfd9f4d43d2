"""Payments: made for a held booking, charged once, decided by what the provider tells.

The provider is asked between two statements and never inside a transaction: the first records that it is
about to be asked, the second under which name it took the charge on. If we die in between, the payment stays
`processing` and `ask_after` finds out what became of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

import structlog

from common.database import transaction
from common.ids import uuid7
from common.problems import Conflict, NotFound
from common.sweeps import one_by_one
from services.payment.domain.payments import Move, Status, after, why_not_payable
from services.payment.errors import NotCancellable, NotConfirmable, NotPayable
from services.payment.providers import find_provider
from services.payment.providers.interface import Amount, NeverSeen, ProviderUnavailable
from services.payment.repository import inbox, mirrors
from services.payment.repository import payments as repository
from services.payment.service.bookings import Booking, OwnerToAsk, booking_of, find_booking

if TYPE_CHECKING:
    from uuid import UUID

    from common.database import Connection, Pool
    from common.principals import Principal
    from services.payment.domain.cards import Card
    from services.payment.providers import Providers
    from services.payment.providers.interface import Charge
    from services.payment.repository.payments import Row
    from services.payment.service.bookings import Asked, Read

LONG: Final = timedelta(minutes=2)
CHALLENGE_LONG: Final = timedelta(minutes=16)
IDLE_BATCH: Final = 200
_MOST_TRIES: Final = 5

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Made:
    """A payment for a booking, and whether it is a new one."""

    payment: Row
    is_new: bool


async def make_payment(
    conn: Connection, by: Principal, booking_id: UUID, provider: str, asked: Asked | None
) -> Made:
    """A payment for the whole booking, or the one that is open already.

    Raises NotFound, NotPayable; or OwnerToAsk unless the booking's owner has been `asked`.
    """
    if asked is None:
        payment = await repository.insert_for_held(conn, uuid7(), booking_id, by.user_id, provider)
        if payment is not None:
            return Made(payment, is_new=True)
    booking = await _booking_of(conn, booking_id, asked)
    if booking.user_id != by.user_id:
        raise NotFound
    reason = _why_not_payable(booking)
    if reason is None and not booking.total_minor:
        reason = "paid"
    if reason is not None:
        _refuse(NotPayable(f"The booking is {reason}.", reason=reason), booking_id, asked)
    for _ in range(_MOST_TRIES):  # the standing one may end between the two statements
        payment = await repository.get_standing_payment(conn, booking_id)
        if payment is not None and payment["status"] == Status.SUCCEEDED:
            raise NotPayable("The booking is paid.", reason="paid")
        if payment is not None:
            return Made(payment, is_new=False)
        payment = await repository.insert_payment(
            conn,
            uuid7(),
            booking_id=booking_id,
            user_id=booking.user_id,
            company_id=booking.company_id,
            provider=provider,
            amount_minor=booking.total_minor,
            currency=booking.currency,
        )
        if payment is not None:
            return Made(payment, is_new=True)
    raise Conflict("The booking's payments are changing at this moment; try again.")


async def charge_card(
    pool: Pool, providers: Providers, by: Principal, payment_id: UUID, card: Card, asked: Asked | None
) -> Row:
    """Ask the provider for the money; the payment is `processing`, and an event decides it.

    Raises NotFound, NotConfirmable with the reason; or OwnerToAsk unless the booking's owner was `asked`.
    """
    payment = await _start_processing(pool, by, payment_id, card, asked)
    provider = find_provider(providers, payment["provider"])
    try:
        charge = await provider.charge(payment_id, amount_of(payment), card)
    except ProviderUnavailable:
        log.warning("provider did not answer; it is asked again later", payment=str(payment_id))
        return payment
    return await _keep(pool, payment, charge)


async def answer_challenge(
    pool: Pool, providers: Providers, by: Principal, payment_id: UUID, code: str
) -> Row:
    """Give the provider the code that it asked the passenger for; raises NotFound, NotConfirmable."""
    payment = await _find_own(pool, by, payment_id)
    if payment["status"] != Status.PROCESSING or payment["next_action"] != "challenge":
        raise NotConfirmable("No code is asked for.", reason=payment["status"])
    provider = find_provider(providers, payment["provider"])
    try:
        charge = await provider.answer_challenge(payment_id, payment["provider_ref"], code)
    except ProviderUnavailable:
        raise NotConfirmable("The bank does not answer; try again.", reason="provider") from None
    return await _keep(pool, payment, charge)


async def cancel_payment(pool: Pool, by: Principal, payment_id: UUID) -> Row:
    """Close a payment that no card was given for; one that is closed stays so.

    Raises NotFound, NotCancellable.
    """
    async with transaction(pool) as conn:
        payment = await repository.lock_payment(conn, payment_id)
        if payment is None or payment["user_id"] != by.user_id:
            raise NotFound
        if payment["status"] == Status.CANCELLED:
            return payment
        status = after(Status(payment["status"]), Move.CANCEL)
        if status is None:
            raise NotCancellable(f"The payment is {payment['status']}.", reason=payment["status"])
        return await repository.settle(conn, payment_id, status, None, None)


async def find_payment(pool: Pool, by: Principal, payment_id: UUID) -> Row:
    """The payment, for who made it and the company's operators; raises NotFound."""
    payment = await repository.get_payment(pool, payment_id)
    if payment is None or not may_see(by, payment["user_id"], payment["company_id"]):
        raise NotFound
    return payment


async def list_payments(
    pool: Pool, read: Read, by: Principal, booking_id: UUID | None, before: UUID | None, limit: int
) -> list[Row]:
    """A booking's payments, or one's own; newest first. Raises NotFound."""
    if booking_id is None:
        return await repository.list_of_user(pool, by.user_id, before, limit)
    rows = await repository.list_of_booking(pool, booking_id, before, limit)
    if rows:
        allowed = may_see(by, rows[0]["user_id"], rows[0]["company_id"])
    else:
        booking = await find_booking(pool, read, booking_id)
        allowed = booking is not None and may_see(by, booking.user_id, booking.company_id)
    if not allowed:
        raise NotFound
    return rows


async def find_checkout(pool: Pool, read: Read, by: Principal, payment_id: UUID) -> Row:
    """A payment of one's own with its booking; raises NotFound."""
    payment = await repository.get_checkout(pool, payment_id)
    if payment is None or payment["user_id"] != by.user_id:
        raise NotFound
    if payment["reference"] is None:
        if await find_booking(pool, read, payment["booking_id"]) is None:
            raise NotFound
        payment = await repository.get_checkout(pool, payment_id)
    return payment


async def close_idle(pool: Pool) -> int:
    """Cancel payments that wait for a card in vain, so that their booking's next one has room."""
    return await repository.cancel_idle(pool, IDLE_BATCH)


async def ask_after(pool: Pool, providers: Providers) -> int:
    """Ask the provider again about payments that it has said nothing of for long; answers what was found out.

    What it says goes the way of a webhook. What it never saw has failed: no money was moved.
    """

    async def ask(payment: Row) -> int:
        provider = find_provider(providers, payment["provider"])
        try:
            event = await provider.look_up_charge(payment["id"], payment["provider_ref"], amount_of(payment))
        except NeverSeen:
            return await _fail_uncharged(pool, payment)
        except ProviderUnavailable:
            log.warning("provider cannot say what became of a payment", payment=str(payment["id"]))
            return False
        return event is not None and await inbox.insert_event(pool, provider.name, event["id"], event)

    silent = await repository.claim_long_processing(pool, LONG, CHALLENGE_LONG)
    return await one_by_one(silent, ask, "a payment cannot be asked after", payment=itemgetter("id"))


def amount_of(row: Row) -> Amount:
    return Amount(row["amount_minor"], row["currency"])


def may_see(by: Principal, user_id: UUID, company_id: UUID) -> bool:
    """Whoever pays, the company's operators, and admins."""
    return by.user_id == user_id or by.is_admin or (by.role == "operator" and by.company_id == company_id)


async def _start_processing(
    pool: Pool, by: Principal, payment_id: UUID, card: Card, asked: Asked | None
) -> Row:
    if asked is None:
        payment = await repository.start_for_held(pool, payment_id, by.user_id, card.brand, card.last4)
        if payment is not None:
            return payment
    payment = await _find_own(pool, by, payment_id)
    _refuse_unless_chargeable(payment)
    booking = await _booking_of(pool, payment["booking_id"], asked)
    reason = _why_not_payable(booking)
    if reason is not None:
        _refuse(NotConfirmable(f"The booking is {reason}.", reason=reason), booking.id, asked)
    started = await repository.start_processing(pool, payment_id, card.brand, card.last4)
    if started is None:  # somebody was quicker
        payment = await _find_own(pool, by, payment_id)
        _refuse_unless_chargeable(payment)
    return started


def _refuse_unless_chargeable(payment: Row) -> None:
    if after(Status(payment["status"]), Move.CHARGE) is None:
        hint = "It waits for a code." if payment["next_action"] else f"The payment is {payment['status']}."
        raise NotConfirmable(hint, reason=payment["status"])


async def _booking_of(conn: Connection, booking_id: UUID, asked: Asked | None) -> Booking:
    if asked is None:
        row = await mirrors.get_booking(conn, booking_id)
        if row is None:
            raise OwnerToAsk(booking_id)
        return booking_of(row)
    if asked.booking is None:
        raise NotFound
    return asked.booking


def _refuse(refusal: Conflict, booking_id: UUID, asked: Asked | None) -> None:
    """Refuse by what the owner said; by what is mirrored alone nobody is."""
    if asked is None:
        raise OwnerToAsk(booking_id, refusal)
    raise refusal


def _why_not_payable(booking: Booking) -> str | None:
    now = datetime.now(UTC)
    return why_not_payable(booking.status, booking.expires_at or now, now)


async def _find_own(pool: Pool, by: Principal, payment_id: UUID) -> Any:
    payment = await repository.get_payment(pool, payment_id)
    if payment is None or payment["user_id"] != by.user_id:
        raise NotFound
    return payment


async def _keep(pool: Pool, payment: Row, charge: Charge) -> Row:
    kept = await repository.keep_reference(
        pool, payment["id"], payment["provider_ref"], charge.reference, charge.next_action
    )
    return kept if kept is not None else await repository.get_payment(pool, payment["id"])


async def _fail_uncharged(pool: Pool, claimed: Row) -> int:
    async with transaction(pool) as conn:
        payment = await repository.lock_payment(conn, claimed["id"])
        if payment is None or payment["provider_ref"] != claimed["provider_ref"]:
            return 0  # it was on its way after all
        status = after(Status(payment["status"]), Move.FAIL)
        if status is None:
            return 0
        failure = ("not_charged", "The bank was not reached; nothing was charged.")
        await repository.settle(conn, payment["id"], status, None, failure)
        log.warning("payment never reached its provider", payment=str(payment["id"]))
        return 1
