"""The sandbox provider's memory: none. All that it has to remember of a charge is in its reference.

A reference is a signed text that says what will come of it, when, and how often it is told. So nothing is
lost when a process dies, and whoever has the key can go on with it. Rules without I/O.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import UUID

import orjson

from common.instants import format_instant

if TYPE_CHECKING:
    from collections.abc import Mapping

SUCCEEDED: Final = "succeeded"
CHALLENGE: Final = "challenge"
CHALLENGE_CODE: Final = "123456"
CHALLENGE_EXPIRES: Final = timedelta(minutes=15)

MESSAGES: Final[Mapping[str, str]] = {
    "card_declined": "The card was declined.",
    "insufficient_funds": "The card has insufficient funds.",
    "challenge_failed": "The code was not right.",
    "challenge_expired": "The code was not entered in time.",
    "refund_failed": "The bank did not take the money back.",
}
_PREFIX: Final = "sbx1"
_MAC_SIZE: Final = 16


class ReferenceUnknown(ValueError):  # ruff: ignore[error-suffix-on-exception-name] — the fact
    """The sandbox did not make this reference, or not with this key."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a test card does."""

    outcome: str = SUCCEEDED
    delay_s: int = 0
    deliveries: int = 1
    refunds_fail: bool = False


CARDS: Final[Mapping[str, Behaviour]] = {
    "4242424242424242": Behaviour(),
    "4000000000000002": Behaviour("card_declined"),
    "4000000000009995": Behaviour("insufficient_funds"),
    "4000000000003220": Behaviour(CHALLENGE),
    "4000000000000077": Behaviour(delay_s=3),
    "4000000000000259": Behaviour(deliveries=3),
    "4000000000000341": Behaviour(refunds_fail=True),
}
OTHER_CARDS: Final = Behaviour("card_declined")


@dataclass(frozen=True, slots=True)
class Reference:
    """A charge or a refund, as the sandbox knows it."""

    kind: Literal["payment", "refund"]
    subject: UUID
    behaviour: Behaviour
    made_at: datetime

    @property
    def due_at(self) -> datetime:
        """When the outcome is told. An unanswered challenge fails by then."""
        waits = CHALLENGE_EXPIRES if self.behaviour.outcome == CHALLENGE else timedelta()
        return self.made_at + waits + timedelta(seconds=self.behaviour.delay_s)

    @property
    def failure(self) -> str | None:
        """The code of the failure that comes of it, if one does."""
        outcome = self.behaviour.outcome
        return {SUCCEEDED: None, CHALLENGE: "challenge_expired"}.get(outcome, outcome)

    def answered(self, code: str, now: datetime) -> Reference:
        """The same charge once the challenge is answered."""
        outcome = (
            SUCCEEDED if hmac.compare_digest(code.encode(), CHALLENGE_CODE.encode()) else "challenge_failed"
        )
        return replace(self, behaviour=replace(self.behaviour, outcome=outcome), made_at=now)

    def refund(self, refund_id: UUID, now: datetime) -> Reference:
        """A refund of this charge."""
        outcome = "refund_failed" if self.behaviour.refunds_fail else SUCCEEDED
        return Reference("refund", refund_id, Behaviour(outcome), now)


def behaviour_of(number: str) -> Behaviour:
    """What becomes of a charge to this card; the sandbox declines cards that it does not know."""
    return CARDS.get(number, OTHER_CARDS)


def write_reference(reference: Reference, key: bytes) -> str:
    """The reference as opaque text."""
    behaviour = reference.behaviour
    facts = orjson.dumps(
        [
            reference.kind,
            str(reference.subject),
            behaviour.outcome,
            behaviour.delay_s,
            behaviour.deliveries,
            behaviour.refunds_fail,
            int(reference.made_at.timestamp() * 1000),
        ]
    )
    return f"{_PREFIX}.{_text(facts)}.{_text(_mac(facts, key))}"


def read_reference(text: str, key: bytes) -> Reference:
    """What a reference says; raises ReferenceUnknown unless it was written with this key."""
    try:
        prefix, facts_text, mac_text = text.split(".")
        facts = _bytes(facts_text)
        if prefix != _PREFIX or not hmac.compare_digest(_bytes(mac_text), _mac(facts, key)):
            raise ReferenceUnknown(text[:20])
        kind, subject, outcome, delay_s, deliveries, refunds_fail, made_ms = orjson.loads(facts)
    except (ValueError, binascii.Error) as error:
        raise ReferenceUnknown(text[:20]) from error
    made_at = datetime.fromtimestamp(made_ms / 1000, UTC)
    return Reference(kind, UUID(subject), Behaviour(outcome, delay_s, deliveries, refunds_fail), made_at)


def event_of(
    reference: Reference, text: str, *, payment_id: UUID, amount_minor: int, currency: str
) -> dict[str, Any]:
    """What the sandbox tells when the outcome is due: the same words, and the same id, however often."""
    failure = reference.failure
    kind = f"{reference.kind}.{'failed' if failure else 'succeeded'}"
    data: dict[str, Any] = {"payment_id": str(payment_id)}
    if reference.kind == "refund":
        data["refund_id"] = str(reference.subject)
    data |= {"provider_ref": text, "amount": amount_minor, "currency": currency}
    if failure:
        data["failure"] = {"code": failure, "message": MESSAGES[failure]}
    digest = hashlib.blake2b(f"{kind} {text}".encode(), digest_size=12).hexdigest()
    return {"id": f"evt_{digest}", "type": kind, "created": format_instant(reference.due_at), "data": data}


def _mac(facts: bytes, key: bytes) -> bytes:
    return hmac.digest(key, b"sandbox reference\0" + facts, "sha256")[:_MAC_SIZE]


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
