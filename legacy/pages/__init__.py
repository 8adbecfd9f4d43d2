"""The monolith's pages: plain HTML by aiohttp-jinja2, usable without JavaScript."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiohttp import web


def add_pages(app: web.Application, routes: Iterable[web.RouteDef]) -> None:
    """Set up templates and languages, and add the routers' pages."""
    app.add_routes(list(routes))
