"""The wire of payments, refunds and the ledger. No error repeats what was typed into a card's fields."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from marshmallow import fields, post_load, validate, validates_schema
from marshmallow.exceptions import ValidationError

from common.money import money
from common.schemas import Currency, IdField, Instant, Integer, ListQuery, Money, StrictSchema, Text
from services.payment.domain import payments as rules
from services.payment.domain import refunds as refund_rules
from services.payment.domain.cards import Card, plain_number, why_bad_cvc, why_bad_expiry, why_bad_number
from services.payment.providers import NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from services.payment.repository.payments import Row

CENTURY = 2000
PAYMENT_STATUS = validate.OneOf([each.value for each in rules.Status])
REFUND_STATUS = validate.OneOf([each.value for each in refund_rules.Status])
_EXPIRY = re.compile(r"\s*(0?[1-9]|1[0-2])\s*[/-]\s*((?:20)?[0-9]{2})\s*")

Errors = dict[str, list[str]]


class NewPayment(StrictSchema):
    booking_id = IdField(required=True)
    provider = fields.String(load_default=NAMES[0], validate=validate.OneOf(NAMES))


class CardDetails(StrictSchema):
    """Loads as a `Card`."""

    number = fields.String(required=True, metadata={"description": "Blanks and hyphens are allowed."})
    exp_month = Integer(required=True, minimum=1, maximum=12)
    exp_year = Integer(
        required=True, minimum=0, maximum=9999, metadata={"description": "Two or four digits."}
    )
    cvc = fields.String(required=True)
    name = Text(load_default=None, allow_none=True, longest=100)

    @validates_schema(skip_on_field_errors=True)
    @staticmethod
    def is_good(data: dict[str, Any], **_: Any) -> None:
        errors = card_errors(data["number"], data["exp_month"], data["exp_year"], data["cvc"])
        if errors:
            raise ValidationError(errors)

    @post_load
    def read(self, data: dict[str, Any], **_: Any) -> Card:  # ruff: ignore[no-self-use] — marshmallow calls it as a method
        return Card(
            plain_number(data["number"]),
            data["exp_month"],
            full_year(data["exp_year"]),
            data["cvc"],
            data["name"],
        )


class Confirmation(StrictSchema):
    """A card, or the code that the card's bank asked for."""

    card = fields.Nested(CardDetails)
    challenge_code = Text(longest=20)

    @validates_schema(skip_on_field_errors=True)
    @staticmethod
    def is_one(data: dict[str, Any], **_: Any) -> None:
        if len(data) != 1:
            raise ValidationError("Send either a card or a code.", "card")


