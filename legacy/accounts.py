"""Accounts: who may sign in, and what they may do then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import asyncpg

from common.addresses import throttled_as
from common.database import transaction
from common.ids import uuid7
from common.mail import mailer
from common.passwords import check_password_rules, hash_password, verify_dummy, verify_password
from common.problems import Conflict, NotFound, Unauthorized, ValidationFailed
from legacy import sessions, throttles
from legacy.letters import password_changed
from legacy.queries import accounts as queries
from legacy.queries import resets as reset_queries
from legacy.queries import sessions as session_queries
from legacy.queries import throttles as throttle_queries
from legacy.rules.accounts import standing_after
from legacy.rules.sessions import IDLE_FOR
from legacy.sessions import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from common.database import Connection, Pool
    from common.principals import Principal
    from common.web.i18n import Languages
    from legacy.queries.accounts import Row
    from legacy.sessions import Device

NO_LIMIT: Final = 2**31 - 1


class EmailTaken(Conflict):
    slug, title = "email-taken", "Somebody has an account with this address"


class BadCredentials(Unauthorized):
    slug, title = "bad-credentials", "The address or the password is wrong"


async def register(pool: Pool, wanted: Mapping[str, Any], device: Device, *, per_address: int) -> Session:
    """A passenger, signed in. Raises TooManyRequests, ValidationFailed on the password, or EmailTaken."""
    await throttles.count_registration(pool, throttled_as(device.address), per_address)
    user = await _new_user(wanted, role="passenger", company_id=None)
    async with transaction(pool) as conn:
        if await queries.insert_user(conn, user) is None:
            raise EmailTaken
        # Whoever guessed at this address before it had an account does not keep its owner from making one.
        opened = await _open_session(conn, user["id"], user["password_hash"], device, most_failures=NO_LIMIT)
    if opened is None:
        raise EmailTaken  # cannot be: the row is this transaction's own
    return opened


async def log_in(pool: Pool, email: str, password: str, device: Device, *, per_address: int) -> Session:
    """A new session. Raises BadCredentials whatever is wrong, or TooManyRequests, also if nothing is."""
    user_id, password_hash = await _prove(pool, email, password, device, per_address)
    opened = await _open_session(pool, user_id, password_hash, device)
    if opened is None:
        await _refuse_throttled(pool, email, device, per_address)
        raise BadCredentials
    return opened


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
    user = await queries.get_credentials(pool, who.user_id)
    if user is None:
        raise BadCredentials
    require_good_password(new, "new_password", user["email"], user["full_name"])
    user_id, proven = await _prove(pool, user["email"], current, device, per_address)
    password_hash = await hash_password(new)
    async with transaction(pool) as conn:
        if not await queries.set_password(conn, user_id, password_hash, replaced=proven):
            raise BadCredentials
        await sessions.end_sessions(conn, user_id, but=who.session_id)
        await reset_queries.void_resets(conn, user_id)
        await throttle_queries.clear_failures(conn, user["email"].lower())
        await mailer.queue(conn, user["email"], *password_changed(user, languages))


async def find_user(pool: Pool, user_id: UUID) -> Row:
    """The account; raises NotFound."""
    user = await queries.get_user(pool, user_id)
    if user is None:
        raise NotFound
    return user


async def change_user(
    pool: Pool, by: UUID, user_id: UUID, changes: Mapping[str, Any], *, is_current: Callable[[Row], None]
) -> Row:
    """The account with another role, company or status; suspending it ends its sessions.

    `is_current` refuses a stale account. Raises NotFound, or ValidationFailed for what does not go together.
    """
    async with transaction(pool) as conn:
        user = await queries.lock_user(conn, user_id)
        if user is None:
            raise NotFound
        is_current(user)
        wanted, errors = standing_after(user, changes, is_self=by == user_id)
        company_id = wanted["company_id"]
        if company_id and not errors and not await queries.company_exists(conn, company_id):
            errors = {"company_id": ["There is no such company."]}
        if errors:
            raise ValidationFailed(errors)
        if wanted["status"] == "suspended":
            await sessions.end_sessions(conn, user_id)
        return await queries.update_user(conn, {**user, **wanted})


async def require_company_exists(pool: Pool, company_id: UUID) -> None:
    """Raise NotFound unless there is such a company: an admin may name any."""
    if not await queries.company_exists(pool, company_id):
        raise NotFound


async def make_staff(pool: Pool, company_id: UUID, wanted: Mapping[str, Any]) -> Row:
    """An account of the company. Raises NotFound, ValidationFailed on the password, or EmailTaken."""
    await require_company_exists(pool, company_id)
    user = await _new_user(wanted, role=wanted["role"], company_id=company_id)
    made = await queries.insert_user(pool, user)
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
        found = await conn.fetchrow(
            "SELECT password_hash FROM users WHERE email = $1 AND role = 'admin' AND status = 'active'", email
        )
        if found and await verify_password(found["password_hash"], password):
            return f"{email} is an admin already"
        password_hash = await hash_password(password)
        user = {"id": uuid7(), "email": email, "password_hash": password_hash, "full_name": name}
        made = await queries.make_admin(conn, user)
    finally:
        await conn.close()
    return f"{email} is a new admin" if made else f"{email} is now an admin, with this password"


def require_good_password(password: str, field: str, email: str, full_name: str) -> None:
    """Raise ValidationFailed on the field for a password that is too short, too long or guessed first."""
    faults = check_password_rules(password, forbidden=(email, email.partition("@")[0], full_name))
    if faults:
        raise ValidationFailed({field: faults})


async def _new_user(wanted: Mapping[str, Any], *, role: str, company_id: UUID | None) -> dict[str, Any]:
    require_good_password(wanted["password"], "password", wanted["email"], wanted["full_name"])
    return {
        "id": uuid7(),
        "email": wanted["email"],
        "password_hash": await hash_password(wanted["password"]),
        "role": role,
        "company_id": company_id,
        "full_name": wanted["full_name"],
        "phone": wanted.get("phone"),
        "locale": wanted.get("locale", "en"),
    }


async def _prove(pool: Pool, email: str, password: str, device: Device, per_address: int) -> tuple[UUID, str]:
    """The account's id and hash, if it is active and this is its password; takes as long if it is not."""
    login = await _refuse_throttled(pool, email, device, per_address)
    stored = login["password_hash"]
    matches = await (verify_password(stored, password) if stored else verify_dummy(password))
    if not matches or login["status"] != "active":
        await throttles.count_failure(pool, email.lower(), throttled_as(device.address), per_address)
        raise BadCredentials
    return login["id"], stored


async def _refuse_throttled(pool: Pool, email: str, device: Device, per_address: int) -> Row:
    login = await throttle_queries.get_login(
        pool,
        email.lower(),
        throttled_as(device.address),
        throttles.WINDOW,
        throttles.FAILURES_PER_ACCOUNT,
        per_address or None,
    )
    throttles.refuse(login["account_wait"], login["address_wait"])
    return login


async def _open_session(
    conn: Connection | Pool,
    user_id: UUID,
    password_hash: str,
    device: Device,
    *,
    most_failures: int = throttles.FAILURES_PER_ACCOUNT,
) -> Session | None:
    token, row = sessions.new_session(device)
    user = await session_queries.open_session(
        conn,
        row,
        user_id,
        password_hash=password_hash,
        lasts=IDLE_FOR,
        window=throttles.WINDOW,
        most_failures=most_failures,
    )
    return Session(row["family_id"], user, token, user["expires_at"]) if user else None
