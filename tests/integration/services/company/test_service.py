"""The service as a process: it starts, says that it is well, and does its own work when it is alone."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from services.company.app import create_app


@pytest.fixture
def nobody() -> str:
    """A local address at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{taken.getsockname()[1]}"


async def test_it_is_alive_and_ready(client):
    for path in ("/healthz", "/readyz", "/metrics", "/api/openapi/company.json"):
        async with client.get(path) as answer:
            assert answer.status == 200, path


async def test_without_redis_and_the_site_it_does_what_is_its_own(
    config, nobody, token_keys, world, pool, aiohttp_client
):
    alone = replace(config, redis_url=f"redis://{nobody}/0", strangler_url=f"http://{nobody}")
    client = await aiohttp_client(create_app(alone, token_keys))
    company = await world.company()
    trip = await world.trip(company)
    async with client.get("/readyz") as answer:
        assert answer.status == 200
    operator = world.operator(company)
    async with client.patch(f"/api/trips/{trip.id}", json={"delay_min": 5}, headers=operator) as answer:
        assert answer.status == 200
    told = await pool.fetchval("SELECT row -> 'delay_min' FROM banyan.outbox ORDER BY seq DESC LIMIT 1")
    assert told == 5
    driver = {"name": "Ravi", "licence": "DL 1", "user_id": str(company.id)}
    async with client.post(f"/api/companies/{company.id}/drivers", json=driver, headers=operator) as answer:
        assert answer.status == 503


async def test_without_the_issuers_keys_it_serves_those_who_need_no_token(
    config, nobody, world, aiohttp_client
):
    alone = replace(config, jwks_url=f"http://{nobody}/jwks.json", redis_url=f"redis://{nobody}/0")
    client = await aiohttp_client(create_app(alone))
    company = await world.company()
    async with client.get(f"/api/companies/{company.id}") as answer:
        assert answer.status == 200
    async with client.get(f"/api/companies/{company.id}/buses", headers=world.admin()) as answer:
        assert answer.status == 503
