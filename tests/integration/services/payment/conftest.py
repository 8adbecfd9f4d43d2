"""Somebody with a held booking at the till; the sandbox's webhooks come over HTTP to the test's server.

The service's sweeps are asleep, so that a test says when one runs (`sweep`). Others are played by what they
say: events through the service's own handlers, and `owner`, who answers what is read through.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from common.database import open_pool
from common.install import migrate_service
from common.keyring import KeyRing, write_new_key
from common.sweeps import SWEEPER
from services.payment.__main__ import MIGRATIONS
from services.payment.app import create_app
from services.payment.config import Config
from services.payment.domain.signatures import HEADER, sign
from services.payment.keys import CONFIG
from services.payment.names import DELIVERY, EVENTS, SENDING
from services.payment.routes import SWEEPS
from tests.integration.services.payment.world import Booking, User, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path
    from uuid import UUID

    from aiohttp.test_utils import TestClient
    from pytest_aiohttp.plugin import AiohttpClient

    from common.database import Pool
    from tests.conftest import CloneDatabase

CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2040, "cvc": "123"}
DECLINED, POOR, CHALLENGE, SLOW, THRICE, NO_REFUNDS = (
    "4000000000000002",
    "4000000000009995",
    "4000000000003220",
    "4000000000000077",
    "4000000000000259",
    "4000000000000341",
)


class RunSweep(Protocol):
    """Runs a named sweep until it finds nothing more to do; answers how much it did."""

    async def __call__(self, name: str) -> int: ...


@dataclass
class Owner:
    """The rest of the site: it knows bookings of its own, and may be out of reach."""

    server: TestServer
    bookings: dict[UUID, Booking] = field(default_factory=dict)
    asked: int = 0
    status: int | None = None

    def knows(self, booking: Booking) -> None:
        self.bookings[booking.id] = booking


@pytest.fixture
async def database(clone_database: CloneDatabase) -> str:
    """The address of a fresh database with the service's tables."""
    return await clone_database("payment", lambda dsn: migrate_service(dsn, MIGRATIONS))


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    made = await open_pool(database, min_size=1, max_size=20, application_name="test")
    yield made
    await made.close()


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    path: Path = tmp_path_factory.mktemp("keys") / "tokens.json"
    write_new_key(path)
    return KeyRing.from_file(path)


@pytest.fixture
async def owner() -> AsyncIterator[Owner]:
    app = web.Application()
    server = TestServer(app)
    found = Owner(server)

    async def show_booking(request: web.Request) -> web.Response:  # ruff: ignore[unused-async] — a handler
        found.asked += 1
        if found.status is not None:
            return web.Response(status=found.status)
        known = {str(key): booking for key, booking in found.bookings.items()}
        booking = known.get(request.match_info["id"])
        if booking is None or not request.headers["Authorization"].startswith("Bearer ey"):
            return web.Response(status=404)
        return web.json_response(booking.wire())

    app.router.add_get("/api/bookings/{id}", show_booking)
    await server.start_server()
    yield found
    await server.close()


@pytest.fixture
def config(database: str, redis_url: str, owner: Owner) -> Config:
    """Webhooks go where the test's server will listen."""
    public_url = f"http://127.0.0.1:{unused_port()}"
    return Config(
        database_url=database,
        redis_url=redis_url,
        host="127.0.0.1",
        port=1,
        public_url=public_url,
        strangler_url=str(owner.server.make_url("")).rstrip("/"),
        jwks_url=f"{public_url}/nowhere",
        secret_key=b"0123456789abcdef0123456789abcdef",
        sandbox_webhook_secrets=("a secret of the sandbox provider",),
        sandbox_webhook_url=public_url,
        pool_size=20,
        log_level="warning",
        log_format="text",
    )


@pytest.fixture
def app(config: Config, keys: KeyRing) -> web.Application:
    """The service with its sweeps asleep; it hears of events from `world` alone."""
    made = create_app(config, keys)
    made.cleanup_ctx.remove(made[SWEEPER].run)
    for context in [each for each in made.cleanup_ctx if each.__module__ == "common.events.app"]:
        made.cleanup_ctx.remove(context)
    return made


@pytest.fixture
async def client(
    aiohttp_client: AiohttpClient, app: web.Application, config: Config
) -> AsyncIterator[TestClient]:
    made = await aiohttp_client(TestServer(app, port=int(config.public_url.rpartition(":")[2])))
    yield made
    await made.close()  # before its database is dropped


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as made:
        yield made


@pytest.fixture
def sweep(client: TestClient) -> RunSweep:
    """`await sweep("refund what is due")` does what is due, on the application of `client`."""
    sweeps = {each.name: each for each in SWEEPS}

    async def run(name: str) -> int:
        total = 0
        while did := await sweeps[name].step(client.app):
            total += did
            if sweeps[name].thorough:
                break
        return total

    return run


@pytest.fixture
def world(pool: Pool, keys: KeyRing, config: Config) -> World:
    return World(pool, keys, config.public_url)


