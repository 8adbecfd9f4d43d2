"""Requests for a ticket on paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.problems import Unavailable

if TYPE_CHECKING:
    from aiohttp import web


async def print_ticket(_request: web.Request) -> web.StreamResponse:  # ruff: ignore[unused-async] — a handler
    raise Unavailable
