"""SQL of accounts: who they are and what they may. Profiles and sessions have modules of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from common.database import Connection


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
