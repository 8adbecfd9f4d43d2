"""What the application carries, by typed key: handlers ask for these and for nothing global."""

from __future__ import annotations

from aiohttp import web

from services.ticketing.config import Config

CONFIG = web.AppKey("config", Config)
