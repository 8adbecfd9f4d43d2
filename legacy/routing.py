"""How the routers say what they answer: an endpoint is a documented API route and its handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple

from aiohttp import web

if TYPE_CHECKING:
    from common.openapi import RouteDoc

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Endpoint(NamedTuple):
    """One line of a router's table."""

    doc: RouteDoc
    handler: Handler
