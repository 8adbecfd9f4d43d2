"""qr-service on a database of its own per test: migrated once, cloned for each.

`site` stands for all the others behind the strangler; `gate` is a bus about to leave.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from common.database import open_pool
from common.encoding import dump_json
from common.install import migrate_service
from common.keyring import KeyRing, write_new_key
from common.sweeps import SWEEPER
from services.qr import app as wired
from services.qr.__main__ import MIGRATIONS
from services.qr.config import Config
from services.qr.domain.codes import valid_times
from services.qr.keys import CODE_KEYS
from tests.integration.services.qr.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path
    from uuid import UUID

    from aiohttp.test_utils import TestClient
    from pytest_aiohttp.plugin import AiohttpClient

    from common.database import Pool
    from tests.conftest import CloneDatabase
    from tests.integration.services.qr.world import Booking, Trip, User

PUBLIC_URL = "http://banyan.test"


@dataclass
class Site:
    """The others: a document by its path, and what was asked of them; an int is answered as a status."""

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        found = self.answers.get(request.path, 404)
        if isinstance(found, int):
            return web.Response(status=found)
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
    return await clone_database("qr", lambda dsn: migrate_service(dsn, MIGRATIONS))


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
def config(database: str, redis_url: str, site: Site, key_files: tuple[Path, Path]) -> Config:
    return Config(
        database_url=database,
        redis_url=redis_url,
        host="127.0.0.1",
        port=1,
        public_url=PUBLIC_URL,
        strangler_url=site.url,
        jwks_url=f"{site.url}/.well-known/jwks.json",
        qr_keys_file=key_files[1],
        secret_key=b"0123456789abcdef0123456789abcdef",
        pool_size=20,
        log_level="warning",
        log_format="text",
    )


@pytest.fixture
def app(config: Config, key_files: tuple[Path, Path]) -> web.Application:
    """The service with its sweeps asleep."""
    made = wired.create_app(config, verifier=KeyRing.from_file(key_files[0]))
    made.cleanup_ctx.remove(made[SWEEPER].run)
    return made


@pytest.fixture
async def client(aiohttp_client: AiohttpClient, app: web.Application) -> AsyncIterator[TestClient]:
    made = await aiohttp_client(app)
    yield made
    await made.close()  # before its database is dropped


@pytest.fixture
def world(pool: Pool, key_files: tuple[Path, Path]) -> World:
    return World(pool, KeyRing.from_file(key_files[0]), PUBLIC_URL)


@dataclass
class Gate:
    """A bus about to leave, and who stands at its door."""

    client: TestClient
    world: World
    trip: Trip
    booking: Booking
    inspector: User

    @property
    def ticket_id(self) -> UUID:
        return self.booking.ticket_ids[0]

    def token(self, place: int = 0, **facts: Any) -> str:
        """The code of the booking's ticket at that place; facts can be forged, the signature is ours."""
        not_before, expires_at = valid_times(self.trip.departs_at, self.trip.arrives_at)
        stated = {
            "ticket_id": self.booking.ticket_ids[place],
            "trip_id": self.trip.id,
            "seat": self.booking.seats[place],
            "from_seq": 0,
            "to_seq": 3,
            "serial": 0,
            "not_before": not_before,
            "expires_at": expires_at,
        }
        return self.client.app[CODE_KEYS].make(**stated | facts)

    def scan(self, token: str | None = None, **fields: Any) -> dict[str, Any]:
        """The body of a check-in."""
        stated = {"token": token or self.token(), "trip_id": str(self.trip.id), "nonce": uuid4().hex}
        return stated | fields

    async def post(self, path: str, body: Any, by: User | None = None, **headers: str) -> tuple[int, Any]:
        who = self.world.bearer(by or self.inspector)
        async with self.client.post(path, json=body, headers={**who, **headers}) as answer:
            return answer.status, await answer.json()

    async def check_in(self, body: Any = None, by: User | None = None, **headers: str) -> tuple[int, Any]:
        return await self.post("/api/check-ins", body or self.scan(), by, **headers)

    async def verify(self, token: str | None = None, by: User | None = None, **fields: Any) -> Any:
        status, verdict = await self.post("/api/qr/verify", {"token": token or self.token(), **fields}, by)
        assert status == 200, verdict
        return verdict

    async def batch(self, *scans: Any, by: User | None = None, **headers: str) -> Any:
        status, body = await self.post("/api/check-ins/batch", {"scans": list(scans)}, by, **headers)
        assert status == 200, body
        return body


@pytest.fixture
async def gate(client: TestClient, world: World) -> Gate:
    departs_at = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=2)
    trip = await world.trip(departs_at=departs_at)
    booking = await world.booking(trip, seats=("1A", "1B", "2A"))
    return Gate(client, world, trip, booking, world.user("inspector", trip.company))
