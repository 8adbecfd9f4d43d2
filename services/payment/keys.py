"""What the application carries, by typed key: handlers ask for these and for nothing global."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
from aiohttp import web

from services.payment.config import Config

if TYPE_CHECKING:
    from services.payment.providers import Providers

CONFIG = web.AppKey("config", Config)
PROVIDERS: web.AppKey[Providers] = web.AppKey("providers")
WEBHOOK_SESSION = web.AppKey("webhook_session", aiohttp.ClientSession)
