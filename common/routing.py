"""How a table of routes says what is answered: an endpoint is a documented API route and its handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Iterable

    from common.openapi import RouteDoc

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Endpoint(NamedTuple):
    """One line of a router's table."""

    doc: RouteDoc
    handler: Handler


def add_endpoints(app: web.Application, endpoints: Iterable[Endpoint]) -> None:
    """Route them in the order given, HEAD with GET; answers are nobody's to keep unless they say so."""
    for doc, handler in endpoints:
        app.router.add_route(doc.method, doc.path, handler)
        if doc.method == "GET":
            app.router.add_route("HEAD", doc.path, handler)
    app.on_response_prepare.append(_keep_nothing)


async def _keep_nothing(request: web.Request, response: web.StreamResponse) -> None:  # ruff: ignore[unused-async] — a signal
    if request.path.startswith("/api/"):
        response.headers.setdefault("Cache-Control", "no-store")
