"""Reading through: what a projection does not have yet is asked of whoever owns it, by the strangler.

The caller's own token goes along, so nobody sees by this way what they could not see by themselves. It is for
a request's own work, outside of transactions, and never more than once for one thing.
"""

from collections.abc import AsyncIterator
from typing import Any, Final

import aiohttp
import orjson
import structlog
from aiohttp import web

from common.context import CONTEXT
from common.principals import ACCESS_COOKIE, SAFE_METHODS
from common.problems import Unavailable

TIMEOUT_S: Final = 3.0
MARK: Final = "Banyan-Read-Through"
"""Who is read through to answers from what it has, and does not ask on."""

_log: Final = structlog.get_logger("reading")


class NotReadThrough(Unavailable):
    """Whoever owns the thing does not answer."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} cannot be looked up now. Try again in a moment.", retry_after=2)


class Reader:
    """Asks the site itself."""

    def __init__(self, strangler_url: str) -> None:
        self._origin = strangler_url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def get(self, path: str, headers: dict[str, str]) -> dict[str, Any] | None:
        """The resource, or None if there is none for the caller; raises Unavailable."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S))
        try:
            async with self._session.get(self._origin + path, headers=headers) as response:
                if response.status in {401, 403, 404}:
                    return None
                if response.status != 200:
                    raise Unavailable(
                        f"{path} cannot be looked up now. Try again in a moment.", retry_after=2
                    )
                document: dict[str, Any] = orjson.loads(await response.read())
        except (TimeoutError, aiohttp.ClientError, ValueError) as error:
            _log.warning("not read through", path=path, error=repr(error))
            raise Unavailable(
                f"{path} cannot be looked up now. Try again in a moment.", retry_after=2
            ) from error
        return document

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


READER: Final = web.AppKey("reader", Reader)


def add_reading(app: web.Application, strangler_url: str) -> None:
    """Let the application read through; by the strangler, which knows who owns what."""

    async def reader_of_app(app: web.Application) -> AsyncIterator[None]:
        yield
        await app[READER].close()

    app[READER] = Reader(strangler_url)
    app.cleanup_ctx.append(reader_of_app)


async def read_through(request: web.Request, path: str) -> dict[str, Any] | None:
    """GET a path of the site as whoever makes this request.

    None for what is not there for them (401, 403, 404), and when this request is itself such a reading;
    raises Unavailable (503) if nobody answers.
    """
    if MARK in request.headers and request.method in SAFE_METHODS:
        return None  # a reading is a GET: nobody else can have it that a refusal is not checked
    headers = {MARK: "1", "Accept": "application/json"}
    token = request.headers.get("Authorization")
    if token is not None:
        headers["Authorization"] = token
    elif cookie := request.cookies.get(ACCESS_COOKIE):
        headers["Authorization"] = f"Bearer {cookie}"
    context = request.get(CONTEXT)
    if context is not None:
        headers["X-Request-ID"] = context.request_id
        headers["traceparent"] = context.traceparent
    return await request.app[READER].get(path, headers)
