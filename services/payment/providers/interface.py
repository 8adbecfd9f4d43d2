"""What we ask of whoever moves money. Never called inside a transaction: the other end may be slow.

A second provider is a module beside the sandbox that answers this protocol, and a line in `open_providers`:
payments carry its name, its webhooks come in under it, and it is asked again after whatever it left open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from common.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from services.payment.domain.cards import Card

Event = dict[str, Any]
"""`{id, type, created, data: {payment_id, refund_id?, provider_ref, amount, currency, failure?}}`"""


class BadSignature(BadRequest):
    slug, title = "bad-signature", "The event is not signed by the provider"


class StaleSignature(BadRequest):
    slug, title = "stale-signature", "The event was signed too long ago"


class ProviderUnavailable(Exception):  # ruff: ignore[error-suffix-on-exception-name] — the fact
    """The provider did not answer, so what it did is not known: ask again with `look_up_*`."""


class NeverSeen(Exception):  # ruff: ignore[error-suffix-on-exception-name] — the fact
    """The provider knows nothing of this charge or refund, so no money was or will be moved by it."""


@dataclass(frozen=True, slots=True)
class Amount:
    """Money in minor units."""

    minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Charge:
    """A charge that the provider has taken on; what comes of it, an event tells."""

    reference: str
    next_action: Literal["challenge"] | None


class Provider(Protocol):
    """Every call carries our own id of the payment or refund, so that to ask twice is to ask once."""

    @property
    def name(self) -> str: ...

    async def charge(self, payment_id: UUID, amount: Amount, card: Card) -> Charge: ...

    async def answer_challenge(self, payment_id: UUID, reference: str, code: str) -> Charge: ...

    async def refund(self, refund_id: UUID, charge_reference: str | None, amount: Amount) -> str:
        """The reference of the refund; a payment that was brought in may have no reference of its charge."""

    async def look_up_charge(self, payment_id: UUID, reference: str | None, amount: Amount) -> Event | None:
        """The event that was or should have been told, or None if nothing is decided; raises NeverSeen."""

    async def look_up_refund(
        self, refund_id: UUID, payment_id: UUID, reference: str | None, amount: Amount
    ) -> Event | None:
        """Likewise of a refund."""

    def read_webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Event:
        """The event that the provider sent; raises BadSignature, StaleSignature, BadRequest."""
