"""`/session/renew`: fresh cookies for a browser whose access cookie has expired; see `common.web.renewal`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.database import POOL
from common.redirects import local_path
from common.web.cookies import clear_session, refresh_cookie, set_session
from common.web.renewal import go_on
from legacy import sessions
from legacy.handlers.devices import device_of
from legacy.keys import CONFIG, TOKEN_KEYS
from legacy.sessions import RefreshInvalid, RefreshReused

if TYPE_CHECKING:
    from aiohttp import web


async def renew(request: web.Request) -> web.Response:
    """Renew the cookies and go back; without a good refresh cookie, go back as nobody."""
    response = go_on(request, local_path(request.query.get("next")))
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
