"""The service as it runs: its sweeps, its relay and its consumer, with ticketing played by its stream."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import redis.asyncio as redis
from aiohttp.test_utils import TestServer

from common.events.event import REWOUND, Event, decode_entry, encode_entry, stream_of
from services.payment.app import create_app
from tests.integration.services.payment.conftest import CARD
from tests.integration.services.payment.world import change, event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PATIENCE_S = 20.0


class Ticketing:
    """Whoever tells of bookings."""

    def __init__(self, client) -> None:
        self._redis = client
        self._last = 0

    async def tell(self, booking, **changes: Any):
        if not self._last:
            await self._begin()
        change(booking, **changes)
        told = event(f"ticketing.booking.{booking.data['status']}", booking.data, self._last + 1)
        entry = encode_entry(told, prev=self._last, low=told.seq)
        await self._redis.xadd(stream_of("ticketing"), {"e": entry})
        self._last = told.seq

    async def _begin(self) -> None:
        """As a relay does for a listener that has asked: say from where, and only then what."""
        async with asyncio.timeout(PATIENCE_S):
            while not await self._redis.hexists(f"{stream_of('ticketing')}:wanted", "payment"):
                await asyncio.sleep(0.02)
        marker = Event("ticketing", 0, REWOUND, 1, "", datetime.now(UTC), {"since": 0})
        await self._redis.xadd(stream_of("ticketing"), {"e": encode_entry(marker, prev=0, low=0)})

    async def heard(self):
        """What payments have told, and of what."""
        entries = await self._redis.xrange(stream_of("payment"))
        told = [decode_entry(entry_id, content[b"e"]).event for entry_id, content in entries]
        return [(each.type, each.data["amount_minor"]) for each in told if each.type != REWOUND]


@pytest.fixture
async def ticketing(redis_url) -> AsyncIterator[Ticketing]:
    client = redis.Redis.from_url(redis_url)
    yield Ticketing(client)
    await client.aclose()


@asynccontextmanager
async def running(config, keys):
    server = TestServer(create_app(config, keys), port=int(config.public_url.rpartition(":")[2]))
    await server.start_server()
    try:
        yield
    finally:
        await server.close()


async def until(check):
    async with asyncio.timeout(PATIENCE_S):
        while not (found := await check()):
            await asyncio.sleep(0.02)
    return found


async def test_a_booking_that_ticketing_tells_of_is_paid_for_and_refunded_when_it_is_cancelled(
    config, keys, world, pool, ticketing, session
):
    booking = await world.booking(told=False)
    headers = world.bearer(booking.user)
    async with running(config, keys):
        await ticketing.tell(booking)
        await until(lambda: pool.fetchval("SELECT true FROM bookings WHERE source_seq > 0"))
        body = {"booking_id": str(booking.id)}
        async with session.post(f"{config.public_url}/api/payments", json=body, headers=headers) as answer:
            payment = await answer.json()
        path = f"{config.public_url}/api/payments/{payment['id']}"
        async with session.post(f"{path}/confirm", json={"card": CARD}, headers=headers) as answer:
            assert answer.status == 200
        await until(lambda: pool.fetchval("SELECT true FROM payments WHERE status = 'succeeded'"))
        await ticketing.tell(booking, status="cancelled", refund_due_minor=54_000)
        await until(lambda: pool.fetchval("SELECT true FROM refunds WHERE status = 'succeeded'"))

        async def is_told() -> Any:
            heard = await ticketing.heard()
            return heard and heard[-1] == ("payment.refund.succeeded", 54_000) and heard

        assert ("payment.payment.succeeded", 60_000) in await until(is_told)


async def test_money_that_came_before_the_process_died_is_told_when_it_is_back(
    config, keys, till, pool, ticketing
):
    """`till` is a process without a relay: whatever it does, nobody has been told."""
    await till.paid()
    assert await ticketing.heard() == []
    await till.client.close()
    async with running(config, keys):

        async def is_told() -> bool:
            return ("payment.payment.succeeded", 60_000) in await ticketing.heard()

        await until(is_told)
