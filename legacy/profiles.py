"""Profiles: what a user tells of themselves, and the people they travel with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from common.database import transaction
from common.ids import uuid7
from common.problems import Conflict, NotFound
from legacy.queries import profiles as queries

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from common.database import Pool
    from legacy.queries.profiles import Row

MOST_TRAVELLERS: Final = 20


class TooManyTravellers(Conflict):
    slug, title = "too-many-travellers", "There is room for twenty travellers"


async def find_profile(pool: Pool, user_id: UUID) -> Row:
    """Raises NotFound for a user who is no more."""
    profile = await queries.get_profile(pool, user_id)
    if profile is None:
        raise NotFound
    return profile


async def change_profile(
    pool: Pool, user_id: UUID, changes: Mapping[str, Any], *, is_current: Callable[[Row], None]
) -> Row:
    """The profile with the changes; `is_current` refuses a stale one."""
    async with transaction(pool) as conn:
        profile = await queries.lock_profile(conn, user_id)
        if profile is None:
            raise NotFound
        is_current(profile)
        return await queries.update_profile(conn, {**profile, **changes})


async def list_travellers(pool: Pool, user_id: UUID, after: UUID | None, limit: int) -> Sequence[Row]:
    """In the order in which they were added."""
    return await queries.list_travellers(pool, user_id, after, limit)


async def add_traveller(pool: Pool, user_id: UUID, wanted: Mapping[str, Any]) -> Row:
    """Raises TooManyTravellers."""
    async with transaction(pool) as conn:
        if await queries.lock_profile(conn, user_id) is None:
            raise NotFound
        made = await queries.insert_traveller(conn, user_id, {**wanted, "id": uuid7()}, MOST_TRAVELLERS)
    if made is None:
        raise TooManyTravellers
    return made


async def forget_traveller(pool: Pool, user_id: UUID, traveller_id: UUID) -> None:
    """Raises NotFound if the user has no such traveller."""
    if not await queries.delete_traveller(pool, user_id, traveller_id):
        raise NotFound
