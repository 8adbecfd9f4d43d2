"""The facts that a request can be refused for, beside those of `common.problems`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from common.problems import Conflict, ValidationFailed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID


NONCE_TAKEN: Final = "Was used for another scan; make a new one for each."


class NotConfirmed(Conflict):
    slug, title = "not-confirmed", "The ticket is not confirmed"


class CheckInRefused(Conflict):
    slug, title = "check-in-refused", "The passenger may not board with this code"


class NonceTaken(ValidationFailed):
    def __init__(self) -> None:
        super().__init__({"nonce": [NONCE_TAKEN]})


class NoncesTaken(ValidationFailed):
    """The same of some scans of a batch, by their places in it."""

    def __init__(self, places: Sequence[int]) -> None:
        super().__init__({f"scans.{place}.nonce": [NONCE_TAKEN] for place in places})


class Unheard(Exception):  # ruff: ignore[error-suffix-on-exception-name] — the fact
    """These tickets are not known here, or not as good ones, which their owner may know better.

    No answer to anybody: whoever catches it asks the owner once, and begins again.
    """

    def __init__(self, ticket_ids: Sequence[UUID]) -> None:
        super().__init__(ticket_ids)
        self.ticket_ids = tuple(ticket_ids)
