"""Accounts: who may sign in, and what they may do then."""

from __future__ import annotations

import asyncpg

from common.ids import uuid7
from common.passwords import check_password_rules, hash_password, verify_password
from legacy.queries import accounts as queries


async def create_admin(dsn: str, email: str, name: str, password: str) -> str:
    """Make an admin, or one of whoever has the address, with this password; says what it did.

    May be called again and again: an admin who has the password already is left alone. Raises ValueError
    for a password that nobody may have.
    """
    faults = check_password_rules(password, forbidden=(email,))
    if faults:
        raise ValueError(f"the admin's password: {' '.join(faults)}")
    conn = await asyncpg.connect(dsn)
    try:
        found = await conn.fetchrow(
            "SELECT password_hash FROM users WHERE email = $1 AND role = 'admin' AND status = 'active'", email
        )
        if found and await verify_password(found["password_hash"], password):
            return f"{email} is an admin already"
        password_hash = await hash_password(password)
        user = {"id": uuid7(), "email": email, "password_hash": password_hash, "full_name": name}
        made = await queries.make_admin(conn, user)
    finally:
        await conn.close()
    return f"{email} is a new admin" if made else f"{email} is now an admin, with this password"
