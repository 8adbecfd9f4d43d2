"""Whether a process answers, asked the way its users will ask: by a query, a PING, a request."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from urllib.parse import urlsplit

import asyncpg
import redis.asyncio
import redis.exceptions

Probe = Callable[[], Awaitable[None]]
_ATTEMPT_S = 2.0


class NotReady(Exception):  # ruff: ignore[error-suffix-on-exception-name] — it names the fact
    """It answered, and not as it should."""


def by_query(dsn: str) -> Probe:
    """`SELECT 1` over a new connection."""

    async def probe() -> None:
        connection = await asyncpg.connect(dsn, timeout=_ATTEMPT_S)
        try:
            await connection.fetchval("SELECT 1", timeout=_ATTEMPT_S)
        finally:
            await connection.close(timeout=_ATTEMPT_S)

    return probe


def by_ping(url: str) -> Probe:
    """PING over a new connection; LOADING counts as not ready."""

    async def probe() -> None:
        client = redis.asyncio.Redis.from_url(
            url, socket_connect_timeout=_ATTEMPT_S, socket_timeout=_ATTEMPT_S, retry=None
        )
        try:
            await client.ping()
        finally:
            await client.aclose()

    return probe


def by_listening(url: str, services: Iterable[str]) -> Probe:
    """Each service hears the others' events, which it says in Redis."""

    async def probe() -> None:
        client = redis.asyncio.Redis.from_url(
            url, socket_connect_timeout=_ATTEMPT_S, socket_timeout=_ATTEMPT_S, retry=None
        )
        try:
            for service in services:
                if not await client.exists(f"events:alive:{service}"):
                    raise ConnectionError(f"{service}-service does not hear events")
        finally:
            await client.aclose()

    return probe


def by_request(url: str, *, below: int = 300) -> Probe:
    """GET answers with a status below `below`; if not, the body tells why the start failed."""
    parts = urlsplit(url)
    head = f"GET {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode()

    async def probe() -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            writer.write(head)
            answer = await asyncio.wait_for(reader.read(4096), _ATTEMPT_S)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        status = answer.split(b" ", 2)[1:2]
        if not status or not status[0].isdigit() or int(status[0]) >= below:
            body = answer.partition(b"\r\n\r\n")[2].decode(errors="replace").strip()
            raise NotReady(f"{url} answers {b''.join(status).decode() or 'nothing'} {body[:300]}".rstrip())

    return probe


def by_connecting(host: str, port: int) -> Probe:
    """A TCP connection is accepted: for what speaks no protocol of ours."""

    async def probe() -> None:
        _, writer = await asyncio.open_connection(host, port)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    return probe


NOT_YET: tuple[type[Exception], ...] = (
    OSError,
    EOFError,
    TimeoutError,
    NotReady,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    redis.exceptions.RedisError,
)
"""What a probe raises while the process is not there yet; anything else is a fault of ours."""
