"""SQL of accounts: who they are and what they may.

A user's name and language are the profile's, as far as one has been heard of, and else what the account was
opened with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta
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
            password_hash = excluded.password_hash, role = 'admin', company_id = NULL, status = 'active',
            updated_at = now()
        RETURNING xmax = 0
        """,
        user["id"],
        user["email"],
        user["password_hash"],
        user["full_name"],
    )
    return inserted


async def find_admin_password(conn: Connection, email: str) -> str | None:
    """The hash of an active admin's password."""
    password_hash: str | None = await conn.fetchval(
        "SELECT password_hash FROM users WHERE email = $1 AND role = 'admin' AND status = 'active'", email
    )
    return password_hash


async def insert_passenger(
    pool: Pool, user: Mapping[str, Any], token: Mapping[str, Any], lasts: timedelta
) -> Row | None:
    """The new account, signed in, and when the session expires; or None if the address is taken.

    Whoever guessed at this address before it had an account is forgotten, or could keep its owner out.
    """
    row: Row | None = await pool.fetchrow(
        """
        WITH account AS (
            INSERT INTO users (id, email, password_hash, full_name, phone, locale)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (email) DO NOTHING
            RETURNING id, email, role, company_id, status, created_at, locale
        ), opened AS (
            INSERT INTO refresh_tokens
                (id, family_id, user_id, token_hash, session_started_at, expires_at, user_agent, address)
            SELECT $7, $8, id, $9, now(), now() + $10::interval, $11, $12 FROM account
            RETURNING expires_at
        ), forgotten AS (
            DELETE FROM login_failures f USING account WHERE f.account = lower(account.email::text)
        )
        SELECT account.*, opened.expires_at FROM account, opened
        """,
        user["id"],
        user["email"],
        user["password_hash"],
        user["full_name"],
        user["phone"],
        user["locale"],
        token["id"],
        token["family_id"],
        token["token_hash"],
        lasts,
        token["user_agent"],
        token["address"],
    )
    return row


