"""user-service on a database of its own per test: migrated once, cloned for each.

`world` tells it of other services' things, by events; `site` is what it reads through to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from common.database import open_pool
from common.events.app import EVENTS
from common.install import migrate_service
from common.keyring import KeyRing, write_new_key
from services.user import app as wired
from services.user.__main__ import MIGRATIONS
from services.user.config import Config
from tests.integration.services.user.world import PUBLIC_URL, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp.test_utils import TestClient
    from pytest_aiohttp.plugin import AiohttpClient

    from common.database import Pool
    from tests.conftest import CloneDatabase


@dataclass
class Site:
    """The other services, as far as one of them is read through to: answers by path, and what was asked."""

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
    return await clone_database("user", lambda dsn: migrate_service(dsn, MIGRATIONS))


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    made = await open_pool(database, min_size=1, max_size=20, application_name="test")
    yield made
    await made.close()


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    """The ring of access tokens; the service has only its public half."""
    path = tmp_path_factory.mktemp("keys") / "tokens.json"
    write_new_key(path)
    return KeyRing.from_file(path)


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
async def client(aiohttp_client: AiohttpClient, config: Config, keys: KeyRing) -> AsyncIterator[TestClient]:
    made = await aiohttp_client(wired.create_app(config, verifier=keys))
    yield made
    await made.app[EVENTS].until_seen()  # its relay has nothing more to do when its database is dropped
    await made.close()


@pytest.fixture
def world(pool: Pool, keys: KeyRing) -> World:
    """Makes things of other services, and tells of them."""
    return World(pool, keys)
