"""What the application carries, by typed key: handlers ask for these and for nothing global."""

from __future__ import annotations

from aiohttp import web

from common.tokens import KeyRing
from services.auth.config import Config

CONFIG = web.AppKey("config", Config)
TOKEN_KEYS = web.AppKey("token_keys", KeyRing)
