"""Forgotten passwords: a link by mail, good once and for half an hour.

Asking for one does the same work and takes the same time whether there is such an account or not: it is
noted, and a sweep sends the mail.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from common.addresses import throttled_as
from common.database import transaction
from common.ids import uuid7
from common.mail import mailer
from common.passwords import hash_password
from common.problems import ValidationFailed
from legacy import sessions, throttles
from legacy.accounts import require_good_password
from legacy.letters import password_changed, password_reset
from legacy.queries import accounts as account_queries
from legacy.queries import resets as queries
from legacy.queries import throttles as throttle_queries
from legacy.rules.sessions import new_token, token_hash

if TYPE_CHECKING:
    from common.database import Connection, Pool
    from common.web.i18n import Languages
    from legacy.queries.resets import Row
    from legacy.sessions import Device

LASTS: Final = timedelta(minutes=30)
BATCH: Final = 50


async def request_reset(pool: Pool, email: str, device: Device) -> None:
    """Note that somebody wants a link; raises TooManyRequests for an address that wants too many."""
    address = throttled_as(device.address)
    throttles.refuse(
        await throttle_queries.reset_wait(pool, address, throttles.WINDOW, throttles.RESETS_PER_ADDRESS)
    )
    await throttle_queries.insert_reset_request(pool, uuid7(), email, address)


async def send_links(pool: Pool, languages: Languages, public_url: str) -> int:
    """Queue a mail for each request that waits; no more than a few per account and quarter of an hour."""
    async with transaction(pool) as conn:
        requests = await queries.take_requests(conn, BATCH, throttles.WINDOW)
        for request in requests:
            if request["user_id"] is not None and request["earlier"] < throttles.RESETS_PER_ACCOUNT:
                await _send_link(conn, request, languages, public_url)
    return len(requests)


async def is_good(pool: Pool, token: str) -> bool:
    """Whether a link can still be used."""
    return await queries.find_open(pool, token_hash(token)) is not None


async def reset_password(pool: Pool, token: str, new: str, languages: Languages) -> None:
    """Set the password and end every session. Raises ValidationFailed on `token` or `new_password`."""
    hashed = token_hash(token)
    user = await queries.find_open(pool, hashed)
    if user is None:
        raise _no_good()
    require_good_password(new, "new_password", user["email"], user["full_name"])
    password_hash = await hash_password(new)
    async with transaction(pool) as conn:
        await account_queries.lock_user(conn, user["id"])
        if not await queries.use_reset(conn, hashed):
            raise _no_good()
        if not await account_queries.set_password(conn, user["id"], password_hash):
            raise _no_good()
        await queries.void_resets(conn, user["id"])
        await sessions.end_sessions(conn, user["id"])
        await throttle_queries.clear_failures(conn, user["email"].lower())
        await mailer.queue(conn, user["email"], *password_changed(user, languages))


async def _send_link(conn: Connection, request: Row, languages: Languages, public_url: str) -> None:
    token = new_token()
    await queries.insert_reset(conn, token_hash(token), request["user_id"], LASTS)
    link = f"{public_url}/password-reset/confirm?token={token}"
    await mailer.queue(conn, request["email"], *password_reset(request, link, languages))


def _no_good() -> ValidationFailed:
    return ValidationFailed({"token": ["This link has been used already or is too old: ask for a new one."]})
