"""Keeps a browser signed in: an access cookie that has expired is renewed on the way, and nobody notices.

Renewing writes, so it is a route of its own, which goes where the group `sessions` is owned: a page that is
only read, and may be answered anywhere, sends the browser there and gets it back. A posted form travels
along, since 307 repeats method and body.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from aiohttp import web

from common.principals import principal
from common.web.cookies import refresh_cookie

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
        return go_on(request, f"{PATH}?next={quote(request.path_qs, safe='')}")
    return await handler(request)


def _should_renew(request: web.Request) -> bool:
    path = request.path
    if path == PATH or path.startswith(("/api/", "/static/")) or "Authorization" in request.headers:
        return False
    if request.method not in READING and path in OPEN_FORMS:
        return False
    return "text/html" in request.headers.get("Accept", "") and refresh_cookie(request) is not None


def go_on(request: web.Request, location: str) -> web.Response:
    """Send the browser on: 303, or 307 for a form that travels along."""
    status = 303 if request.method in READING else 307
    return web.Response(status=status, headers={"Location": location, "Cache-Control": "no-store"})
