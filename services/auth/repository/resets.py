"""SQL of passwords that are set anew: with a mailed link, or by who knows the old one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta
    from uuid import UUID

    from common.database import Connection, Pool

Row: TypeAlias = Mapping[str, Any]


async def insert_reset_request(conn: Connection | Pool, request_id: UUID, email: str, address: str) -> None:
    await conn.execute(
        "INSERT INTO reset_requests (id, email, address) VALUES ($1, $2, $3)", request_id, email, address
    )


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
        SELECT u.id AS user_id, u.email, coalesce(p.full_name, u.full_name) AS full_name,
               coalesce(p.locale, u.locale) AS locale,
               (SELECT count(*) FROM reset_requests r
                WHERE r.email = taken.email AND r.at > taken.at - $2::interval AND r.at < taken.at) AS earlier
        FROM taken LEFT JOIN users u ON u.email = taken.email AND u.status = 'active'
        LEFT JOIN profiles p ON p.user_id = u.id
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
        SELECT u.id, u.email, coalesce(p.full_name, u.full_name) AS full_name,
               coalesce(p.locale, u.locale) AS locale
        FROM password_resets r JOIN users u ON u.id = r.user_id LEFT JOIN profiles p ON p.user_id = u.id
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


async def start_afresh(conn: Connection, user_id: UUID, account: str, but: UUID | None) -> None:
    """A new password ends all sessions but the one that is named, mailed links, and the count of failures.

    The user's lock must be held, by a statement before this one. `account` is the address in lower case.
    """
    await conn.execute(
        """
        WITH ended AS (
            UPDATE refresh_tokens SET revoked_at = now()
            WHERE user_id = $1 AND used_at IS NULL AND revoked_at IS NULL AND family_id IS DISTINCT FROM $3
        ), void AS (
            UPDATE password_resets SET used_at = now() WHERE user_id = $1 AND used_at IS NULL
        )
        DELETE FROM login_failures WHERE account = $2
        """,
        user_id,
        account,
        but,
    )
