"""The rules of accounts and sessions: what an account may be, and what a refresh token stands for.

A refresh token's successor is derived from it (HMAC-SHA256 with the secret key), so that two tabs that
refresh at the same moment get the same one, on whichever side they ask, and no plaintext is ever stored.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from datetime import datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from common.passwords import check_password_rules

if TYPE_CHECKING:
    from collections.abc import Mapping

STAFF_ROLES: Final = ("operator", "inspector", "driver")
ROLES: Final = ("passenger", *STAFF_ROLES, "admin")
STATUSES: Final = ("active", "suspended")
LOCALES: Final = ("en", "hi")

IDLE_FOR: Final = timedelta(days=30)
LONGEST: Final = timedelta(days=180)
GRACE: Final = timedelta(seconds=10)
_PURPOSE: Final = b"banyan refresh successor\0"


def standing_after(
    user: Mapping[str, Any], changes: Mapping[str, Any], *, is_self: bool
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Role, company and status after the changes, and what is wrong with them by field.

    Who leaves a company's service leaves the company. An admin cannot be demoted or suspended by their own
    hand: so there is always one left.
    """
    wanted = {name: changes.get(name, user[name]) for name in ("role", "company_id", "status")}
    works = wanted["role"] in STAFF_ROLES
    if not works and "company_id" not in changes:
        wanted["company_id"] = None
    errors = {}
    if works and wanted["company_id"] is None:
        errors["company_id"] = ["This role needs a company."]
    if not works and wanted["company_id"] is not None:
        errors["company_id"] = ["This role belongs to no company."]
    for name in ("role", "status"):
        if is_self and wanted[name] != user[name]:
            errors[name] = ["Somebody else has to do this to you."]
    return wanted, errors


def password_faults(password: str, email: str, *names: str) -> list[str]:
    """What is wrong with a new password of somebody of this address and names; empty if nothing is."""
    return check_password_rules(password, forbidden=(email, email.partition("@")[0], *names))


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
