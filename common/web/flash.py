"""One message for the next page, after a redirect.

The cookie holds the message's name and never its text, so that nobody can put words into our mouth with it.
"""

import re
from typing import Final

from aiohttp import web

COOKIE: Final = "banyan_flash"
_NAME: Final = re.compile(r"[a-z0-9-]{1,60}")


def set_flash(response: web.StreamResponse, name: str) -> None:
    """Show the message of that name (``booking-cancelled``) once, on the page that comes next."""
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"{name!r} is not the name of a message")
    response.set_cookie(COOKIE, name, max_age=60, path="/", samesite="Lax", httponly=True)


def read_flash(request: web.Request) -> str | None:
    name = request.cookies.get(COOKIE)
    return name if name and _NAME.fullmatch(name) else None


def clear_flash(response: web.StreamResponse) -> None:
    response.del_cookie(COOKIE, path="/", samesite="Lax", httponly=True)
