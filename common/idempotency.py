"""Idempotency-Key: a POST that is sent twice happens once (draft-ietf-httpapi-idempotency-key-header).

The key and the work commit in one transaction, so there is no moment at which one of them exists without
the other. The request is remembered as a keyed hash only: nobody who reads the table learns a card number
from it. Answers are kept for 24 hours per principal; 409, 429 and 5xx are not kept, because to try again is
the right thing after them. Work that asks somebody outside cannot be in that transaction: see `run_apart`.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from datetime import datetime
from importlib.resources import files
from typing import Any, Final

import structlog
from aiohttp import web

from common.context import request_id
from common.database import Connection, Pool, transaction
from common.principals import Principal
from common.problems import Conflict, Problem, ValidationFailed, problem_response

HEADER: Final = "Idempotency-Key"
REPLAYED_HEADER: Final = "Idempotency-Replayed"
LONGEST_KEY: Final = 255
LONGEST_WORK_APART_S: Final = 50.0
"""Well within the minute that a claim is good for."""
KEPT_HEADERS: Final = ("Location", "ETag", "Cache-Control", "WWW-Authenticate")

FINGERPRINT_KEY: Final = web.AppKey("fingerprint_key", bytes)
"""Set by create_app from SECRET_KEY: what request bodies are hashed with."""

Work = Callable[[Connection], Awaitable[web.Response]]
WorkApart = Callable[[], Awaitable[web.Response]]

_log: Final = structlog.get_logger("idempotency")

# One statement for lock and row: the advisory lock is tried, never waited for, and the row is inserted only
# by whoever has it. ON CONFLICT sees rows committed after the statement's snapshot, which a SELECT here
# would not.
_CLAIM: Final = """
    WITH turn AS MATERIALIZED (SELECT pg_try_advisory_xact_lock($1) AS mine),
    claimed AS (
        INSERT INTO idempotency_keys AS k (principal, key, method, path, fingerprint)
        SELECT $2, $3, $4, $5, $6 FROM turn WHERE mine
        ON CONFLICT (principal, key) DO UPDATE SET
            method = excluded.method, path = excluded.path, fingerprint = excluded.fingerprint,
            status = NULL, headers = '{}', content_type = NULL, body = NULL, created_at = now()
        WHERE k.created_at < now() - interval '24 hours'
           OR k.status IS NULL AND k.created_at < now() - interval '1 minute'
        RETURNING created_at
    )
    SELECT turn.mine, (SELECT created_at FROM claimed) AS since FROM turn
"""


class KeyReused(ValidationFailed):
    slug, title = "idempotency-key-reused", "The idempotency key was used for another request"


class InProgress(Conflict):
    slug, title = "request-in-progress", "The same request is being worked on"


async def run_once(
    pool: Pool,
    request: web.Request,
    principal: Principal | str,
    body: bytes,
    work: Work,
    *,
    within: str = "",
) -> web.Response:
    """Do `work` in a transaction and answer; or replay the answer that the same key got before.

    Without the header it just does the work. `work` may raise a `Problem`: its transaction is rolled back
    and the answer kept. `within` keeps the keys of one domain apart from another's in the same database.
    Raises `KeyReused` (422), `InProgress` (409), or 422 for a key that is not 1 to 255 visible ASCII
    characters.
    """
    key = request.headers.get(HEADER)
    if key is None:
        async with transaction(pool) as connection:
            return await work(connection)
    _check_key(key)
    claim = _Claim(request, _whose(principal, within), key, body)
    try:
        async with transaction(pool) as connection:
            since = await claim.make(connection)
            if since is None:
                return await claim.replay(connection)
            return await _work_and_keep(claim, since, connection, work)
    except _NotKept as unkept:
        return unkept.response
    except Problem as problem:
        if not _is_kept(problem.status) or isinstance(problem, KeyReused):
            raise
        response = problem_response(problem, request_id(request))
        async with transaction(pool) as connection:
            # Another one may have come in between; then theirs is kept.
            since = await claim.try_make(connection)
            if since is not None:
                await claim.keep(connection, since, response)
        raise


async def run_apart(
    pool: Pool,
    request: web.Request,
    principal: Principal | str,
    body: bytes,
    work: WorkApart,
    *,
    within: str = "",
) -> web.Response:
    """Like `run_once`, for work that asks somebody outside, which no transaction is to wait for.

    The key is claimed before the work and the answer kept after it; whoever sends the same in between is told
    `InProgress`. A process that ends in between leaves a claim, which is good for a minute; work that takes
    longer than `LONGEST_WORK_APART_S` is cut off before that (TimeoutError, a 503). If the claim passes to
    another request all the same, only that one's answer is kept. What is done again after a claim is over, or
    was cut off in the middle, the work itself has to be proof against.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return await work()
    _check_key(key)
    claim = _Claim(request, _whose(principal, within), key, body)
    async with transaction(pool) as connection:
        since = await claim.make(connection)
        if since is None:
            return await claim.replay(connection)
    try:
        async with asyncio.timeout(LONGEST_WORK_APART_S):
            response = await work()
    except Problem as problem:
        await claim.settle(pool, since, problem_response(problem, request_id(request)))
        raise
    except Exception:
        await claim.let_go(pool, since)
        raise
    await claim.settle(pool, since, response)
    return response


