"""The site as pools ask it: politely. Logins keep within the edge's rate, and a 429 is waited out as told."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import orjson

from loadtests.pools.document import Person, PoolsError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

AT_ONCE: Final = 6
LOGINS_PER_S: Final = 15
"""The gateway allows one address 20 guesses a second; others may want to log in, too."""
LONGEST_WAIT_S: Final = 120.0
MOST_WAITS: Final = 5
PAGE: Final = 100
_TIMEOUT: Final = aiohttp.ClientTimeout(total=30)


class RefusedError(PoolsError):
    """The site answered otherwise than hoped for."""

    def __init__(self, status: int, asked: str, body: str) -> None:
        super().__init__(f"{asked}: {status} {body[:300]}")
        self.status = status


class Site:
    """Asks a few things at once; `say` hears of waits."""

    def __init__(self, session: aiohttp.ClientSession, host: str, say: Callable[[str], None]) -> None:
        self._session, self._host, self._say = session, host.rstrip("/"), say
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._next_login = 0.0

    async def get(self, path: str, by: Person | None = None, **query: object) -> Any:
        params = {name: str(value) for name, value in query.items()}
        return await self._ask("GET", path, by, params=params)

    async def pages(self, path: str, by: Person | None = None, *, most: int, **query: object) -> list[Any]:
        """The items of a list, at most so many."""
        items: list[Any] = []
        while True:
            page = await self.get(path, by, limit=PAGE, **query)
            items += page["items"]
            if page["next_cursor"] is None or len(items) >= most:
                return items[:most]
            query["cursor"] = page["next_cursor"]

    async def log_in(self, email: str, password: str) -> Person:
        """Raises RefusedError, with 401 for whoever has another password."""
        loop = asyncio.get_running_loop()
        at = max(loop.time(), self._next_login)
        self._next_login = at + 1 / LOGINS_PER_S
        await asyncio.sleep(at - loop.time())
        began = time.time()
        body = {"email": email, "password": password}
        tokens = await self._ask("POST", "/api/auth/login", None, json=body)
        return Person(
            id=tokens["user"]["id"],
            email=tokens["user"]["email"],
            access_token=tokens["access_token"],
            refresh_token=tokens["refresh_token"],
            expires_at=began + tokens["expires_in"],
        )

    async def _ask(self, method: str, path: str, by: Person | None, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {by['access_token']}"} if by else {}
        for _ in range(MOST_WAITS):
            async with self._turns, self._answer(method, path, headers, more) as answer:
                body = await answer.read()
                if answer.status < 300:
                    return orjson.loads(body)
                if answer.status != 429:
                    raise RefusedError(answer.status, f"{method} {path}", body.decode(errors="replace"))
                wait_s = _wait_of(answer.headers)
            self._say(f"{method} {path}: too many requests, going on in {wait_s:.0f} s as told")
            await asyncio.sleep(wait_s)
        raise PoolsError(f"{method} {path}: too many requests, still after {MOST_WAITS} waits")

    @asynccontextmanager
    async def _answer(
        self, method: str, path: str, headers: Mapping[str, str], more: Mapping[str, Any]
    ) -> AsyncGenerator[aiohttp.ClientResponse]:
        url = self._host + path
        try:
            async with self._session.request(
                method, url, headers=headers, timeout=_TIMEOUT, **more
            ) as answer:
                yield answer
        except (aiohttp.ClientError, TimeoutError) as error:
            raise PoolsError(f"{method} {url}: {error or type(error).__name__}") from None


def _wait_of(headers: Mapping[str, str]) -> float:
    """What Retry-After says, in seconds; raises PoolsError if that is longer than a load test waits."""
    told = headers.get("Retry-After", "1")
    wait_s = float(told) if told.isdigit() else 1.0
    if wait_s > LONGEST_WAIT_S:
        raise PoolsError(f"the site wants {wait_s:.0f} s of rest; start it with its limits for logins off")
    return wait_s