async def insert_staff(conn: Connection | Pool, user: Mapping[str, Any]) -> Row | None:
    """The new account, or None if the address is taken."""
    row: Row | None = await conn.fetchrow(
        """
        INSERT INTO users (id, email, password_hash, role, company_id, full_name, phone)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
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
    )
    return row


async def get_user(conn: Connection | Pool, user_id: UUID) -> Row | None:
    row: Row | None = await conn.fetchrow(
        "SELECT id, email, role, company_id, status, created_at FROM users WHERE id = $1", user_id
    )
    return row


async def get_registration(conn: Connection | Pool, user_id: UUID) -> Row | None:
    """What the account was opened with."""
    row: Row | None = await conn.fetchrow(
        "SELECT id, email, role, full_name, phone, locale, created_at FROM users WHERE id = $1", user_id
    )
    return row


async def get_account_page(conn: Connection | Pool, user_id: UUID) -> Row | None:
    """What the account's own page says of it."""
    row: Row | None = await conn.fetchrow(
        """
        SELECT u.id, u.email, u.role, u.created_at, coalesce(p.full_name, u.full_name) AS full_name,
               c.name AS company_name
        FROM users u LEFT JOIN profiles p ON p.user_id = u.id LEFT JOIN companies c ON c.id = u.company_id
        WHERE u.id = $1
        """,
        user_id,
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


async def get_reader(conn: Connection | Pool, user_id: UUID) -> Row | None:
    """Whom a mail would go to, and the language it is in."""
    row: Row | None = await conn.fetchrow(
        """
        SELECT u.email, coalesce(p.full_name, u.full_name) AS full_name,
               coalesce(p.locale, u.locale) AS locale
        FROM users u LEFT JOIN profiles p ON p.user_id = u.id
        WHERE u.id = $1
        """,
        user_id,
    )
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
        UPDATE users SET role = $2, company_id = $3, status = $4, updated_at = now() WHERE id = $1
        RETURNING id, email, role, company_id, status, created_at
        """,
        user["id"],
        user["role"],
        user["company_id"],
        user["status"],
    )
    return row


async def list_users(
    conn: Connection | Pool, *, role: str | None, company_id: UUID | None, before: UUID | None, limit: int
) -> Sequence[Row]:
    """Newest first."""
    rows: Sequence[Row] = await conn.fetch(
        """
        SELECT id, email, role, company_id, status, created_at FROM users
        WHERE ($1::text IS NULL OR role = $1)
          AND ($2::uuid IS NULL OR company_id = $2)
          AND ($3::uuid IS NULL OR id < $3)
        ORDER BY id DESC LIMIT $4
        """,
        role,
        company_id,
        before,
        limit,
    )
    return rows


async def find_users(
    conn: Connection | Pool,
    text: str,
    *,
    role: str | None,
    company_id: UUID | None,
    before: UUID | None,
    limit: int,
) -> Sequence[Row]:
    """Like `list_users`, of those whose address or name has the text in it.

    What nearly all have (`example.com`) fills a page from the newest. Else each part's own index brings what
    there is, and OFFSET 0 has it looked up one by one. Of thousands a page is found sooner by walking.
    """
    rows: Sequence[Row] = await conn.fetch(
        """
        WITH newest AS MATERIALIZED (
            SELECT u.id, email, role, company_id, status, created_at
            FROM (SELECT id FROM users WHERE $4::uuid IS NULL OR id < $4
                  ORDER BY id DESC LIMIT 30) n
            JOIN users u ON u.id = n.id
            WHERE ($2::text IS NULL OR role = $2)
              AND ($3::uuid IS NULL OR company_id = $3)
              AND (email::text ILIKE '%' || $1 || '%'
                   OR coalesce((SELECT full_name FROM profiles WHERE user_id = u.id), full_name)
                      ILIKE '%' || $1 || '%')
        ), enough AS MATERIALIZED (
            SELECT count(*) >= $5 AS are_newest FROM newest
        ), found AS MATERIALIZED (
            (SELECT id FROM users
             WHERE email::text ILIKE '%' || $1 || '%' AND NOT (SELECT are_newest FROM enough) LIMIT 4000)
            UNION
            (SELECT user_id FROM profiles
             WHERE full_name ILIKE '%' || $1 || '%' AND NOT (SELECT are_newest FROM enough) LIMIT 4000)
            UNION
            (SELECT id FROM users u
             WHERE full_name ILIKE '%' || $1 || '%' AND NOT (SELECT are_newest FROM enough)
               AND (SELECT user_id FROM profiles WHERE user_id = u.id) IS NULL LIMIT 4000)
        ), few AS MATERIALIZED (
            SELECT count(*) < 4000 AS are_all FROM found
        )
        SELECT * FROM newest WHERE (SELECT are_newest FROM enough)
        UNION ALL
        SELECT u.id, email, role, company_id, status, created_at
        FROM found CROSS JOIN LATERAL (SELECT * FROM users WHERE users.id = found.id OFFSET 0) u
        WHERE ($2::text IS NULL OR role = $2)
          AND ($3::uuid IS NULL OR company_id = $3)
          AND ($4::uuid IS NULL OR u.id < $4)
          AND (SELECT are_all FROM few)
        UNION ALL
        (SELECT id, email, role, company_id, status, created_at FROM users u
         WHERE NOT (SELECT are_newest FROM enough) AND NOT (SELECT are_all FROM few)
           AND ($2::text IS NULL OR role = $2)
           AND ($3::uuid IS NULL OR company_id = $3)
           AND ($4::uuid IS NULL OR id < $4)
           AND (email::text ILIKE '%' || $1 || '%'
                OR coalesce((SELECT full_name FROM profiles WHERE user_id = u.id), full_name)
                   ILIKE '%' || $1 || '%')
         ORDER BY id DESC LIMIT $5)
        ORDER BY id DESC LIMIT $5
        """,
        text.translate(SEARCH_WILDCARDS),
        role,
        company_id,
        before,
        limit,
    )
    return rows


async def walk_users(
    conn: Connection | Pool,
    text: str,
    *,
    role: str | None,
    company_id: UUID | None,
    before: UUID | None,
    limit: int,
) -> Sequence[Row]:
    """What `find_users` finds, without an index: for texts that these do not know."""
    rows: Sequence[Row] = await conn.fetch(
        """
        SELECT id, email, role, company_id, status, created_at FROM users u
        WHERE ($2::text IS NULL OR role = $2)
          AND ($3::uuid IS NULL OR company_id = $3)
          AND ($4::uuid IS NULL OR id < $4)
          AND (email::text ILIKE '%' || $1 || '%'
               OR coalesce((SELECT full_name FROM profiles WHERE user_id = u.id), full_name)
                  ILIKE '%' || $1 || '%')
        ORDER BY id DESC LIMIT $5
        """,
        text.translate(SEARCH_WILDCARDS),
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