async def purge_expired(pool: Pool, *, batch: int = 10_000) -> int:
    """Delete what is older than 24 hours, in small transactions; returns how many there were."""
    total: int = 0
    while True:
        deleted = await pool.fetchval(
            """
            WITH gone AS (
                DELETE FROM idempotency_keys WHERE (principal, key) IN (
                    SELECT principal, key FROM idempotency_keys
                    WHERE created_at < now() - interval '24 hours' ORDER BY created_at LIMIT $1
                    FOR UPDATE SKIP LOCKED
                )
                RETURNING 1
            )
            SELECT count(*) FROM gone
            """,
            batch,
        )
        total += int(deleted)
        if deleted < batch:
            return total


async def _work_and_keep(
    claim: "_Claim", since: datetime, connection: Connection, work: Work
) -> web.Response:
    response = await work(connection)
    if not _is_kept(response.status):
        raise _NotKept(response)
    await claim.keep(connection, since, response)
    return response


class _NotKept(Exception):  # ruff: ignore[error-suffix-on-exception-name] — carries an answer out of the transaction that it rolls back
    def __init__(self, response: web.Response) -> None:
        self.response = response


class _Claim:
    """One request's hold on its key, known by when it was made: another one's is not touched."""

    __slots__ = ("_fingerprint", "_key", "_lock", "_method", "_path", "_principal")

    def __init__(self, request: web.Request, principal: str, key: str, body: bytes) -> None:
        self._principal = principal
        self._key = key
        self._method = request.method
        self._path = request.path_qs
        secret = request.app[FINGERPRINT_KEY]
        described = f"{self._method} {self._path}\n".encode() + body
        self._fingerprint = hmac.digest(secret, described, "sha256")
        name = hashlib.blake2b(f"idempotency\0{principal}\0{key}".encode(), digest_size=8).digest()
        self._lock = int.from_bytes(name, "big", signed=True)

    async def make(self, connection: Connection) -> datetime | None:
        """Since when the key is claimed, if the work is to be done now.

        Raises `InProgress` if another request is doing it.
        """
        row = await self._claim(connection)
        if not row["mine"]:
            raise self._in_progress()
        since: datetime | None = row["since"]
        return since

    async def try_make(self, connection: Connection) -> datetime | None:
        since: datetime | None = (await self._claim(connection))["since"]
        return since

    async def _claim(self, connection: Connection) -> Any:
        return await connection.fetchrow(
            _CLAIM, self._lock, self._principal, self._key, self._method, self._path, self._fingerprint
        )

    async def replay(self, connection: Connection) -> web.Response:
        row = await connection.fetchrow(
            """
            SELECT method, path, fingerprint, status, headers, content_type, body
            FROM idempotency_keys WHERE principal = $1 AND key = $2
            """,
            self._principal,
            self._key,
        )
        same = (row["method"], row["path"]) == (self._method, self._path)
        if not same or not hmac.compare_digest(row["fingerprint"], self._fingerprint):
            raise KeyReused(
                {HEADER: ["This key was sent with another request; use a new one for each."]},
                "The key was used before with another body, method or address.",
            )
        if row["status"] is None:
            raise self._in_progress()
        return web.Response(
            body=row["body"],
            status=row["status"],
            headers={**row["headers"], REPLAYED_HEADER: "true", "Content-Type": row["content_type"]},
        )

    async def keep(self, connection: Connection, since: datetime, response: web.Response) -> None:
        body = response.body or b""
        if not isinstance(body, bytes | bytearray):
            raise TypeError("only answers with a body of bytes can be replayed")
        await connection.execute(
            """
            UPDATE idempotency_keys SET status = $4, headers = $5, content_type = $6, body = $7
            WHERE principal = $1 AND key = $2 AND created_at = $3 AND status IS NULL
            """,
            self._principal,
            self._key,
            since,
            response.status,
            {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers},
            response.headers.get("Content-Type", "application/octet-stream"),
            bytes(body),
        )

    async def settle(self, pool: Pool, since: datetime, response: web.Response) -> None:
        """After work apart: its answer is kept, or the key is free to try again."""
        if not _is_kept(response.status):
            await self.let_go(pool, since)
            return
        async with transaction(pool) as connection:
            await self.keep(connection, since, response)

    async def let_go(self, pool: Pool, since: datetime) -> None:
        await pool.execute(
            """
            DELETE FROM idempotency_keys
            WHERE principal = $1 AND key = $2 AND created_at = $3 AND status IS NULL
            """,
            self._principal,
            self._key,
            since,
        )

    @staticmethod
    def _in_progress() -> InProgress:
        return InProgress("Try again in a moment for its answer.", headers={"Retry-After": "1"})


def idempotency_sql() -> str:
    """The table, as text for a migration."""
    return (
        files("common.sql").joinpath("idempotency", "0001_pre_keep_answers.sql").read_text(encoding="utf-8")
    )


def _whose(principal: Principal | str, within: str) -> str:
    who = str(principal.user_id) if isinstance(principal, Principal) else principal
    return f"{within}:{who}" if within else who


def _is_kept(status: int) -> bool:
    # 421 as well: the same request is about to be done on the other side
    return status < 500 and status not in {409, 421, 429}


def _check_key(key: str) -> None:
    if not 1 <= len(key) <= LONGEST_KEY or not all("!" <= character <= "~" for character in key):
        raise ValidationFailed({HEADER: [f"Must be 1 to {LONGEST_KEY} visible ASCII characters."]})
