"""Remembers access tokens whose signature was checked, because checking costs a hundred microseconds.

Only what was verified is put in, and the caller still compares the expiry, so that a remembered token dies
on time.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

_MOST_TOKENS: Final = 8192


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified access token says; times are seconds since 1970."""

    user_id: UUID
    role: str
    company_id: UUID | None
    session_id: UUID
    issuer: str
    audience: str
    issued_at: int
    expires_at: int
    token_id: str


class VerifiedTokens:
    """Bounded; the oldest entry makes room for the newest."""

    __slots__ = ("_claims", "_most")

    def __init__(self, most: int = _MOST_TOKENS) -> None:
        self._claims: dict[str, Claims] = {}
        self._most = most

    def get(self, token: str) -> Claims | None:
        return self._claims.get(token)

    def remember(self, token: str, claims: Claims) -> None:
        if len(self._claims) >= self._most:
            del self._claims[next(iter(self._claims))]
        self._claims[token] = claims

    def forget(self, token: str) -> None:
        self._claims.pop(token, None)

    def clear(self) -> None:
        self._claims.clear()

    def __len__(self) -> int:
        return len(self._claims)
