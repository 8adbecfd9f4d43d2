"""People who have registered, many at once: accounts written where the sellers of seats read them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import asyncpg

from common.keyring import KeyRing
from common.tokens import AUDIENCE, ISSUER, issue_access_token

if TYPE_CHECKING:
    from loadtests.bench.stacks import Stack


async def open_accounts(stack: Stack, count: int) -> list[str]:
    """Answers their access tokens; on the services' side only ticketing-service knows of them."""
    users = [uuid4() for _ in range(count)]
    connection = await asyncpg.connect(stack.dsn_of("ticketing"))
    try:
        await connection.executemany(
            "INSERT INTO users (id, email, password_hash, full_name) VALUES ($1, $2, '', 'Rider')"
            if stack.side == "legacy"
            else "INSERT INTO accounts (id, email, locale, source_seq) VALUES ($1, $2, 'en', 0)",
            [(user, f"{user.hex}@bench.example") for user in users],
        )
    finally:
        await connection.close()
    ring = KeyRing.from_file(stack.facts["environment"]["BANYAN_TOKEN_KEYS_FILE"])
    return [_token(ring, user) for user in users]


def _token(ring: KeyRing, user: UUID) -> str:
    return issue_access_token(
        ring,
        user_id=user,
        role="passenger",
        company_id=None,
        session_id=uuid4(),
        issuer=ISSUER,
        audience=AUDIENCE,
        now=datetime.now(UTC),
    )
