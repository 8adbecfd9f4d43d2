"""Answers that were kept for a repeated request, when nobody may ask for them any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.database import POOL
from common.idempotency import purge_expired

if TYPE_CHECKING:
    from aiohttp import web


async def forget_kept_answers(app: web.Application) -> int:
    """A sweep: delete them, all at once."""
    await purge_expired(app[POOL])
    return 0
