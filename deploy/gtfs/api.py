"""A company's API as the feed commands use it: signed in, over whichever side answers."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from datetime import date

CHUNK = 64 * 1024
POLL_S = 0.3
LONGEST_S = 900


class RefusedError(Exception):
    """The API said no; `problem` is its RFC 9457 document."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(problem.get("detail") or problem.get("title") or "refused")
        self.problem = problem

    @property
    def slug(self) -> str:
        return str(self.problem.get("type", "")).rpartition(":")[2]

    @property
    def errors(self) -> dict[str, list[str]]:
        errors: dict[str, list[str]] = self.problem.get("errors") or {}
        return errors


@dataclass(frozen=True, slots=True)
class Api:
    """Whom we speak for is in the session's headers."""

    session: aiohttp.ClientSession
    url: str
    user: dict[str, Any]

    async def get(self, path: str, **query: str) -> Any:
        async with self.session.get(f"{self.url}{path}", params=query) as answer:
            return await _read(answer)

    async def post(self, path: str, body: Any) -> Any:
        async with self.session.post(f"{self.url}{path}", json=body) as answer:
            return await _read(answer)

    async def find_company(self, wanted: str | None) -> dict[str, Any]:
        """The company of the one signed in, or the one named by slug or id."""
        if wanted is None:
            if self.user["company_id"] is None:
                detail = "This account works for no company: say --company."
                raise RefusedError({"detail": detail})
            wanted = str(self.user["company_id"])
        cursor: str | None = ""
        while cursor is not None:
            page = await self.get("/api/companies", limit="100", **({"cursor": cursor} if cursor else {}))
            for company in page["items"]:
                if wanted in {company["id"], company["slug"]}:
                    found: dict[str, Any] = company
                    return found
            cursor = page["next_cursor"]
        raise RefusedError({"detail": f"There is no company {wanted}."})

    async def import_feed(
        self,
        company_id: str,
        feed: bytes,
        query: dict[str, str],
        sent: Callable[[int, int], None],
        loaded: Callable[[int, int], None],
    ) -> dict[str, Any]:
        """Send the feed and wait; `sent` is told bytes, `loaded` what the server says of the import."""
        watching = asyncio.create_task(self._watch(company_id, loaded))
        headers = {"Content-Type": "application/zip", "Content-Length": str(len(feed))}
        url = f"{self.url}/api/companies/{company_id}/gtfs"
        try:
            async with self.session.post(
                url, data=_chunks(feed, sent), params=query, headers=headers
            ) as answer:
                done: dict[str, Any] = await _read(answer)
                return done
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    async def _watch(self, company_id: str, loaded: Callable[[int, int], None]) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            page = await self.get(f"/api/companies/{company_id}/gtfs/imports", limit="1")
            for each in page["items"]:
                if each["status"] == "running" and each["total"]:
                    loaded(each["done"], each["total"])

    async def export_feed(self, company_id: str, first: date | None, last: date | None) -> bytes:
        """The company's feed, as the API makes it."""
        query = {name: str(day) for name, day in (("from", first), ("to", last)) if day is not None}
        async with self.session.get(f"{self.url}/api/companies/{company_id}/gtfs", params=query) as answer:
            if answer.status >= 400:
                await _read(answer)
            return await answer.read()


@asynccontextmanager
async def sign_in(url: str, email: str, password: str) -> AsyncGenerator[Api]:
    """The API for this user; raises RefusedError, or aiohttp.ClientError if nobody answers."""
    timeout = aiohttp.ClientTimeout(total=LONGEST_S, sock_connect=10)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        credentials = {"email": email, "password": password}
        async with session.post(f"{url}/api/auth/login", json=credentials) as answer:
            tokens = await _read(answer)
        session.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        yield Api(session, url, tokens["user"])


async def _read(answer: aiohttp.ClientResponse) -> Any:
    try:
        data = await answer.json(content_type=None)
    except ValueError:
        data = {"detail": f"{answer.method} {answer.url.path} answered {answer.status} and no JSON."}
    if answer.status >= 400:
        raise RefusedError(data)
    return data


async def _chunks(feed: bytes, sent: Callable[[int, int], None]) -> AsyncGenerator[bytes]:  # ruff: ignore[unused-async] — aiohttp wants one
    for start in range(0, len(feed), CHUNK):
        yield feed[start : start + CHUNK]
        sent(min(start + CHUNK, len(feed)), len(feed))
