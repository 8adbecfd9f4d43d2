"""A site that has had enough of logins is waited for as long as it says."""

from __future__ import annotations

import time

import aiohttp
import pytest
from aiohttp import web

from loadtests.pools import PoolsError
from loadtests.pools.site import Site

TOKENS = {
    "access_token": "a",
    "refresh_token": "r",
    "expires_in": 900,
    "user": {"id": "1", "email": "asha@demo.example"},
}


@pytest.fixture
async def throttled(aiohttp_server):
    """A site that refuses the first login, and tells to come again; each entry is when it was asked."""
    asked: list[float] = []
    wait_s = ["1"]

    async def log_in(_request: web.Request) -> web.Response:  # ruff: ignore[unused-async] — aiohttp wants a coroutine
        asked.append(time.monotonic())
        if len(asked) == 1:
            return web.Response(status=429, headers={"Retry-After": wait_s[0]})
        return web.json_response(TOKENS)

    application = web.Application()
    application.router.add_post("/api/auth/login", log_in)
    server = await aiohttp_server(application)
    return str(server.make_url("/")), asked, wait_s


async def test_it_waits_as_told_and_says_so(throttled):
    url, asked, _ = throttled
    said: list[str] = []
    async with aiohttp.ClientSession() as session:
        person = await Site(session, url, said.append).log_in("asha@demo.example", "secret")
    assert person["access_token"] == "a"
    assert len(asked) == 2
    assert asked[1] - asked[0] >= 1
    assert said == ["POST /api/auth/login: too many requests, going on in 1 s as told"]


async def test_a_rest_of_minutes_is_not_waited_for(throttled):
    url, asked, wait_s = throttled
    wait_s[0] = "900"
    async with aiohttp.ClientSession() as session:
        with pytest.raises(PoolsError, match="900 s of rest"):
            await Site(session, url, lambda _: None).log_in("asha@demo.example", "secret")
    assert len(asked) == 1
