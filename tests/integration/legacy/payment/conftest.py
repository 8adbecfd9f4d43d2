"""Somebody with a held booking at the till; the sandbox's webhooks come over HTTP to the test's server."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp.test_utils import TestServer, unused_port

from common.sweeps import SWEEPER
from legacy.keys import CONFIG
from legacy.payment_sweeps import DELIVERY, EVENTS, SENDING
from legacy.rules.signatures import HEADER, sign
from tests.integration.legacy.world import Booking, User, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from uuid import UUID

    from aiohttp.test_utils import TestClient

    from common.database import Pool
    from legacy.config import Config

CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2040, "cvc": "123"}
DECLINED, POOR, CHALLENGE, SLOW, THRICE, NO_REFUNDS = (
    "4000000000000002",
    "4000000000009995",
    "4000000000003220",
    "4000000000000077",
    "4000000000000259",
    "4000000000000341",
)


@pytest.fixture
def config(config: Config) -> Config:
    """Webhooks go where the test's server will listen."""
    return replace(config, public_url=f"http://127.0.0.1:{unused_port()}")


@pytest.fixture
def world(pool: Pool, config: Config, world: World) -> World:
    return World(pool, world._keys, config.public_url)  # ruff: ignore[private-member-access] — the same, at the server's own address


@pytest.fixture
async def client(aiohttp_client: Any, app: Any, config: Config) -> TestClient:
    return await aiohttp_client(TestServer(app, port=int(config.public_url.rpartition(":")[2])))


@dataclass
class Till:
    """One passenger's way through a payment."""

    client: TestClient
    world: World
    pool: Pool
    booking: Booking
    sweep: Callable[[str], Awaitable[int]]

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

    async def operator(self) -> User:
        return await self.world.user("operator", self.booking.trip.company)

    async def refund(
        self, payment_id: str, amount: int | None = None, by: User | None = None, **headers: str
    ) -> tuple[int, Any]:
        body: dict[str, Any] = {"reason": "goodwill"}
        if amount is not None:
            body["amount"] = {"amount": amount, "currency": "INR"}
        by = by or await self.operator()
        return await self.call("POST", f"/api/payments/{payment_id}/refunds", body, by, **headers)

    async def settle_refunds(self) -> None:
        await self.sweep(SENDING)
        await self.settle()

    async def owe(self, amount: int | str) -> None:
        """Ticketing cancels the booking and says what it is owed."""
        await self.pool.execute(
            """UPDATE bookings SET status = 'cancelled', refund_due = $2::text::numeric, updated_at = now()
               WHERE id = $1""",
            self.booking.id,
            str(amount),
        )

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
            "amount": int(row["amount"] * 100),
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
            (row["debit"].partition(":")[0], row["credit"].partition(":")[0], int(row["amount"] * 100))
            for row in rows
        ]

    async def refunds(self) -> list[tuple[int, str]]:
        rows = await self.pool.fetch("SELECT amount, status FROM refunds ORDER BY id")
        return [(int(row["amount"] * 100), row["status"]) for row in rows]

    def woken(self, name: str) -> bool:
        return self.client.app[SWEEPER]._awake[name].is_set()  # ruff: ignore[private-member-access] — nobody else may ask


@pytest.fixture
async def till(client: TestClient, world: World, pool: Pool, sweep: Any) -> AsyncIterator[Till]:
    """A held booking of two seats for 600.00."""
    booking = await world.booking(await world.trip(), seats=("1A", "1B"), status="held")
    yield Till(client, world, pool, booking, sweep)
    await _assert_books_balance(pool)


async def _assert_books_balance(pool: Pool) -> None:
    """So after every test: captured money is in the ledger once, and no more went back than came."""
    async with pool.acquire() as conn:
        wrong = await conn.fetch(
            """SELECT p.id FROM payments p
               WHERE (p.status = 'succeeded') <> EXISTS (
                         SELECT FROM ledger l WHERE l.payment_id = p.id AND l.refund_id IS NULL)
                  OR p.amount < (SELECT coalesce(sum(amount), 0) FROM refunds r
                                 WHERE r.payment_id = p.id AND r.status <> 'failed')
               UNION ALL
               SELECT r.id FROM refunds r
               WHERE (r.status = 'succeeded') <> EXISTS (SELECT FROM ledger l WHERE l.refund_id = r.id)"""
        )
    found: list[UUID] = [row["id"] for row in wrong]
    assert not found
