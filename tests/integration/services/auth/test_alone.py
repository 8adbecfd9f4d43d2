"""With everybody else away the service does what is its own."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from services.auth.app import create_app

PASSWORD = "correct horse battery"
NOBODY = "127.0.0.1:9"  # the discard port: nothing listens there


@pytest.fixture
async def alone(aiohttp_client, config):
    """The service as in production, without Redis and without the strangler."""
    told = replace(config, redis_url=f"redis://{NOBODY}/0", strangler_url=f"http://{NOBODY}")
    made = await aiohttp_client(create_app(told))
    yield made
    await made.close()


async def test_people_register_log_in_and_renew_their_session(alone, pool):
    body = {"email": "asha@example.org", "password": PASSWORD, "full_name": "Asha Rao"}
    made = await alone.post("/api/auth/register", json=body)
    assert made.status == 201
    credentials = {"email": "asha@example.org", "password": PASSWORD}
    tokens = await (await alone.post("/api/auth/login", json=credentials)).json()
    token = {"refresh_token": tokens["refresh_token"]}
    assert (await alone.post("/api/auth/refresh", json=token)).status == 200
    assert (await alone.get("/readyz")).status == 200
    # what others will have to hear is kept until they can
    assert await pool.fetchval("SELECT count(*) FROM banyan.outbox") == 1


async def test_its_own_tokens_are_verified_with_its_own_keys(alone, world):
    user = await world.user()
    answers = await asyncio.gather(*(alone.get("/api/auth/me", headers=world.bearer(user)) for _ in range(5)))
    assert [answer.status for answer in answers] == [200] * 5
    keys = await (await alone.get("/.well-known/jwks.json")).json()
    assert len(keys["keys"]) == 1


async def test_an_operator_makes_staff_and_an_admin_hears_that_a_company_cannot_be_looked_up(alone, world):
    operator = world.bearer(await world.user(role="operator", company=(company := await world.company())))
    body = {"email": "d@x.example", "password": PASSWORD, "full_name": "D", "role": "driver"}
    made = await alone.post(f"/api/companies/{company.id}/staff", json=body, headers=operator)
    assert made.status == 201
    admin = world.bearer(await world.user(role="admin"))
    unknown = "/api/companies/00000000-0000-7000-8000-000000000000/staff"
    assert (await alone.get(unknown, headers=admin)).status == 503