@dataclass
class Till:
    """One passenger's way through a payment."""

    client: TestClient
    world: World
    pool: Pool
    booking: Booking
    sweep: RunSweep
    owner: Owner

    @property
    def passenger(self) -> User:
        return self.booking.user

    async def call(
        self, method: str, path: str, body: Any = None, by: User | None = None, **headers: str
    ) -> tuple[int, Any]:
        who = self.world.bearer(by or self.passenger)
        async with self.client.request(method, path, json=body, headers={**who, **headers}) as answer:
            return answer.status, await answer.json()

    async def pay(self, by: User | None = None, booking: Booking | None = None, **headers: str) -> Any:
        body = {"booking_id": str((booking or self.booking).id)}
        return await self.call("POST", "/api/payments", body, by, **headers)

    async def new_payment(self) -> str:
        status, payment = await self.pay()
        assert status in {200, 201}, payment
        return str(payment["id"])

    async def confirm(self, payment_id: str, number: str = CARD["number"], **headers: str) -> tuple[int, Any]:
        body = {"card": {**CARD, "number": number}}
        return await self.call("POST", f"/api/payments/{payment_id}/confirm", body, **headers)

    async def answer(self, payment_id: str, code: str) -> tuple[int, Any]:
        return await self.call("POST", f"/api/payments/{payment_id}/confirm", {"challenge_code": code})

    async def show(self, payment_id: str) -> Any:
        status, payment = await self.call("GET", f"/api/payments/{payment_id}")
        assert status == 200, payment
        return payment

    async def settle(self) -> None:
        """Let the sandbox tell what came of everything, and let it be worked on."""
        await self.sweep(DELIVERY)
        await self.sweep(EVENTS)

    async def paid(self, number: str = CARD["number"]) -> str:
        payment_id = await self.new_payment()
        assert (await self.confirm(payment_id, number))[0] == 200
        await self.settle()
        return payment_id

    def operator(self) -> User:
        return self.world.user("operator", self.booking.company)

    async def refund(
        self, payment_id: str, amount: int | None = None, by: User | None = None, **headers: str
    ) -> tuple[int, Any]:
        body: dict[str, Any] = {"reason": "goodwill"}
        if amount is not None:
            body["amount"] = {"amount": amount, "currency": "INR"}
        by = by or self.operator()
        return await self.call("POST", f"/api/payments/{payment_id}/refunds", body, by, **headers)

    async def settle_refunds(self) -> None:
        await self.sweep(SENDING)
        await self.settle()

    async def owe(self, amount_minor: int) -> None:
        """Ticketing cancels the booking and says what it is owed."""
        await self.world.tell_booking(self.booking, status="cancelled", refund_due_minor=amount_minor)

    async def post_event(
        self, event: Any, *, secret: str | None = None, at_s: int | None = None, **headers: str
    ) -> tuple[int, Any]:
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        secret = secret or self.client.app[CONFIG].sandbox_webhook_secrets[0]
        signature = sign(body, [secret], at_s=at_s or int(time.time()))
        async with self.client.post(
            "/api/payments/webhooks/sandbox", data=body, headers={HEADER: signature, **headers}
        ) as answer:
            return answer.status, await answer.json()

    async def event(self, payment_id: str, kind: str = "payment.succeeded", **data: Any) -> dict[str, Any]:
        """An event as the sandbox would tell it of this payment."""
        row = await self.pool.fetchrow("SELECT * FROM payments WHERE id = $1::text::uuid", payment_id)
        told = {
            "payment_id": payment_id,
            "provider_ref": row["provider_ref"],
            "amount": row["amount_minor"],
            "currency": row["currency"],
        }
        return {
            "id": f"evt_{kind}_{data}",
            "type": kind,
            "created": "2026-05-01T00:00:00Z",
            "data": told | data,
        }

    async def ledger(self) -> list[tuple[str, str, int]]:
        rows = await self.pool.fetch("SELECT * FROM ledger ORDER BY id")
        return [
            (row["debit"].partition(":")[0], row["credit"].partition(":")[0], row["amount_minor"])
            for row in rows
        ]

    async def refunds(self) -> list[tuple[int, str]]:
        rows = await self.pool.fetch("SELECT amount_minor, status FROM refunds ORDER BY id")
        return [(row["amount_minor"], row["status"]) for row in rows]

    def woken(self, name: str) -> bool:
        return self.client.app[SWEEPER]._awake[name].is_set()  # ruff: ignore[private-member-access] — nobody else may ask


@pytest.fixture
async def till(
    client: TestClient, world: World, pool: Pool, sweep: RunSweep, owner: Owner
) -> AsyncIterator[Till]:
    """A held booking of two seats for 600.00."""
    booking = await world.booking()
    owner.knows(booking)
    yield Till(client, world, pool, booking, sweep, owner)
    await _assert_books_balance(pool)


async def _assert_books_balance(pool: Pool) -> None:
    """So after every test: captured money is in the ledger once, and no more went back than came."""
    async with pool.acquire() as conn:
        wrong = await conn.fetch(
            """SELECT p.id FROM payments p
               WHERE (p.status = 'succeeded') <> EXISTS (
                         SELECT FROM ledger l WHERE l.payment_id = p.id AND l.refund_id IS NULL)
                  OR p.amount_minor < (SELECT coalesce(sum(amount_minor), 0) FROM refunds r
                                       WHERE r.payment_id = p.id AND r.status <> 'failed')
               UNION ALL
               SELECT r.id FROM refunds r
               WHERE (r.status = 'succeeded') <> EXISTS (SELECT FROM ledger l WHERE l.refund_id = r.id)"""
        )
    found: list[UUID] = [row["id"] for row in wrong]
    assert not found
