"""SQL of profiles and travellers, which this service owns, and of the e-mail address beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from common.database import Connection, Pool

Row: TypeAlias = Mapping[str, Any]


async def get_profile(conn: Connection | Pool, user_id: UUID) -> Row | None:
    """None while the profile or the account has not been heard of."""
    row: Row | None = await conn.fetchrow(
        """
        SELECT p.user_id AS id, a.email, p.full_name, p.phone, p.locale, p.updated_at
        FROM profiles p JOIN accounts a ON a.id = p.user_id
        WHERE p.user_id = $1
        """,
        user_id,
    )
    return row


async def lock_profile(conn: Connection, user_id: UUID) -> Row | None:
    """Like `get_profile`; until the transaction ends nobody else changes it, or adds a traveller."""
    row: Row | None = await conn.fetchrow(
        """
        SELECT p.user_id AS id, a.email, p.full_name, p.phone, p.locale, p.updated_at
        FROM profiles p JOIN accounts a ON a.id = p.user_id
        WHERE p.user_id = $1
        FOR NO KEY UPDATE OF p
        """,
        user_id,
    )
    return row


async def update_profile(
    conn: Connection, user_id: UUID, full_name: str, phone: str | None, locale: str
) -> datetime:
    """Answers when: always later than the time before, so that no two versions are alike."""
    changed_at: datetime = await conn.fetchval(
        """
        UPDATE profiles SET full_name = $2, phone = $3, locale = $4,
                            updated_at = greatest(now(), updated_at + interval '1 millisecond')
        WHERE user_id = $1
        RETURNING updated_at
        """,
        user_id,
        full_name,
        phone,
        locale,
    )
    return changed_at


async def list_missing(conn: Connection, user_ids: Sequence[UUID]) -> Sequence[UUID]:
    """Which of these users have no profile."""
    rows = await conn.fetch(
        """
        SELECT told.user_id FROM unnest($1::uuid[]) AS told (user_id)
        WHERE NOT EXISTS (SELECT FROM profiles p WHERE p.user_id = told.user_id)
        """,
        user_ids,
    )
    return [row["user_id"] for row in rows]


async def insert_profiles(
    conn: Connection, profiles: Sequence[tuple[UUID, str, str | None, str, datetime]]
) -> None:
    """Of (user, name, phone, locale, since); those who have one keep it."""
    await conn.execute(
        """
        INSERT INTO profiles (user_id, full_name, phone, locale, updated_at)
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[])
        ON CONFLICT (user_id) DO NOTHING
        """,
        *(list(column) for column in zip(*profiles, strict=True)),
    )


async def list_travellers(
    conn: Connection | Pool, user_id: UUID, after: UUID | None, limit: int
) -> Sequence[Row]:
    """In the order in which they were added."""
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
    """The new traveller, or None if the user has as many as may be. The profile's lock must be held."""
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
