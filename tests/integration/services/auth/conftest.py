"""auth-service on a database of its own per test: migrated once, cloned for each.

`client` speaks to the application with its sweeps asleep, so that a test says when one runs (`sweep`);
`live_client` lets everything run as in production. `site` is what the service reads through to.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from common.database import open_pool
from common.events.app import EVENTS
from common.install import migrate_service
from common.keyring import KeyRing, write_new_key
from common.sweeps import SWEEPER
from services.auth import app as wired
from services.auth.__main__ import MIGRATIONS
from services.auth.config import Config
from services.auth.routes import SWEEPS
from tests.integration.services.auth.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from aiohttp.test_utils import TestClient
    from pytest_aiohttp.plugin import AiohttpClient

    from common.database import Pool
    from tests.conftest import CloneDatabase

PUBLIC_URL = "http://banyan.test"


class RunSweep(Protocol):
    """Runs a named sweep until it finds nothing more to do; answers how much it did."""

    async def __call__(self, name: str) -> int: ...


@dataclass
class Site:
    """The other services, as far as one of them is read through to: answers by path, and who asked."""

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append((request.path, request.headers.get("Authorization")))
        found = self.answers.get(request.path)
        if isinstance(found, int):
            return web.Response(status=found)
        return web.json_response(found) if found else web.Response(status=404)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    made = Site()
    app = web.Application()
    app.router.add_get("/{path:.*}", made.answer)
    async with TestServer(app) as server:
        made.url = str(server.make_url("")).rstrip("/")
        yield made


@pytest.fixture
async def database(clone_database: CloneDatabase) -> str:
    """The address of a fresh database with the service's tables."""
    return await clone_database("auth", lambda dsn: migrate_service(dsn, MIGRATIONS))


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    made = await open_pool(database, min_size=1, max_size=20, application_name="test")
    yield made
    await made.close()


@pytest.fixture(scope="session")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ring of access tokens."""
    path = tmp_path_factory.mktemp("keys") / "tokens.json"
    write_new_key(path)
    return path


@pytest.fixture
def config(database: str, redis_url: str, site: Site, key_file: Path, tmp_path: Path) -> Config:
    """Settings for `database`; mail goes to files under `tmp_path / "mail"`."""
    return Config(
        database_url=database,
        redis_url=redis_url,
        host="127.0.0.1",
        port=1,
        public_url=PUBLIC_URL,
        strangler_url=site.url,
        token_keys_file=key_file,
        secret_key=b"0123456789abcdef0123456789abcdef",
        mail_url=f"file://{tmp_path / 'mail'}",
        mail_from="Banyan <tickets@banyan.example>",
        pool_size=20,
        log_level="warning",
        log_format="text",
    )


@pytest.fixture
def app(config: Config, monkeypatch: pytest.MonkeyPatch) -> web.Application:
    """The service with its sweeps asleep; nor does it tell or hear anything by itself."""
    monkeypatch.setattr("common.events.app.SEEN_WITHIN_S", 0)
    made = wired.create_app(config)
    made.cleanup_ctx.remove(made[SWEEPER].run)
    for context in [each for each in made.cleanup_ctx if each.__module__ == "common.events.app"]:
        made.cleanup_ctx.remove(context)
    return made


@pytest.fixture
async def client(aiohttp_client: AiohttpClient, app: web.Application) -> AsyncIterator[TestClient]:
    made = await aiohttp_client(app)
    yield made
    await made.close()  # before its database is dropped


@pytest.fixture
async def live_client(aiohttp_client: AiohttpClient, config: Config) -> AsyncIterator[TestClient]:
    """A second process of the service, so to speak: on the same database, with all that it runs."""
    made = await aiohttp_client(wired.create_app(replace(config, pool_size=10)))
    yield made
    with suppress(TimeoutError):
        async with asyncio.timeout(5):
            await made.app[EVENTS].relay.flushed()
    await made.close()


@pytest.fixture
def sweep(client: TestClient) -> RunSweep:
    """`await sweep("send mail")` does what is due, on the application of `client`."""
    sweeps = {each.name: each for each in SWEEPS}

    async def run(name: str) -> int:
        total = 0
        while did := await sweeps[name].step(client.app):
            total += did
        return total

    return run


@pytest.fixture
def world(pool: Pool, key_file: Path) -> World:
    """Makes accounts in `database`, and companies that it has heard of."""
    return World(pool, KeyRing.from_file(key_file))
