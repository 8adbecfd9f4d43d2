"""Keeps a browser signed in: an access cookie that has expired is renewed on the way, and nobody notices.

Renewing writes, so it is a route of its own, which goes where the group `sessions` is owned: a page that is
only read, and may be answered anywhere, sends the browser there and gets it back. A posted form travels
along, since 307 repeats method and body.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from aiohttp import web

from common.database import POOL
from common.principals import principal
from legacy import sessions
from legacy.cookies import clear_session, refresh_cookie, set_session
from legacy.handlers.devices import device_of
from legacy.keys import CONFIG, TOKEN_KEYS
from legacy.rules.redirects import local_path
from legacy.sessions import RefreshInvalid, RefreshReused

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

PATH: Final = "/session/renew"
READING: Final = frozenset({"GET", "HEAD"})
# Forms for those who are not signed in, or want to be no longer.
OPEN_FORMS: Final = frozenset(
    {"/login", "/logout", "/register", "/password-reset", "/password-reset/confirm"}
)


@web.middleware
async def renew_first(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Send a browser whose access cookie is gone, but whose refresh cookie is not, to have it renewed."""
    if "Cookie" in request.headers and principal(request) is None and _should_renew(request):
        return _go_on(request, f"{PATH}?next={quote(request.path_qs, safe='')}")
    return await handler(request)


async def renew(request: web.Request) -> web.Response:
    """Renew the cookies and go back; without a good refresh cookie, go back as nobody."""
    response = _go_on(request, local_path(request.query.get("next")))
    token = refresh_cookie(request)
    if token is None:
        return response
    config = request.app[CONFIG]
    try:
        session = await sessions.refresh(request.app[POOL], token, config.secret_key, device_of(request))
    except (RefreshInvalid, RefreshReused):
        clear_session(response)
    else:
        set_session(response, session, session.access_token(request.app[TOKEN_KEYS]), config.public_url)
    return response


def _should_renew(request: web.Request) -> bool:
    path = request.path
    if path == PATH or path.startswith(("/api/", "/static/")) or "Authorization" in request.headers:
        return False
    if request.method not in READING and path in OPEN_FORMS:
        return False
    return "text/html" in request.headers.get("Accept", "") and refresh_cookie(request) is not None


def _go_on(request: web.Request, location: str) -> web.Response:
    status = 303 if request.method in READING else 307
    return web.Response(status=status, headers={"Location": location, "Cache-Control": "no-store"})
