"""The command line, the servers and running proxy workers together."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from redis.asyncio import Redis

from tests.integration.strangler.servers import until
from tests.proxy.running import ROOT, Application, end, free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.integration.strangler.servers import PrivateValkey

SEARCH = "GET /api/search"


@dataclass
class Said:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Site:
    environment: dict[str, str]
    port: int

    async def banyan(self, *arguments: str) -> Said:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "strangler", *arguments),
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, err = await process.communicate()
        return Said(process.returncode or 0, out.decode(), err.decode())

    async def workers(self) -> list[dict[str, Any]]:
        return (await self.banyan("status", "--json")).json()["workers"]


@pytest.fixture
async def site(valkey: PrivateValkey, database: str, tmp_path) -> AsyncIterator[Site]:
    """Two proxy workers before a monolith; no service."""
    async with contextlib.AsyncExitStack() as stack:
        legacy = Application("legacy")
        stack.callback(legacy.kill)
        await legacy.start()
        port, admin_port = free_port(), free_port()
        environment = {
            "PATH": os.environ["PATH"],
            "BANYAN_DATABASE_URL": database,
            "BANYAN_REDIS_URL": valkey.url,
            "BANYAN_PORT": str(port),
            "BANYAN_ADMIN_PORT": str(admin_port),
            "BANYAN_WORKERS": "2",
            "BANYAN_STATE_DIR": str(tmp_path / "state"),
            "BANYAN_UPSTREAM_LEGACY": f"http://127.0.0.1:{legacy.port}",
        }
        proxy = subprocess.Popen(
            [sys.executable, "-m", "strangler", "proxy"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        stack.callback(end, proxy)
        session = await stack.enter_async_context(aiohttp.ClientSession())

        async def is_ready() -> bool:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"http://127.0.0.1:{admin_port}/readyz") as response:
                    return response.status == 200
            return False

        await until(is_ready, "the proxy is ready", 30)
        yield Site(environment, port)


async def test_a_flag_reaches_every_worker_and_survives_the_loss_of_redis(site: Site, valkey: PrivateValkey):
    said = await site.banyan("flag", "set", SEARCH, "split", "--percent", "5", "--force", "--why", "to see")
    assert (said.code, said.err) == (0, "")
    assert "2 of 2 workers have taken it over." in said.out
    assert {row["version"] for row in await site.workers()} == {1}

    valkey.kill()

    async def faults() -> str:
        document = (await site.banyan("status", "--json")).json()
        return " ".join(fault["fault"] for fault in document["faults"])

    async def is_missed() -> bool:
        return (await faults()).count("Redis does not answer; version 1 stays in use") == 2

    await until(is_missed, "both workers miss Redis", 60)
    status = await site.banyan("status")
    assert status.code == 1
    assert "Redis     does not answer" in status.out

    await valkey.start()  # with nothing in it

    async def is_refilled() -> bool:
        async with Redis.from_url(valkey.url) as client:
            return await client.get("strangler:version") == b"1"

    restored = await site.banyan("flag", "restore")
    assert restored.code == 0, restored.err
    await until(is_refilled, "Redis has the table")

    async def is_well() -> bool:
        rows = await site.workers()
        return all(row["redis"] and not row["alarms"] and row["version"] == 1 for row in rows)

    await until(is_well, "both workers are well again", 60)


async def test_a_flag_to_a_service_that_is_not_there_is_answered_with_the_way_back(site: Site):
    said = await site.banyan("flag", "set", SEARCH, "service", "--force", "--why", "to see")
    assert said.code == 0
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{site.port}/api/search", allow_redirects=False) as response,
    ):
        assert response.status == 502
        assert response.content_type == "application/problem+json"
        assert "banyan flag set 'GET /api/search' legacy" in (await response.json())["detail"]
    back = await site.banyan("flag", "set", SEARCH, "legacy", "--why", "it is not there")
    assert "2 of 2 workers" in back.out
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{site.port}/api/search", allow_redirects=False) as response,
    ):
        assert response.status == 200