class CardForm(StrictSchema):
    """The checkout page's card, as people write it."""

    number = fields.String(load_default="")
    expiry = fields.String(load_default="")
    cvc = fields.String(load_default="")
    name = Text(load_default=None, allow_none=True, shortest=0, longest=100)

    @validates_schema
    @staticmethod
    def is_good(data: dict[str, Any], **_: Any) -> None:
        month, year = read_expiry(data["expiry"]) or (None, None)
        errors = {
            {"exp_month": "expiry", "exp_year": "expiry"}.get(name, name): messages
            for name, messages in card_errors(data["number"], month, year, data["cvc"]).items()
        }
        if errors:
            raise ValidationError(errors)

    @post_load
    def read(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:  # ruff: ignore[no-self-use] — marshmallow calls it as a method
        month, year = read_expiry(data["expiry"]) or (0, 0)
        return {"card": Card(plain_number(data["number"]), month, year, data["cvc"].strip(), data["name"])}


class ChallengeForm(StrictSchema):
    code = Text(required=True, longest=20)


class NewCheckout(StrictSchema):
    booking_id = IdField(required=True)


class Cancellation(StrictSchema):
    """Nothing is said of it."""


class Acknowledged(StrictSchema):
    """Nothing is said of it."""


class NewRefund(StrictSchema):
    amount = Money(load_default=None, allow_none=True, minimum=1)
    reason = Text(required=True, longest=200)


class PaymentQuery(ListQuery):
    booking_id = IdField(load_default=None)


class LedgerQuery(ListQuery):
    account = Text(load_default=None, longest=100)
    payment_id = IdField(load_default=None)


class NextAction(StrictSchema):
    type = fields.String(required=True, validate=validate.Equal("challenge"))
    url = fields.String(required=True)


class Failure(StrictSchema):
    code = fields.String(required=True)
    message = fields.String(required=True)


class Method(StrictSchema):
    brand = fields.String(required=True)
    last4 = fields.String(required=True)


class Refund(StrictSchema):
    id = IdField(required=True)
    payment_id = IdField(required=True)
    amount = Money(required=True)
    status = fields.String(required=True, validate=REFUND_STATUS)
    reason = fields.String(required=True)
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class Payment(StrictSchema):
    id = IdField(required=True)
    booking_id = IdField(required=True)
    provider = fields.String(required=True, validate=validate.OneOf(NAMES))
    status = fields.String(required=True, validate=PAYMENT_STATUS)
    amount = Money(required=True)
    refunded = Money(required=True, metadata={"description": "What has gone back; not what is on its way."})
    next_action = fields.Nested(NextAction, required=True, allow_none=True)
    failure = fields.Nested(Failure, required=True, allow_none=True)
    method = fields.Nested(Method, required=True, allow_none=True)
    checkout_url = fields.String(required=True)
    created_at = Instant(required=True)
    updated_at = Instant(required=True)
    refunds = fields.List(fields.Nested(Refund), required=True)


class PaymentPage(StrictSchema):
    items = fields.List(fields.Nested(Payment), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class LedgerAccount(StrictSchema):
    account = fields.String(required=True)
    currency = Currency(required=True)
    debit = Integer(required=True)
    credit = Integer(required=True)
    balance = Integer(required=True)


class LedgerEntry(StrictSchema):
    id = IdField(required=True)
    at = Instant(required=True)
    debit = fields.String(required=True)
    credit = fields.String(required=True)
    amount = Money(required=True)
    payment_id = IdField(required=True, allow_none=True)
    refund_id = IdField(required=True, allow_none=True)
    reverses = IdField(required=True, allow_none=True)
    memo = fields.String(required=True)


class Ledger(StrictSchema):
    trial_balance = fields.List(Money(), required=True)
    accounts = fields.List(fields.Nested(LedgerAccount), required=True)
    items = fields.List(fields.Nested(LedgerEntry), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


def card_errors(number: str, month: int | None, year: int | None, cvc: str) -> Errors:
    """What is wrong with a card, by field; without a month and a year, the expiry could not be read."""
    number = plain_number(number)
    errors = {
        "number": why_bad_number(number),
        "exp_month": "Write month and year, as 08/30.",
        "cvc": why_bad_cvc(number, cvc.strip()),
    }
    if month is not None and year is not None:
        errors["exp_month"] = why_bad_expiry(month, full_year(year), datetime.now(UTC).date())
    return {name: [message] for name, message in errors.items() if message}


def read_expiry(typed: str) -> tuple[int, int] | None:
    """`8/30` or `08 / 2030` as month and full year."""
    found = _EXPIRY.fullmatch(typed)
    return (int(found[1]), full_year(int(found[2]))) if found else None


def full_year(year: int) -> int:
    return year + CENTURY if year < 100 else year


def payment_wire(payment: Row, refunds: Iterable[Row], public_url: str) -> dict[str, Any]:
    """A payment with its own refunds among those given."""
    payment_id, currency = payment["id"], payment["currency"]
    own = [refund_wire(row) for row in refunds if row["payment_id"] == payment_id]
    checkout_url = f"{public_url}/checkout/{payment_id}"
    challenge = {"type": "challenge", "url": checkout_url} if payment["next_action"] else None
    failure = {"code": payment["failure_code"], "message": payment["failure"]}
    method = {"brand": payment["card_brand"], "last4": payment["card_last4"]}
    return {
        "id": payment_id,
        "booking_id": payment["booking_id"],
        "provider": payment["provider"],
        "status": payment["status"],
        "amount": money(payment["amount_minor"], currency),
        "refunded": money(_sum_succeeded(own), currency),
        "next_action": challenge,
        "failure": failure if payment["failure_code"] else None,
        "method": method if payment["card_last4"] else None,
        "checkout_url": checkout_url,
        "created_at": payment["created_at"],
        "updated_at": payment["updated_at"],
        "refunds": own,
    }


def refund_wire(refund: Row) -> dict[str, Any]:
    return {
        "id": refund["id"],
        "payment_id": refund["payment_id"],
        "amount": money(refund["amount_minor"], refund["currency"]),
        "status": refund["status"],
        "reason": refund["reason"],
        "created_at": refund["created_at"],
        "updated_at": refund["updated_at"],
    }


def entry_wire(entry: Row) -> dict[str, Any]:
    return {
        "id": entry["id"],
        "at": entry["at"],
        "debit": entry["debit"],
        "credit": entry["credit"],
        "amount": money(entry["amount_minor"], entry["currency"]),
        "payment_id": entry["payment_id"],
        "refund_id": entry["refund_id"],
        "reverses": entry["reverses"],
        "memo": entry["memo"],
    }


def _sum_succeeded(refunds: Iterable[Mapping[str, Any]]) -> int:
    return sum(
        refund["amount"]["amount"] for refund in refunds if refund["status"] == refund_rules.Status.SUCCEEDED
    )
