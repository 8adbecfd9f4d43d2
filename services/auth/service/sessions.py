"""Sessions: families of refresh tokens, each of which is good once and brings the next.

A session is ended in the database; an access token that it gave out before lives on until it expires.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import structlog

from common.database import transaction
from common.ids import uuid7
from common.problems import NotFound
from common.tokens import AUDIENCE, ISSUER, issue_access_token
from services.auth.domain import (
    IDLE_FOR,
    LONGEST,
    Meaning,
    meaning_of,
    new_token,
    successor,
    token_hash,
)
from services.auth.errors import RefreshInvalid, RefreshReused
from services.auth.repository import accounts as account_queries
from services.auth.repository import sessions as queries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from common.database import Pool
    from common.tokens import KeyRing
    from services.auth.repository.sessions import Row

log = structlog.get_logger(__name__)

LONGEST_USER_AGENT: Final = 300


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
    following = successor(token, secret_key)
    shown_hash = token_hash(token)
    renewed = await queries.rotate(pool, shown_hash, _row_of(following, device), IDLE_FOR, LONGEST)
    if renewed is not None:
        return Session(renewed["family_id"], renewed, following, renewed["expires_at"])
    async with transaction(pool) as conn:
        user = await queries.lock_owner(conn, shown_hash)
        if user is None or user["status"] != "active":
            raise RefreshInvalid
        shown = await queries.get_token(conn, shown_hash, token_hash(following))
        meaning = _meaning_of(shown)
        if meaning is Meaning.REUSED:
            await queries.revoke_session(conn, user["id"], user["family_id"])
    if meaning is Meaning.JUST_USED:
        return Session(user["family_id"], user, following, shown["successor_expires_at"])
    if meaning is Meaning.REUSED:
        log.warning("refresh token reused", user_id=str(user["id"]), session_id=str(user["family_id"]))
        raise RefreshReused
    raise RefreshInvalid


def new_session(device: Device) -> tuple[str, dict[str, Any]]:
    """The first refresh token of a session, and its row."""
    token = new_token()
    return token, {**_row_of(token, device), "family_id": uuid7()}


async def log_out(pool: Pool, refresh_token: str) -> None:
    """End the session of the token, used or not; an unknown token ends nothing."""
    async with transaction(pool) as conn:
        owner = await queries.lock_owner(conn, token_hash(refresh_token))
        if owner is not None:
            await queries.revoke_session(conn, owner["id"], owner["family_id"])


async def end_if_any(pool: Pool, user_id: UUID, session_id: UUID) -> bool:
    """End the session if it has not ended yet; whether there was one to end."""
    async with transaction(pool) as conn:
        await account_queries.lock_user(conn, user_id)
        return await queries.revoke_session(conn, user_id, session_id)


async def end_session(pool: Pool, user_id: UUID, session_id: UUID) -> None:
    """Raises NotFound if the user has no such session any more."""
    if not await end_if_any(pool, user_id, session_id):
        raise NotFound


async def list_sessions(pool: Pool, user_id: UUID) -> Sequence[Row]:
    """Those that can still be renewed, the one used last first."""
    return await queries.list_sessions(pool, user_id)


def _meaning_of(shown: Row) -> Meaning:
    return meaning_of(
        expires_at=shown["expires_at"],
        used_at=shown["used_at"],
        revoked_at=shown["revoked_at"],
        successor_is_newest=shown["successor_is_newest"],
        now=shown["now"],
    )


def _row_of(token: str, device: Device) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "token_hash": token_hash(token),
        "user_agent": device.user_agent[:LONGEST_USER_AGENT] if device.user_agent else None,
        "address": device.address,
    }
