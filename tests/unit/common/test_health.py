# ruff: file-ignore[unused-async] — aiohttp's handlers are coroutines
import asyncio

from aiohttp import web

from common.health import READINESS, add_health


async def good(_app: web.Application) -> None:
    return


async def bad(_app: web.Application) -> None:
    raise ConnectionRefusedError("postgresql://banyan:hunter2@db")


async def hangs(_app: web.Application) -> None:
    await asyncio.Event().wait()


async def test_ready_when_every_check_is(aiohttp_client):
    app = web.Application()
    add_health(app, {"database": good, "redis": good})
    answer = await (await aiohttp_client(app)).get("/readyz")
    assert (answer.status, await answer.json()) == (
        200,
        {"status": "ready", "checks": {"database": "ok", "redis": "ok"}},
    )


async def test_not_ready_names_what_failed_and_tells_no_more(aiohttp_client):
    app = web.Application()
    add_health(app, {"database": bad, "redis": good})
    answer = await (await aiohttp_client(app)).get("/readyz")
    assert answer.status == 503
    assert (await answer.json())["checks"] == {"database": "failed", "redis": "ok"}
    assert "hunter2" not in await answer.text()


async def test_checks_that_hang_time_out_together(aiohttp_client, monkeypatch):
    monkeypatch.setattr("common.health.CHECK_TIMEOUT_S", 0.05)
    app = web.Application()
    add_health(app, {"a": hangs, "b": hangs, "c": good})
    client = await aiohttp_client(app)
    async with asyncio.timeout(1):
        answer = await client.get("/readyz")
    assert (await answer.json())["checks"] == {"a": "timeout", "b": "timeout", "c": "ok"}


async def test_alive_says_nothing_of_others(aiohttp_client):
    app = web.Application()
    add_health(app, {"database": bad})
    answer = await (await aiohttp_client(app)).get("/healthz")
    assert (answer.status, await answer.json()) == (200, {"status": "alive"})


async def test_whoever_is_on_the_way_out_is_not_ready(aiohttp_client):
    app = web.Application()
    add_health(app, {"database": good})
    client = await aiohttp_client(app)
    app[READINESS].draining = True
    answer = await client.get("/readyz")
    assert (answer.status, (await answer.json())["status"]) == (503, "draining")
    assert (await client.get("/healthz")).status == 200
