"""SQL of attempts: who failed to log in, registered, or asked for a reset of late."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from datetime import timedelta

    from common.database import Connection, Pool

Row: TypeAlias = Mapping[str, Any]


async def get_login(
    conn: Connection | Pool,
    email: str,
    address: str,
    window: timedelta,
    per_account: int,
    per_address: int | None,
) -> Row:
    """One row, whether there is such an account or not: its credentials, and how long it has to wait.

    `account_wait` and `address_wait` are how long until one more attempt is let through, or null.
    """
    row: Row = await conn.fetchrow(
        """
        SELECT u.id, u.password_hash, u.status,
               (SELECT f.at + $3::interval - now() FROM login_failures f
                WHERE f.account = $1 AND f.at > now() - $3::interval
                ORDER BY f.at DESC OFFSET $4 - 1 LIMIT 1) AS account_wait,
               (SELECT f.at + $3::interval - now() FROM login_failures f
                WHERE f.address = $2 AND f.at > now() - $3::interval AND $5::int IS NOT NULL
                ORDER BY f.at DESC OFFSET coalesce($5, 1) - 1 LIMIT 1) AS address_wait
        FROM (SELECT) one LEFT JOIN users u ON u.email = $1
        """,
        email,
        address,
        window,
        per_account,
        per_address,
    )
    return row


async def record_failure(conn: Connection | Pool, email: str, address: str) -> None:
    await conn.execute("INSERT INTO login_failures (account, address) VALUES ($1, $2)", email, address)


async def count_registration(
    conn: Connection | Pool, address: str, window: timedelta, most: int
) -> timedelta | None:
    """Count one more; or how long to wait if there were too many before, and then it does not count.

    It is inserted before it is compared, in a statement of its own: so each that comes sees all that came
    before it, and however many come at once, not one too many is let through.
    """
    attempt = await conn.fetchval(
        "INSERT INTO registration_attempts (address) VALUES ($1) RETURNING id", address
    )
    wait: timedelta | None = await conn.fetchval(
        """
        SELECT at + $2::interval - now() FROM registration_attempts
        WHERE address = $1 AND at > now() - $2::interval
        ORDER BY at DESC OFFSET $3 LIMIT 1
        """,
        address,
        window,
        most,
    )
    if wait is not None:
        await conn.execute("DELETE FROM registration_attempts WHERE id = $1", attempt)
    return wait


async def reset_wait(conn: Connection | Pool, address: str, window: timedelta, most: int) -> timedelta | None:
    wait: timedelta | None = await conn.fetchval(
        """
        SELECT at + $2::interval - now() FROM reset_requests WHERE address = $1 AND at > now() - $2::interval
        ORDER BY at DESC OFFSET $3 - 1 LIMIT 1
        """,
        address,
        window,
        most,
    )
    return wait


async def forget_attempts(conn: Connection | Pool, most: int) -> int:
    """Delete what is too old to count."""
    deleted: int = await conn.fetchval(
        """
        WITH failures AS (
            DELETE FROM login_failures WHERE id IN (
                SELECT id FROM login_failures WHERE at < now() - interval '1 hour'
                LIMIT $1 FOR UPDATE SKIP LOCKED
            ) RETURNING 1
        ), registrations AS (
            DELETE FROM registration_attempts WHERE id IN (
                SELECT id FROM registration_attempts WHERE at < now() - interval '1 hour'
                LIMIT $1 FOR UPDATE SKIP LOCKED
            ) RETURNING 1
        ), requests AS (
            DELETE FROM reset_requests WHERE id IN (
                SELECT id FROM reset_requests WHERE at < now() - interval '1 hour' AND worked_at IS NOT NULL
                LIMIT $1 FOR UPDATE SKIP LOCKED
            ) RETURNING 1
        ), resets AS (
            DELETE FROM password_resets WHERE token_hash IN (
                SELECT token_hash FROM password_resets WHERE expires_at < now() - interval '1 day'
                LIMIT $1 FOR UPDATE SKIP LOCKED
            ) RETURNING 1
        )
        SELECT (SELECT count(*) FROM failures) + (SELECT count(*) FROM registrations)
             + (SELECT count(*) FROM requests) + (SELECT count(*) FROM resets)
        """,
        most,
    )
    return deleted
