"""What the application carries, by typed key: handlers ask for these and for nothing global."""

from __future__ import annotations

from aiohttp import web

from services.qr.domain.tokens import CodeKeys

CODE_KEYS = web.AppKey("code_keys", CodeKeys)
