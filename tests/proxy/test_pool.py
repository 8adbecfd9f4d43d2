"""Several addresses of one upstream: requests are shared between them, and go where somebody answers."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from strangler.config import Limits
from strangler.proxy.pool import Address, Pool
from tests.proxy.edge import QUICK, Edge, answer, open_edge, says

ONE, TWO = says(answer(b"one")), says(answer(b"two"))


async def test_requests_are_shared_between_addresses():
    async with open_edge(ONE, beside=(TWO,)) as edge:
        clients = [await edge.client() for _ in range(8)]
        bodies: Counter[bytes] = Counter()
        for _ in range(25):
            bodies.update(one.body for one in await asyncio.gather(*(c.ask("GET /route") for c in clients)))
        assert sum(bodies.values()) == 200
        assert bodies[b"one"] > 40
        assert bodies[b"two"] > 40


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_address_that_is_down_fails_no_request(method):
    async with open_edge(ONE, beside=(TWO,)) as edge:
        (other,) = edge.beside
        await other.stop(abort=True)
        client = await edge.client()
        for _ in range(50):
            assert (await client.ask(f"{method} /route")).body == b"one"
        states = {address.port: address.health.state for address in edge.board.pools["legacy"].addresses}
        assert states == {edge.legacy.port: "healthy", other.port: "ejected"}
        await other.start()
        async with asyncio.timeout(QUICK.upstream_idle_s / 2):  # not when its first connection has grown old
            while (await client.ask(f"{method} /route")).body != b"two":
                await asyncio.sleep(0.01)


async def test_connections_that_have_been_idle_for_long_are_closed_before_the_upstream_does(edge: Edge):
    client = await edge.client()
    assert (await client.ask("GET /route")).status == 200
    pool = edge.board.pools["legacy"]
    pool.tick(pool.addresses[0].idle[0].idle_since + QUICK.upstream_idle_s + 1)
    await edge.legacy.until(lambda upstream: upstream.closed == 1)
    assert (await client.ask("GET /route")).status == 200
    assert edge.legacy.connections == 2


async def test_the_less_busy_of_two_addresses_is_taken():
    pool = Pool("x", ("http://a:1", "http://b:2"), Limits(), QUICK)
    busy, free = pool.addresses
    busy.busy = 10
    chosen = Counter(pool._choose().label for _ in range(400))  # ruff: ignore[private-member-access] — the rule itself
    assert chosen[free.label] > 250
    assert chosen[busy.label] > 20
    await pool.close()


def test_an_address_without_a_port_is_at_80():
    assert (Address("http://legacy").host, Address("http://legacy").port) == ("legacy", 80)
    assert Address("http://[::1]:8010").host == "::1"
