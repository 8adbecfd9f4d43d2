"""Refresh tokens: what comes after which, and what a token that is shown to us means.

A token's successor is derived from it (HMAC-SHA256 with the secret key), so that two tabs that refresh at the
same moment get the same one, on whichever side they ask, and no plaintext is ever stored.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

IDLE_FOR: Final = timedelta(days=30)
LONGEST: Final = timedelta(days=180)
GRACE: Final = timedelta(seconds=10)
_PURPOSE: Final = b"banyan refresh successor\0"


class Meaning(Enum):
    """What a refresh token stands for when it is shown."""

    GOOD = "the newest of its session"
    JUST_USED = "the parent of the newest, used a moment ago: another tab was faster"
    REUSED = "used before, and not just now: somebody has a copy"
    VOID = "unknown, expired or revoked"


def new_token() -> str:
    """The first token of a session: 256 random bits."""
    return secrets.token_urlsafe(32)


def successor(token: str, secret_key: bytes) -> str:
    """The one token that follows this one."""
    digest = hmac.digest(secret_key, _PURPOSE + token.encode("utf-8", "surrogatepass"), "sha256")
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def token_hash(token: str) -> bytes:
    """What is stored of a token; a fast hash will do for what cannot be guessed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def expiry(session_started_at: datetime, now: datetime) -> datetime:
    """When a token issued now expires: after 30 idle days, and 180 days after the login at the latest."""
    return min(now + IDLE_FOR, session_started_at + LONGEST)


def meaning_of(
    *,
    expires_at: datetime,
    used_at: datetime | None,
    revoked_at: datetime | None,
    successor_is_newest: bool,
    now: datetime,
) -> Meaning:
    """Judge a stored token; `successor_is_newest` tells that its successor is neither used nor revoked."""
    if revoked_at is not None or expires_at <= now:
        return Meaning.VOID
    if used_at is None:
        return Meaning.GOOD
    if successor_is_newest and now - used_at <= GRACE:
        return Meaning.JUST_USED
    return Meaning.REUSED
