"""The user section of the API and its pages, at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web

    from legacy.routing import Endpoint
    from legacy.sweeps import Sweep

ENDPOINTS: tuple[Endpoint, ...] = ()
PAGES: tuple[web.RouteDef, ...] = ()
SWEEPS: tuple[Sweep, ...] = ()
