"""SQL of sessions: families of refresh tokens, of which the newest is neither used nor revoked.

Whatever changes a user's sessions holds the lock on the user's row, so that nothing is opened or renewed
beside a revocation. What ends sessions is a statement of its own after the one that takes the lock: it must
see what was renewed while it waited.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta
    from uuid import UUID

    from common.database import Connection, Pool

Row: TypeAlias = Mapping[str, Any]


async def open_session(
    conn: Connection | Pool,
    token: Mapping[str, Any],
    user_id: UUID,
    *,
    password_hash: str,
    lasts: timedelta,
    window: timedelta,
    most_failures: int,
) -> Row | None:
    """The user, and when the session expires; the account's failed logins are forgotten.

    None if by now the password is another one, the account is shut, or its failed logins are too many.
    """
    row: Row | None = await conn.fetchrow(
        """
        WITH account AS (
            SELECT id, email, role, company_id, status, created_at, locale FROM users u
            WHERE id = $2 AND password_hash = $3 AND status = 'active'
              AND (SELECT count(*) FROM login_failures f
                   WHERE f.account = lower(u.email::text) AND f.at > now() - $9::interval) < $10
            FOR NO KEY UPDATE
        ), opened AS (
            INSERT INTO refresh_tokens
                (id, family_id, user_id, token_hash, session_started_at, expires_at, user_agent, address)
            SELECT $1, $4, id, $5, now(), now() + $6::interval, $7, $8 FROM account
            RETURNING expires_at
        ), forgotten AS (
            DELETE FROM login_failures f USING account WHERE f.account = lower(account.email::text)
        )
        SELECT account.id, email, role, company_id, status, created_at, opened.expires_at,
               coalesce(p.locale, account.locale) AS locale
        FROM opened, account LEFT JOIN profiles p ON p.user_id = account.id
        """,
        token["id"],
        user_id,
        password_hash,
        token["family_id"],
        token["token_hash"],
        lasts,
        token["user_agent"],
        token["address"],
        window,
        most_failures,
    )
    return row


async def rotate(
    conn: Connection | Pool,
    shown_hash: bytes,
    following: Mapping[str, Any],
    idle_for: timedelta,
    longest: timedelta,
) -> Row | None:
    """Use a good token and store its successor: the user, the session's id, and when it expires.

    None if the token is not good, for whatever reason; then nothing has changed. The user's lock comes
    first, as everywhere: who waited for it finds the token used, or revoked, and does nothing.
    """
    row: Row | None = await conn.fetchrow(
        """
        WITH account AS (
            SELECT id, email, role, company_id, status, created_at FROM users
            WHERE id = (SELECT user_id FROM refresh_tokens WHERE token_hash = $1) AND status = 'active'
            FOR NO KEY UPDATE
        ), used AS (
            UPDATE refresh_tokens t SET used_at = clock_timestamp() FROM account
            WHERE t.token_hash = $1 AND t.used_at IS NULL AND t.revoked_at IS NULL
              AND t.expires_at > clock_timestamp()
            RETURNING t.family_id, t.user_id, t.session_started_at, t.used_at
        ), renewed AS (
            INSERT INTO refresh_tokens
                (id, family_id, user_id, token_hash, session_started_at, issued_at, expires_at, user_agent,
                 address)
            SELECT $2, family_id, user_id, $3, session_started_at, used_at,
                   least(used_at + $6::interval, session_started_at + $7::interval), $4, $5
            FROM used
            RETURNING family_id, expires_at
        )
        SELECT account.*, renewed.family_id, renewed.expires_at FROM account, renewed
        """,
        shown_hash,
        following["id"],
        following["token_hash"],
        following["user_agent"],
        following["address"],
        idle_for,
        longest,
    )
    return row


async def lock_owner(conn: Connection, token_hash: bytes) -> Row | None:
    """The user that a token belongs to, and its session, if there is such a token."""
    row: Row | None = await conn.fetchrow(
        """
        SELECT u.id, u.email, u.role, u.company_id, u.status, u.created_at, t.family_id
        FROM refresh_tokens t JOIN users u ON u.id = t.user_id
        WHERE t.token_hash = $1
        FOR NO KEY UPDATE OF u
        """,
        token_hash,
    )
    return row


async def get_token(conn: Connection, token_hash: bytes, successor_hash: bytes) -> Row:
    """A token that exists, what became of its successor, and what time it is."""
    row: Row = await conn.fetchrow(
        """
        SELECT t.expires_at, t.used_at, t.revoked_at,
               next.id IS NOT NULL AND next.used_at IS NULL AND next.revoked_at IS NULL
                   AS successor_is_newest,
               next.expires_at AS successor_expires_at,
               clock_timestamp() AS now
        FROM refresh_tokens t LEFT JOIN refresh_tokens next ON next.token_hash = $2
        WHERE t.token_hash = $1
        """,
        token_hash,
        successor_hash,
    )
    return row


async def list_sessions(conn: Connection | Pool, user_id: UUID) -> Sequence[Row]:
    rows: Sequence[Row] = await conn.fetch(
        """
        SELECT family_id AS id, session_started_at AS created_at, issued_at AS last_used_at, expires_at,
               user_agent, address
        FROM refresh_tokens
        WHERE user_id = $1 AND used_at IS NULL AND revoked_at IS NULL AND expires_at > now()
        ORDER BY issued_at DESC, id
        """,
        user_id,
    )
    return rows


async def revoke_session(conn: Connection, user_id: UUID, session_id: UUID) -> bool:
    """End one session; whether there was one to end."""
    ended: bool = await conn.fetchval(
        """
        WITH ended AS (
            UPDATE refresh_tokens SET revoked_at = now()
            WHERE user_id = $1 AND family_id = $2 AND used_at IS NULL AND revoked_at IS NULL
            RETURNING expires_at
        )
        SELECT EXISTS (SELECT FROM ended WHERE expires_at > now())
        """,
        user_id,
        session_id,
    )
    return ended


async def revoke_sessions(conn: Connection, user_id: UUID) -> None:
    """End all sessions of a user."""
    await conn.execute(
        """
        UPDATE refresh_tokens SET revoked_at = now()
        WHERE user_id = $1 AND used_at IS NULL AND revoked_at IS NULL
        """,
        user_id,
    )


async def forget_expired(conn: Connection | Pool, most: int) -> int:
    """Delete tokens a week after their expiry; until then a copy of one is told from an invented one."""
    deleted: int = await conn.fetchval(
        """
        WITH gone AS (
            DELETE FROM refresh_tokens WHERE id IN (
                SELECT id FROM refresh_tokens WHERE expires_at < now() - interval '7 days'
                LIMIT $1 FOR UPDATE SKIP LOCKED
            ) RETURNING 1
        ) SELECT count(*) FROM gone
        """,
        most,
    )
    return deleted
