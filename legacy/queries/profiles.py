"""SQL of profiles: name, phone and language of a user, and the travellers they book for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from common.database import Connection, Pool

Row: TypeAlias = Mapping[str, Any]


async def get_profile(conn: Connection | Pool, user_id: UUID) -> Row | None:
    row: Row | None = await conn.fetchrow(
        "SELECT id, email, full_name, phone, locale, updated_at FROM users WHERE id = $1", user_id
    )
    return row


async def lock_profile(conn: Connection, user_id: UUID) -> Row | None:
    row: Row | None = await conn.fetchrow(
        """
        SELECT id, email, full_name, phone, locale, updated_at FROM users WHERE id = $1 FOR NO KEY UPDATE
        """,
        user_id,
    )
    return row


async def update_profile(conn: Connection, profile: Mapping[str, Any]) -> Row:
    row: Row = await conn.fetchrow(
        """
        UPDATE users SET full_name = $2, phone = $3, locale = $4,
                         updated_at = greatest(now(), updated_at + interval '1 millisecond')
        WHERE id = $1
        RETURNING id, email, full_name, phone, locale, updated_at
        """,
        profile["id"],
        profile["full_name"],
        profile["phone"],
        profile["locale"],
    )
    return row


async def list_travellers(
    conn: Connection | Pool, user_id: UUID, after: UUID | None, limit: int
) -> Sequence[Row]:
    rows: Sequence[Row] = await conn.fetch(
        """
        SELECT id, name, age, gender, created_at FROM travellers
        WHERE user_id = $1 AND ($2::uuid IS NULL OR id > $2)
        ORDER BY id LIMIT $3
        """,
        user_id,
        after,
        limit,
    )
    return rows


async def insert_traveller(
    conn: Connection, user_id: UUID, traveller: Mapping[str, Any], most: int
) -> Row | None:
    """The new traveller, or None if the user has as many as may be. The user's lock must be held."""
    row: Row | None = await conn.fetchrow(
        """
        INSERT INTO travellers (id, user_id, name, age, gender)
        SELECT $1, $2, $3, $4, $5 WHERE (SELECT count(*) FROM travellers WHERE user_id = $2) < $6
        RETURNING id, name, age, gender, created_at
        """,
        traveller["id"],
        user_id,
        traveller["name"],
        traveller["age"],
        traveller["gender"],
        most,
    )
    return row


async def delete_traveller(conn: Connection | Pool, user_id: UUID, traveller_id: UUID) -> bool:
    """Whether the user had such a traveller."""
    deleted: bool | None = await conn.fetchval(
        "DELETE FROM travellers WHERE id = $1 AND user_id = $2 RETURNING true", traveller_id, user_id
    )
    return bool(deleted)
