"""Where a request comes from, for sessions and throttles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.addresses import client_address
from legacy.keys import CONFIG
from legacy.sessions import Device

if TYPE_CHECKING:
    from aiohttp import web


def device_of(request: web.Request) -> Device:
    """The client's address as far as our own proxies vouch for it, and the name of its browser."""
    forwarded_for = ",".join(request.headers.getall("X-Forwarded-For", ()))
    address = client_address(request.remote, forwarded_for, request.app[CONFIG].trusted_proxies)
    return Device(address, request.headers.get("User-Agent"))
