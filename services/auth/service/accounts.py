"""Accounts: who may sign in, and what they may do then."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import asyncpg

from common.addresses import throttled_as
from common.database import transaction
from common.ids import uuid7
from common.passwords import check_password_rules, hash_password, verify_password
from common.problems import NotFound, ValidationFailed
from services.auth.domain import IDLE_FOR, standing_after
from services.auth.errors import BadCredentials, EmailTaken
from services.auth.repository import accounts as queries
from services.auth.repository import mirrors
from services.auth.repository import sessions as session_queries
from services.auth.service import throttles
from services.auth.service.passwords import prove, require_good_password
from services.auth.service.sessions import Session, new_session

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from common.database import Pool
    from services.auth.repository.accounts import Row
    from services.auth.service.sessions import Device

    ReadThrough = Callable[[str], Awaitable[Mapping[str, Any] | None]]

_HAS_TRIGRAM: Final = re.compile(r"[^\W_]{3}|[^\x00-\x7f]{3}")  # vowel signs are letters to PostgreSQL


async def register(pool: Pool, wanted: Mapping[str, Any], device: Device, *, per_address: int) -> Session:
    """A passenger, signed in. Raises TooManyRequests, ValidationFailed on the password, or EmailTaken."""
    await throttles.count_registration(pool, throttled_as(device.address), per_address)
    user = {**await _new_user(wanted), "locale": wanted["locale"]}
    token, row = new_session(device)
    opened = await queries.insert_passenger(pool, user, row, IDLE_FOR)
    if opened is None:
        raise EmailTaken
    return Session(row["family_id"], opened, token, opened["expires_at"])


async def log_in(pool: Pool, email: str, password: str, device: Device, *, per_address: int) -> Session:
    """A new session. Raises BadCredentials whatever is wrong, or TooManyRequests, also if nothing is."""
    user_id, password_hash = await prove(pool, email, password, device, per_address)
    token, row = new_session(device)
    opened = await session_queries.open_session(
        pool,
        row,
        user_id,
        password_hash=password_hash,
        lasts=IDLE_FOR,
        window=throttles.WINDOW,
        most_failures=throttles.FAILURES_PER_ACCOUNT,
    )
    if opened is None:
        await throttles.find_login(pool, email.lower(), throttled_as(device.address), per_address)
        raise BadCredentials
    return Session(row["family_id"], opened, token, opened["expires_at"])


async def find_user(pool: Pool, user_id: UUID) -> Row:
    """The account; raises NotFound."""
    user = await queries.get_user(pool, user_id)
    if user is None:
        raise NotFound
    return user


async def change_user(
    pool: Pool,
    by: UUID,
    user_id: UUID,
    changes: Mapping[str, Any],
    *,
    is_current: Callable[[Row], None],
    read_through: ReadThrough,
) -> Row:
    """The account with another role, company or status; suspending it ends its sessions.

    `is_current` refuses a stale account. Raises NotFound, or ValidationFailed for what does not go together.
    """
    company_id = changes.get("company_id")
    # Asked before the transaction, which must not wait for anybody else's answer.
    is_known = company_id is None or await company_exists(pool, company_id, read_through)
    async with transaction(pool) as conn:
        user = await queries.lock_user(conn, user_id)
        if user is None:
            raise NotFound
        is_current(user)
        wanted, errors = standing_after(user, changes, is_self=by == user_id)
        if wanted["company_id"] and not errors and not is_known:
            errors = {"company_id": ["There is no such company."]}
        if errors:
            raise ValidationFailed(errors)
        if wanted["status"] == "suspended":
            await session_queries.revoke_sessions(conn, user_id)
        return await queries.update_user(conn, {**user, **wanted})


async def company_exists(pool: Pool, company_id: UUID, read_through: ReadThrough) -> bool:
    """Whether there is such a company; one that has not been heard of is asked for. Raises Unavailable."""
    if await mirrors.company_exists(pool, company_id):
        return True
    company = await read_through(f"/api/companies/{company_id}")
    if company is None:
        return False
    await mirrors.store_companies(pool, [(UUID(company["id"]), company["name"], 0)])
    return True


async def require_company_exists(pool: Pool, company_id: UUID, read_through: ReadThrough) -> None:
    """Raise NotFound unless there is such a company: an admin may name any."""
    if not await company_exists(pool, company_id, read_through):
        raise NotFound


async def make_staff(pool: Pool, company_id: UUID, wanted: Mapping[str, Any]) -> Row:
    """An account of the company, which exists. Raises ValidationFailed on the password, or EmailTaken."""
    user = {**await _new_user(wanted), "role": wanted["role"], "company_id": company_id}
    made = await queries.insert_staff(pool, user)
    if made is None:
        raise EmailTaken
    return made


async def create_admin(dsn: str, email: str, name: str, password: str) -> str:
    """Make an admin, or one of whoever has the address, with this password; says what it did.

    May be called again and again: an admin who has the password already is left alone. Raises ValueError
    for a password that nobody may have.
    """
    faults = check_password_rules(password, forbidden=(email,))
    if faults:
        raise ValueError(f"the admin's password: {' '.join(faults)}")
    conn = await asyncpg.connect(dsn)
    try:
        found = await queries.find_admin_password(conn, email)
        if found and await verify_password(found, password):
            return f"{email} is an admin already"
        password_hash = await hash_password(password)
        user = {"id": uuid7(), "email": email, "password_hash": password_hash, "full_name": name}
        made = await queries.make_admin(conn, user)
    finally:
        await conn.close()
    return f"{email} is a new admin" if made else f"{email} is now an admin, with this password"


async def _new_user(wanted: Mapping[str, Any]) -> dict[str, Any]:
    require_good_password(wanted["password"], "password", wanted["email"], wanted["full_name"])
    return {
        "id": uuid7(),
        "email": wanted["email"],
        "password_hash": await hash_password(wanted["password"]),
        "full_name": wanted["full_name"],
        "phone": wanted["phone"],
    }


async def find_users(
    pool: Pool, text: str, *, role: str | None, company_id: UUID | None, before: UUID | None, limit: int
) -> Sequence[Row]:
    """Accounts whose address or name has the text in it, newest first. Indexes know three letters or more."""
    find = queries.find_users if _HAS_TRIGRAM.search(text) else queries.walk_users
    return await find(pool, text, role=role, company_id=company_id, before=before, limit=limit)
