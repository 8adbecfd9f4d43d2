"""company-service on a database of its own per test: migrated once, cloned for each.

`client` speaks to the application; `site` is what stands where the strangler is, and answers what a test says
that other services have.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from common.database import open_pool
from common.install import migrate_service
from common.keyring import KeyRing, write_new_key
from services.company.__main__ import MIGRATIONS
from services.company.app import create_app
from services.company.config import Config
from tests.integration.services.company.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from aiohttp.test_utils import TestClient
    from pytest_aiohttp.plugin import AiohttpClient, AiohttpServer

    from common.database import Pool
    from tests.conftest import CloneDatabase

PUBLIC_URL = "http://banyan.test"


@dataclass(slots=True)
class Site:
    """Answers GET of these paths (without their query); of all others 404, or 503 while it is `down`."""

    url: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    down: bool = False

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path_qs)
        if self.down:
            return web.json_response({}, status=503)
        if request.path not in self.answers:
            return web.json_response({}, status=404)
        return web.json_response(self.answers[request.path])


@pytest.fixture
async def database(clone_database: CloneDatabase) -> str:
    """The address of a fresh database with the service's schema."""
    return await clone_database("company", lambda dsn: migrate_service(dsn, MIGRATIONS))


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    made = await open_pool(database, min_size=1, max_size=20, application_name="test")
    yield made
    await made.close()


@pytest.fixture(scope="session")
def token_keys(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    path: Path = tmp_path_factory.mktemp("keys") / "tokens.json"
    write_new_key(path)
    return KeyRing.from_file(path)


@pytest.fixture
async def site(aiohttp_server: AiohttpServer) -> Site:
    made = Site()
    app = web.Application()
    app.router.add_get("/{path:.*}", made.answer)
    made.url = str((await aiohttp_server(app)).make_url("")).rstrip("/")
    return made


@pytest.fixture
def config(database: str, redis_url: str, site: Site) -> Config:
    return Config(
        database_url=database,
        redis_url=redis_url,
        host="127.0.0.1",
        port=1,
        public_url=PUBLIC_URL,
        strangler_url=site.url,
        jwks_url=f"{site.url}/.well-known/jwks.json",
        pool_size=20,
        log_level="warning",
        log_format="text",
    )


@pytest.fixture
async def client(
    config: Config, token_keys: KeyRing, monkeypatch: pytest.MonkeyPatch, aiohttp_client: AiohttpClient
) -> TestClient[web.Request, web.Application]:
    """A client of the service without its relay and its consumer: a test says itself what is told and heard.

    Of the parameters the last is closed first: the application before its database.
    """
    made = create_app(config, token_keys)
    for context in [each for each in made.cleanup_ctx if each.__module__ == "common.events.app"]:
        made.cleanup_ctx.remove(context)
    monkeypatch.setattr("common.events.app.SEEN_WITHIN_S", 0)  # nobody is there to be waited for
    return await aiohttp_client(made)


@pytest.fixture
def world(pool: Pool, token_keys: KeyRing) -> World:
    """Makes companies, fleets, routes and departures in `database`, and tokens for people."""
    return World(pool, token_keys)
