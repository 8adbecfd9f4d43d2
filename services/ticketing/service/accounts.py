"""An account that has not been heard of yet, because it was opened a moment ago: asked of whoever owns it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.database import POOL, transaction
from common.reading import read_through
from services.ticketing.repository import mirrors

if TYPE_CHECKING:
    from aiohttp import web


async def learn_account(request: web.Request) -> bool:
    """Whether whoever asks has an account: if so, it is known here from now on. Raises Unavailable.

    Never inside a transaction.
    """
    profile = await read_through(request, "/api/users/me")
    if profile is None:
        return False
    account = {name: profile[name] for name in ("id", "email", "phone", "locale")}
    async with transaction(request.app[POOL]) as conn:
        await mirrors.store_accounts(conn, [{**account, "source_seq": 0}])
    return True
