"""The pages of ticketing, by address."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web

PAGES: tuple[web.RouteDef, ...] = ()
