"""The provider that is built in: moves no money, behaves as the test cards say, and remembers nothing.

See `rules.sandbox`. Its webhooks are sent by `providers.sandbox_webhooks`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from common.problems import BadRequest
from common.wire import read_json
from legacy.providers.interface import Amount, BadSignature, Charge, Event, NeverSeen, StaleSignature
from legacy.rules.sandbox import (
    CHALLENGE,
    Behaviour,
    Reference,
    ReferenceUnknown,
    behaviour_of,
    event_of,
    read_reference,
    write_reference,
)
from legacy.rules.signatures import HEADER, SignatureBad, SignatureStale, check

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from legacy.rules.cards import Card

NAME: Final = "sandbox"
_LONGEST_ID: Final = 200


class Sandbox:
    """Answers at once, and from its references alone."""

    name = NAME

    def __init__(self, key: bytes, webhook_secrets: tuple[str, ...]) -> None:
        self._key = key
        self._webhook_secrets = webhook_secrets

    async def charge(self, payment_id: UUID, amount: Amount, card: Card) -> Charge:  # ruff: ignore[unused-method-argument] — the interface
        return self._taken(Reference("payment", payment_id, behaviour_of(card.number), datetime.now(UTC)))

    async def answer_challenge(self, payment_id: UUID, reference: str, code: str) -> Charge:  # ruff: ignore[unused-method-argument] — the interface
        return self._taken(self._read(reference).answered(code, datetime.now(UTC)))

    async def refund(self, refund_id: UUID, charge_reference: str | None, amount: Amount) -> str:  # ruff: ignore[unused-method-argument] — the interface
        try:
            charge = self._read(charge_reference or "")
        except NeverSeen:  # of another key, or none (demo data): all that is known is that it succeeded
            charge = Reference("payment", refund_id, Behaviour(), datetime.now(UTC))
        return write_reference(charge.refund(refund_id, datetime.now(UTC)), self._key)

    async def look_up_charge(self, payment_id: UUID, reference: str | None, amount: Amount) -> Event | None:
        if reference is None:
            raise NeverSeen(payment_id)
        return self.due_event(payment_id, reference, amount, datetime.now(UTC))

    async def look_up_refund(
        self, refund_id: UUID, payment_id: UUID, reference: str | None, amount: Amount
    ) -> Event | None:
        if reference is None:
            raise NeverSeen(refund_id)
        return self.due_event(payment_id, reference, amount, datetime.now(UTC))

    def read_webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Event:
        try:
            check(headers.get(HEADER), body, self._webhook_secrets, now_s=now.timestamp())
        except SignatureBad as error:
            raise BadSignature from error
        except SignatureStale as error:
            raise StaleSignature from error
        event = read_json(body)
        if not isinstance(event, dict) or not _is_name(event.get("id")) or not _is_name(event.get("type")):
            raise BadRequest("An event has an id and a type.")
        return event

    def due_event(self, payment_id: UUID, reference: str, amount: Amount, now: datetime) -> Event | None:
        """What is to be told of a charge or refund now, if anything; raises NeverSeen."""
        known = self._read(reference)
        if now < known.due_at:
            return None
        return event_of(
            known, reference, payment_id=payment_id, amount_minor=amount.minor, currency=amount.currency
        )

    def due_at(self, reference: str) -> datetime:
        """When the outcome of a charge or refund is told."""
        return self._read(reference).due_at

    def deliveries(self, reference: str) -> int:
        """How often each event of a charge is told."""
        return self._read(reference).behaviour.deliveries

    def _read(self, reference: str) -> Reference:
        try:
            return read_reference(reference, self._key)
        except ReferenceUnknown as error:
            raise NeverSeen(reference[:20]) from error

    def _taken(self, reference: Reference) -> Charge:
        challenge = reference.behaviour.outcome == CHALLENGE
        return Charge(write_reference(reference, self._key), "challenge" if challenge else None)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_ID
