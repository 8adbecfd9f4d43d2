"""SQL of accounts: who they are and what they may.

`updated_at` of a user is the profile's and is left alone here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from common.database import Connection, Pool

Row: TypeAlias = Mapping[str, Any]

# The columns of an account, as each statement below lists them:
# id, email, role, company_id, status, created_at
SEARCH_WILDCARDS: Final = str.maketrans({"%": r"\%", "_": r"\_", "\\": r"\\"})


async def make_admin(conn: Connection, user: Mapping[str, Any]) -> bool:
    """Insert the admin, or make one of whoever has the address; whether it was inserted."""
    inserted: bool = await conn.fetchval(
        """
        INSERT INTO users AS u (id, email, password_hash, role, full_name) VALUES ($1, $2, $3, 'admin', $4)
        ON CONFLICT (email) DO UPDATE SET
            password_hash = excluded.password_hash, role = 'admin', company_id = NULL, status = 'active'
        RETURNING xmax = 0
        """,
        user["id"],
        user["email"],
        user["password_hash"],
        user["full_name"],
    )
    return inserted


async def insert_user(conn: Connection | Pool, user: Mapping[str, Any]) -> Row | None:
    """The new account, or None if the address is taken."""
    row: Row | None = await conn.fetchrow(
        """
        INSERT INTO users (id, email, password_hash, role, company_id, full_name, phone, locale)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (email) DO NOTHING
        RETURNING id, email, role, company_id, status, created_at
        """,
        user["id"],
        user["email"],
        user["password_hash"],
        user["role"],
        user["company_id"],
        user["full_name"],
        user["phone"],
        user["locale"],
    )
    return row


async def get_user(conn: Connection | Pool, user_id: UUID) -> Row | None:
    row: Row | None = await conn.fetchrow(
        "SELECT id, email, role, company_id, status, created_at FROM users WHERE id = $1", user_id
    )
    return row


async def get_registration(conn: Connection | Pool, user_id: UUID) -> Row | None:
    """What the account was opened with; the monolith keeps one name, which is the profile's, too."""
    row: Row | None = await conn.fetchrow(
        "SELECT id, email, role, full_name, phone, locale, created_at FROM users WHERE id = $1", user_id
    )
    return row


async def lock_user(conn: Connection, user_id: UUID) -> Row | None:
    """The account; whatever changes it or its sessions takes this lock first."""
    row: Row | None = await conn.fetchrow(
        """
        SELECT id, email, role, company_id, status, created_at FROM users WHERE id = $1 FOR NO KEY UPDATE
        """,
        user_id,
    )
    return row


async def get_credentials(conn: Connection | Pool, user_id: UUID) -> Row | None:
    row: Row | None = await conn.fetchrow("SELECT email, full_name, locale FROM users WHERE id = $1", user_id)
    return row


async def set_password(
    conn: Connection, user_id: UUID, password_hash: str, replaced: str | None = None
) -> bool:
    """Set it, if it is still the one to be replaced (where one is named); whether it was."""
    done: bool | None = await conn.fetchval(
        """
        UPDATE users SET password_hash = $2
        WHERE id = $1 AND status = 'active' AND ($3::text IS NULL OR password_hash = $3)
        RETURNING true
        """,
        user_id,
        password_hash,
        replaced,
    )
    return bool(done)


async def update_user(conn: Connection, user: Mapping[str, Any]) -> Row:
    row: Row = await conn.fetchrow(
        """
        UPDATE users SET role = $2, company_id = $3, status = $4 WHERE id = $1
        RETURNING id, email, role, company_id, status, created_at
        """,
        user["id"],
        user["role"],
        user["company_id"],
        user["status"],
    )
    return row


async def list_users(
    conn: Connection | Pool,
    *,
    text: str | None,
    role: str | None,
    company_id: UUID | None,
    before: UUID | None,
    limit: int,
) -> Sequence[Row]:
    """Newest first; `text` is part of an address or a name."""
    rows: Sequence[Row] = await conn.fetch(
        """
        SELECT id, email, role, company_id, status, created_at FROM users
        WHERE ($1::text IS NULL OR (email::text || ' ' || full_name) ILIKE '%' || $1 || '%')
          AND ($2::text IS NULL OR role = $2)
          AND ($3::uuid IS NULL OR company_id = $3)
          AND ($4::uuid IS NULL OR id < $4)
        ORDER BY id DESC LIMIT $5
        """,
        text.translate(SEARCH_WILDCARDS) if text else None,
        role,
        company_id,
        before,
        limit,
    )
    return rows


async def list_staff(
    conn: Connection | Pool, company_id: UUID, after: UUID | None, limit: int
) -> Sequence[Row]:
    rows: Sequence[Row] = await conn.fetch(
        """
        SELECT id, email, role, company_id, status, created_at FROM users
        WHERE company_id = $1 AND ($2::uuid IS NULL OR id > $2)
        ORDER BY id LIMIT $3
        """,
        company_id,
        after,
        limit,
    )
    return rows


async def company_exists(conn: Connection | Pool, company_id: UUID) -> bool:
    found: bool = await conn.fetchval("SELECT EXISTS (SELECT FROM companies WHERE id = $1)", company_id)
    return found
