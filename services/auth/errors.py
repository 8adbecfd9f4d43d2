"""Why accounts and sessions are refused, by the names that the wire has for it."""

from __future__ import annotations

from common.problems import Conflict, Unauthorized, ValidationFailed


class EmailTaken(Conflict):
    slug, title = "email-taken", "Somebody has an account with this address"


class BadCredentials(Unauthorized):
    slug, title = "bad-credentials", "The address or the password is wrong"


class RefreshInvalid(Unauthorized):
    slug, title = "refresh-invalid", "The refresh token is not valid"


class RefreshReused(Unauthorized):
    slug, title = "refresh-reused", "The refresh token was used before; the session has been ended"


def link_is_void() -> ValidationFailed:
    """A mailed link that sets no password any more."""
    return ValidationFailed({"token": ["This link has been used already or is too old: ask for a new one."]})
