"""Sessions: families of refresh tokens, each of which is good once and brings the next.

A session is ended in the database; an access token that it gave out before lives on until it expires.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog

from common.database import transaction
from common.ids import uuid7
from common.problems import NotFound, Unauthorized
from common.tokens import AUDIENCE, ISSUER, issue_access_token
from legacy.queries import accounts as account_queries
from legacy.queries import sessions as queries
from legacy.rules import sessions as rules
from legacy.rules.sessions import Meaning

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from common.database import Connection, Pool
    from common.tokens import KeyRing
    from legacy.queries.sessions import Row

log = structlog.get_logger(__name__)

LONGEST_USER_AGENT = 300


class RefreshInvalid(Unauthorized):
    slug, title = "refresh-invalid", "The refresh token is not valid"


class RefreshReused(Unauthorized):
    slug, title = "refresh-reused", "The refresh token was used before; the session has been ended"


@dataclass(frozen=True, slots=True)
class Device:
    """What a request says of where it comes from."""

    address: str
    user_agent: str | None


@dataclass(frozen=True, slots=True)
class Session:
    """A session that has just been opened or renewed."""

    id: UUID
    user: Mapping[str, Any]
    refresh_token: str
    expires_at: datetime

    def access_token(self, keys: KeyRing) -> str:
        """A fresh one, for a quarter of an hour."""
        return issue_access_token(
            keys,
            user_id=self.user["id"],
            role=self.user["role"],
            company_id=self.user["company_id"],
            session_id=self.id,
            issuer=ISSUER,
            audience=AUDIENCE,
            now=datetime.now(UTC),
        )


async def refresh(pool: Pool, token: str, secret_key: bytes, device: Device) -> Session:
    """The session with the token's successor.

    Raises RefreshInvalid; or RefreshReused after ending the session, since one of the two who had the token
    is a thief.
    """
    following = rules.successor(token, secret_key)
    async with transaction(pool) as conn:
        user = await queries.lock_owner(conn, rules.token_hash(token))
        if user is None or user["status"] != "active":
            raise RefreshInvalid
        shown = await queries.get_token(conn, rules.token_hash(token), rules.token_hash(following))
        expires_at = shown["successor_expires_at"]
        meaning = _meaning_of(shown)
        if meaning is Meaning.GOOD:
            expires_at = rules.expiry(shown["session_started_at"], shown["now"])
            row = {**_row_of(following, device), "expires_at": expires_at}
            await queries.rotate(conn, shown["id"], shown["now"], row)
        elif meaning is Meaning.REUSED:
            await queries.revoke_session(conn, user["id"], shown["family_id"])
    if meaning is Meaning.VOID:
        raise RefreshInvalid
    if meaning is Meaning.REUSED:
        log.warning("refresh token reused", user_id=str(user["id"]), session_id=str(shown["family_id"]))
        raise RefreshReused
    return Session(shown["family_id"], user, following, expires_at)


def new_session(device: Device) -> tuple[str, dict[str, Any]]:
    """The first refresh token of a session, and its row."""
    token = rules.new_token()
    return token, {**_row_of(token, device), "family_id": uuid7()}


async def log_out(pool: Pool, refresh_token: str) -> None:
    """End the session of the token, used or not; an unknown token ends nothing."""
    family = await queries.family_of(pool, rules.token_hash(refresh_token))
    if family is not None:
        await _end(pool, family["user_id"], family["family_id"])


async def end_if_any(pool: Pool, user_id: UUID, session_id: UUID) -> None:
    """End the session if it has not ended yet."""
    await _end(pool, user_id, session_id)


async def end_session(pool: Pool, user_id: UUID, session_id: UUID) -> None:
    """Raises NotFound if the user has no such session any more."""
    if not await _end(pool, user_id, session_id):
        raise NotFound


async def list_sessions(pool: Pool, user_id: UUID) -> Sequence[Row]:
    """Those that can still be renewed, the one used last first."""
    return await queries.list_sessions(pool, user_id)


async def end_sessions(conn: Connection, user_id: UUID, but: UUID | None = None) -> None:
    """End all sessions of a user whose lock the caller holds, but the one that is named."""
    await queries.revoke_sessions(conn, user_id, but)


async def _end(pool: Pool, user_id: UUID, session_id: UUID) -> bool:
    async with transaction(pool) as conn:
        await account_queries.lock_user(conn, user_id)
        return await queries.revoke_session(conn, user_id, session_id)


def _meaning_of(shown: Row) -> Meaning:
    return rules.meaning_of(
        expires_at=shown["expires_at"],
        used_at=shown["used_at"],
        revoked_at=shown["revoked_at"],
        successor_is_newest=shown["successor_is_newest"],
        now=shown["now"],
    )


def _row_of(token: str, device: Device) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "token_hash": rules.token_hash(token),
        "user_agent": device.user_agent[:LONGEST_USER_AGENT] if device.user_agent else None,
        "address": device.address,
    }
