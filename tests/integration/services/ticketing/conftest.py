"""ticketing-service on a database of its own per test: migrated once, cloned for each.

`client` speaks to the application with its sweeps asleep, so that a test says when one runs (`sweep`); what
others own is told to it by `world`. `site` is what the service reads through to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from common.database import open_pool
from common.encoding import dump_json
from common.install import migrate_service
from common.keyring import KeyRing, write_new_key
from common.sweeps import SWEEPER
from services.ticketing import app as wired
from services.ticketing.__main__ import MIGRATIONS
from services.ticketing.config import Config
from services.ticketing.routes import SWEEPS
from tests.integration.services.ticketing.world import World

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
        self.asked.append((request.path_qs, request.headers.get("Authorization")))
        found = self.answers.get(request.path_qs, self.answers.get(request.path))
        if isinstance(found, int):
            return web.Response(status=found)
        if found is None:
            return web.Response(status=404)
        return web.Response(body=dump_json(found), content_type="application/json")


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
    return await clone_database("ticketing", lambda dsn: migrate_service(dsn, MIGRATIONS))


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
def config(database: str, redis_url: str, site: Site, tmp_path: Path) -> Config:
    """Settings for `database`; mail goes to files under `tmp_path / "mail"`."""
    return Config(
        database_url=database,
        redis_url=redis_url,
        host="127.0.0.1",
        port=1,
        public_url=PUBLIC_URL,
        strangler_url=site.url,
        jwks_url=f"{site.url}/.well-known/jwks.json",
        secret_key=b"0123456789abcdef0123456789abcdef",
        mail_url=f"file://{tmp_path / 'mail'}",
        mail_from="Banyan <tickets@banyan.example>",
        hold_s=600,
        pool_size=20,
        log_level="warning",
        log_format="text",
    )


@pytest.fixture
def app(config: Config, key_file: Path) -> web.Application:
    """The service with its sweeps asleep."""
    made = wired.create_app(config, KeyRing.from_file(key_file))
    made.cleanup_ctx.remove(made[SWEEPER].run)
    return made


@pytest.fixture
async def client(aiohttp_client: AiohttpClient, app: web.Application) -> AsyncIterator[TestClient]:
    made = await aiohttp_client(app)
    yield made
    await made.close()  # before its database is dropped


@pytest.fixture
def sweep(client: TestClient) -> RunSweep:
    """`await sweep("confirm bookings")` does what is due, on the application of `client`."""
    sweeps = {each.name: each for each in SWEEPS}

    async def run(name: str) -> int:
        total = 0
        while did := await sweeps[name].step(client.app):
            total += did
        return total

    return run


@pytest.fixture
def world(pool: Pool, key_file: Path) -> World:
    """Tells the service of companies, trips and users, and makes bookings in its database."""
    return World(pool, KeyRing.from_file(key_file), PUBLIC_URL)
