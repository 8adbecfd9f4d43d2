"""SQL of passwords that are set anew with a mailed link."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta
    from uuid import UUID

    from common.database import Connection, Pool

Row: TypeAlias = Mapping[str, Any]


async def take_requests(conn: Connection, most: int, window: timedelta) -> Sequence[Row]:
    """Requests that wait, marked as worked on, each with its account (null if there is none that is active).

    `earlier` is how many of the same address came before it within the window.
    """
    rows: Sequence[Row] = await conn.fetch(
        """
        WITH taken AS (
            UPDATE reset_requests SET worked_at = now() WHERE id IN (
                SELECT id FROM reset_requests WHERE worked_at IS NULL
                ORDER BY at LIMIT $1 FOR UPDATE SKIP LOCKED
            )
            RETURNING id, email, at
        )
        SELECT u.id AS user_id, u.email, u.full_name, u.locale,
               (SELECT count(*) FROM reset_requests r
                WHERE r.email = taken.email AND r.at > taken.at - $2::interval AND r.at < taken.at) AS earlier
        FROM taken LEFT JOIN users u ON u.email = taken.email AND u.status = 'active'
        ORDER BY taken.at
        """,
        most,
        window,
    )
    return rows


async def insert_reset(conn: Connection, token_hash: bytes, user_id: UUID, lasts: timedelta) -> None:
    await conn.execute(
        "INSERT INTO password_resets (token_hash, user_id, expires_at) VALUES ($1, $2, now() + $3::interval)",
        token_hash,
        user_id,
        lasts,
    )


async def find_open(conn: Connection | Pool, token_hash: bytes) -> Row | None:
    """The account that the token is good for."""
    row: Row | None = await conn.fetchrow(
        """
        SELECT u.id, u.email, u.full_name, u.locale FROM password_resets r JOIN users u ON u.id = r.user_id
        WHERE r.token_hash = $1 AND r.used_at IS NULL AND r.expires_at > now() AND u.status = 'active'
        """,
        token_hash,
    )
    return row


async def use_reset(conn: Connection, token_hash: bytes) -> bool:
    """Spend the token; whether it was still good. The account's lock must be held."""
    done: bool | None = await conn.fetchval(
        """
        UPDATE password_resets SET used_at = now()
        WHERE token_hash = $1 AND used_at IS NULL AND expires_at > now()
        RETURNING true
        """,
        token_hash,
    )
    return bool(done)


async def void_resets(conn: Connection, user_id: UUID) -> None:
    """No link mailed before is good any more."""
    await conn.execute(
        "UPDATE password_resets SET used_at = now() WHERE user_id = $1 AND used_at IS NULL", user_id
    )
