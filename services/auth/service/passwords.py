"""Passwords: proved, changed, and set anew with a link by mail, good once and for half an hour.

Asking for a link does the same work and takes the same time whether there is such an account or not: it is
noted, and a sweep sends the mail.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from common.addresses import throttled_as
from common.database import transaction
from common.ids import uuid7
from common.mail import mailer
from common.passwords import hash_password, verify_dummy, verify_password
from common.problems import ValidationFailed
from services.auth.domain import new_token, password_faults, token_hash
from services.auth.errors import BadCredentials, link_is_void
from services.auth.repository import accounts as account_queries
from services.auth.repository import resets as queries
from services.auth.service import throttles
from services.auth.service.letters import password_changed, password_reset

if TYPE_CHECKING:
    from uuid import UUID

    from common.database import Connection, Pool
    from common.principals import Principal
    from common.web.i18n import Languages
    from services.auth.repository.resets import Row
    from services.auth.service.sessions import Device

LINK_LASTS: Final = timedelta(minutes=30)
BATCH: Final = 50


def require_good_password(password: str, field: str, email: str, full_name: str) -> None:
    """Raise ValidationFailed on the field for a password that is too short, too long or guessed first."""
    faults = password_faults(password, email, full_name)
    if faults:
        raise ValidationFailed({field: faults})


async def prove(pool: Pool, email: str, password: str, device: Device, per_address: int) -> tuple[UUID, str]:
    """The account's id and hash, if it is active and this is its password; takes as long if it is not.

    Raises BadCredentials, or TooManyRequests.
    """
    account, address = email.lower(), throttled_as(device.address)
    login = await throttles.find_login(pool, account, address, per_address)
    stored = login["password_hash"]
    matches = await (verify_password(stored, password) if stored else verify_dummy(password))
    if not matches or login["status"] != "active":
        await throttles.count_failure(pool, account, address, per_address)
        raise BadCredentials
    return login["id"], stored


async def change_password(
    pool: Pool,
    who: Principal,
    current: str,
    new: str,
    device: Device,
    *,
    languages: Languages,
    per_address: int,
) -> None:
    """Set the new one and end the user's other sessions.

    Raises ValidationFailed on `new_password`, BadCredentials, or TooManyRequests: guessing is no easier here
    than at the login.
    """
    user = await account_queries.get_reader(pool, who.user_id)
    if user is None:
        raise BadCredentials
    require_good_password(new, "new_password", user["email"], user["full_name"])
    user_id, proven = await prove(pool, user["email"], current, device, per_address)
    password_hash = await hash_password(new)
    async with transaction(pool) as conn:
        if not await account_queries.set_password(conn, user_id, password_hash, replaced=proven):
            raise BadCredentials
        await queries.start_afresh(conn, user_id, user["email"].lower(), but=who.session_id)
        await mailer.queue(conn, user["email"], *password_changed(user, languages))


async def request_reset(pool: Pool, email: str, device: Device) -> None:
    """Note that somebody wants a link; raises TooManyRequests for an address that wants too many."""
    address = throttled_as(device.address)
    await throttles.count_reset(pool, address)
    await queries.insert_reset_request(pool, uuid7(), email, address)


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
        raise link_is_void()
    require_good_password(new, "new_password", user["email"], user["full_name"])
    password_hash = await hash_password(new)
    async with transaction(pool) as conn:
        await account_queries.lock_user(conn, user["id"])
        if not await queries.use_reset(conn, hashed):
            raise link_is_void()
        if not await account_queries.set_password(conn, user["id"], password_hash):
            raise link_is_void()
        await queries.start_afresh(conn, user["id"], user["email"].lower(), but=None)
        await mailer.queue(conn, user["email"], *password_changed(user, languages))


async def _send_link(conn: Connection, request: Row, languages: Languages, public_url: str) -> None:
    token = new_token()
    await queries.insert_reset(conn, token_hash(token), request["user_id"], LINK_LASTS)
    link = f"{public_url}/password-reset/confirm?token={token}"
    await mailer.queue(conn, request["email"], *password_reset(request, link, languages))
