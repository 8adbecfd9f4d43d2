"""Profiles: what a user tells of themselves, and the people they travel with.

A profile begins with what its account was opened with, and is its owner's from then on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import asyncpg

from common.database import transaction
from common.ids import uuid7
from common.instants import parse_instant
from common.problems import FENCED, NotFound
from services.user.errors import TooManyTravellers
from services.user.repository import mirrors
from services.user.repository import profiles as repository

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import datetime

    from common.database import Connection, Pool
    from services.user.repository.profiles import Row

    Opened = tuple[UUID, str, str | None, str, datetime]
    """Whose profile, name, phone, language, and since when."""
    AskRegistration = Callable[[], Awaitable[Mapping[str, Any] | None]]
    """Asks the owner of accounts what the caller's own was opened with."""

MOST_TRAVELLERS: Final = 20


async def find_profile(pool: Pool, user_id: UUID, ask: AskRegistration) -> Row:
    """Raises NotFound for a user who is no more, Unavailable if that cannot be found out."""
    profile = await repository.get_profile(pool, user_id)
    return profile if profile is not None else await _open_profile(pool, ask)


async def change_profile(
    pool: Pool,
    user_id: UUID,
    changes: Mapping[str, Any],
    ask: AskRegistration,
    *,
    is_current: Callable[[Row], None] | None = None,
) -> Row:
    """The profile with the changes; `is_current` refuses a stale one. Raises NotFound or Unavailable."""
    changed = await _change(pool, user_id, changes, is_current)
    if changed is None:
        await _open_profile(pool, ask)
        changed = await _change(pool, user_id, changes, is_current)
    if changed is None:
        raise NotFound
    return changed


async def list_travellers(pool: Pool, user_id: UUID, after: UUID | None, limit: int) -> Sequence[Row]:
    """In the order in which they were added."""
    return await repository.list_travellers(pool, user_id, after, limit)


async def add_traveller(pool: Pool, user_id: UUID, wanted: Mapping[str, Any], ask: AskRegistration) -> Row:
    """Raises TooManyTravellers; NotFound for a user who is no more."""
    traveller = {**wanted, "id": uuid7()}
    for has_asked in (False, True):
        async with transaction(pool) as conn:
            if await repository.lock_profile(conn, user_id) is not None:
                made = await repository.insert_traveller(conn, user_id, traveller, MOST_TRAVELLERS)
                if made is None:
                    raise TooManyTravellers
                return made
        if not has_asked:
            await _open_profile(pool, ask)
    raise NotFound


async def forget_traveller(pool: Pool, user_id: UUID, traveller_id: UUID) -> None:
    """Raises NotFound if the user has no such traveller."""
    if not await repository.delete_traveller(pool, user_id, traveller_id):
        raise NotFound


async def open_profiles(conn: Connection, opened: Sequence[Opened]) -> None:
    """Make the profiles that are not there yet.

    While the other side owns profiles they come from there, and none is made here.
    """
    missing = set(await repository.list_missing(conn, [each[0] for each in opened]))
    if not missing:
        return
    try:
        async with conn.transaction():
            await repository.insert_profiles(conn, [each for each in opened if each[0] in missing])
    except asyncpg.PostgresError as error:
        if error.sqlstate != FENCED:
            raise


async def _change(
    pool: Pool, user_id: UUID, changes: Mapping[str, Any], is_current: Callable[[Row], None] | None
) -> Row | None:
    async with transaction(pool) as conn:
        profile = await repository.lock_profile(conn, user_id)
        if profile is None:
            return None
        if is_current is not None:
            is_current(profile)
        wanted = {**profile, **changes}
        wanted["updated_at"] = await repository.update_profile(
            conn, user_id, wanted["full_name"], wanted["phone"], wanted["locale"]
        )
    return wanted


async def _open_profile(pool: Pool, ask: AskRegistration) -> Row:
    """The profile of an account that has not been heard of yet."""
    told = await ask()
    if told is None:
        raise NotFound
    user_id, since = UUID(told["user_id"]), parse_instant(told["created_at"])
    account = {"id": user_id, "email": told["email"], "role": told["role"], "status": "active"}
    async with transaction(pool) as conn:
        await mirrors.store_accounts(conn, [{**account, "source_seq": 0}])
        await open_profiles(conn, [(user_id, told["full_name"], told["phone"], told["locale"], since)])
        profile = await repository.get_profile(conn, user_id)
    if profile is not None:
        return profile
    return {
        "id": user_id,
        "email": told["email"],
        "full_name": told["full_name"],
        "phone": told["phone"],
        "locale": told["locale"],
        "updated_at": since,
    }
