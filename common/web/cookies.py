"""Tokens as cookies, for browsers: HttpOnly, SameSite=Lax, and Secure where the site is on https."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol

from common.principals import ACCESS_COOKIE
from common.tokens import ACCESS_TOKEN_TTL_S

if TYPE_CHECKING:
    from aiohttp import web

REFRESH_COOKIE: Final = "banyan_refresh"


class Session(Protocol):
    """What the browser keeps of a session."""

    @property
    def refresh_token(self) -> str: ...

    @property
    def expires_at(self) -> datetime: ...


def refresh_cookie(request: web.Request) -> str | None:
    """The refresh token that the browser has."""
    return request.cookies.get(REFRESH_COOKIE) or None


def has_session(request: web.Request) -> bool:
    """Whether the browser sent a cookie of a session, good or not.

    Another site's form comes without, since they are SameSite=Lax: who clears cookies for it logs people out.
    """
    return ACCESS_COOKIE in request.cookies or REFRESH_COOKIE in request.cookies


def set_session(response: web.StreamResponse, session: Session, access_token: str, public_url: str) -> None:
    """Let the browser keep the session's tokens, each for as long as it is good."""
    secure = public_url.startswith("https:")
    lasts_s = max(0, int((session.expires_at - datetime.now(UTC)).total_seconds()))
    for name, token, max_age in (
        (ACCESS_COOKIE, access_token, ACCESS_TOKEN_TTL_S),
        (REFRESH_COOKIE, session.refresh_token, lasts_s),
    ):
        response.set_cookie(
            name, token, max_age=max_age, path="/", httponly=True, samesite="Lax", secure=secure
        )


def clear_session(response: web.StreamResponse) -> None:
    """Make the browser forget both."""
    for name in (ACCESS_COOKIE, REFRESH_COOKIE):
        response.del_cookie(name, path="/", httponly=True, samesite="Lax")
