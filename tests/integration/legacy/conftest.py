"""The whole monolith on a database of its own per test: migrated once, cloned for each.

`client` speaks to the application with its sweeps asleep, so that a test says when one runs (`sweep`);
`live_client` lets them run as in production.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import pytest

from common.database import open_pool
from common.keyring import KeyRing, write_new_key
from common.migrations import migrate
from common.sweeps import SWEEPER
from legacy import app as wired
from legacy.__main__ import MIGRATIONS
from legacy.config import Config
from tests.integration.legacy.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from aiohttp import web
    from aiohttp.test_utils import TestClient
    from pytest_aiohttp.plugin import AiohttpClient

    from common.database import Pool
    from tests.conftest import CloneDatabase

PUBLIC_URL = "http://banyan.test"


class RunSweep(Protocol):
    """Runs a named sweep until it finds nothing more to do; answers how much it did."""

    async def __call__(self, name: str) -> int: ...


@pytest.fixture
async def database(clone_database: CloneDatabase) -> str:
    """The address of a fresh database with the monolith's schema."""
    return await clone_database("legacy", lambda dsn: migrate(dsn, MIGRATIONS))


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    made = await open_pool(database, min_size=1, max_size=20, application_name="test")
    yield made
    await made.close()


@pytest.fixture(scope="session")
def key_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The key rings of access tokens and of QR codes."""
    folder = tmp_path_factory.mktemp("keys")
    tokens, codes = folder / "tokens.json", folder / "qr.json"
    write_new_key(tokens)
    write_new_key(codes)
    return tokens, codes


@pytest.fixture
def config(database: str, key_files: tuple[Path, Path], tmp_path: Path) -> Config:
    """Settings for `database`; mail goes to files under `tmp_path / "mail"`."""
    return Config(
        database_url=database,
        host="127.0.0.1",
        port=1,
        public_url=PUBLIC_URL,
        token_keys_file=key_files[0],
        qr_keys_file=key_files[1],
        secret_key=b"0123456789abcdef0123456789abcdef",
        sandbox_webhook_secrets=("a secret of the sandbox provider",),
        mail_url=f"file://{tmp_path / 'mail'}",
        mail_from="Banyan <tickets@banyan.example>",
        hold_s=600,
        pool_size=20,
        log_level="warning",
        log_format="text",
    )


@pytest.fixture
def app(config: Config) -> web.Application:
    """The monolith with its sweeps asleep."""

    made = wired.create_app(config)
    made.cleanup_ctx.remove(made[SWEEPER].run)
    return made


@pytest.fixture
async def client(aiohttp_client: AiohttpClient, app: web.Application) -> TestClient:
    return await aiohttp_client(app)


@pytest.fixture
async def live_client(aiohttp_client: AiohttpClient, config: Config) -> TestClient:
    """A second process of the monolith, so to speak: on the same database, its sweeps running."""

    return await aiohttp_client(wired.create_app(replace(config, pool_size=10)))


@pytest.fixture
def sweep(client: TestClient) -> RunSweep:
    """`await sweep("confirm bookings")` does what is due, on the application of `client`."""

    sweeps = {each.name: each for router in wired.ROUTERS for each in router.SWEEPS}

    async def run(name: str) -> int:
        total = 0
        while did := await sweeps[name].step(client.app):
            total += did
        return total

    return run


@pytest.fixture
def world(pool: Pool, config: Config) -> World:
    """Makes companies, trips, users and bookings in `database`."""
    return World(pool, KeyRing.from_file(config.token_keys_file), PUBLIC_URL)
