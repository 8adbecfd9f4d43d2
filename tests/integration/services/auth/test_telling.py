"""What others hear of accounts: one event for each change, in the transaction that made it."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
import redis.asyncio as redis

from services.auth.events import USER_CHANGED
from services.auth.service.accounts import create_admin

PASSWORD = "correct horse battery"


@pytest.fixture
async def stream(redis_url):
    """`await stream(n)`: the first n events that the service has published, when there are so many."""
    client = redis.Redis.from_url(redis_url, protocol=2)

    async def read(count: int) -> list[Any]:
        async with asyncio.timeout(10):
            while True:
                entries = await client.xrange("events:auth")
                events = [
                    said
                    for _, fields in entries
                    for value in fields.values()
                    if (said := orjson.loads(value)).get("type") == USER_CHANGED.type
                ]
                if len(events) >= count:
                    return events
                await asyncio.sleep(0.01)

    yield read
    await client.aclose()


async def register(client):
    body = {
        "email": "Asha@example.org",
        "password": PASSWORD,
        "full_name": "Asha Rao",
        "phone": "+91 98450 12345",
        "locale": "hi",
    }
    return await (await client.post("/api/auth/register", json=body)).json()


async def test_a_new_account_is_told_with_all_that_a_profile_starts_from(live_client, stream):
    tokens = await register(live_client)
    (event,) = await stream(1)
    assert event["subject"] == tokens["user"]["id"]
    assert event["data"].keys() == USER_CHANGED.fields.keys()
    told = {name: event["data"][name] for name in ("email", "role", "full_name", "phone", "locale")}
    assert told == {
        "email": "asha@example.org",
        "role": "passenger",
        "full_name": "Asha Rao",
        "phone": "+919845012345",
        "locale": "hi",
    }


async def test_nothing_is_told_of_passwords(live_client, stream):
    await register(live_client)
    assert "argon2" not in str(await stream(1))


async def test_a_change_by_an_admin_a_new_colleague_and_a_new_admin_are_told(
    live_client, stream, world, database
):
    tokens = await register(live_client)
    company = await world.company()
    admin = world.bearer(await world.user(role="admin"))
    changes = {"role": "operator", "company_id": str(company.id)}
    await live_client.patch(f"/api/users/{tokens['user']['id']}", json=changes, headers=admin)
    body = {"email": "d@staff.example", "password": PASSWORD, "full_name": "D", "role": "driver"}
    await live_client.post(f"/api/companies/{company.id}/staff", json=body, headers=admin)
    await create_admin(database, "root@banyan.example", "Root", PASSWORD)
    told = [(event["data"]["role"], event["data"]["company_id"]) for event in await stream(5)]
    here = str(company.id)
    assert told == [
        ("passenger", None),
        ("admin", None),
        ("operator", here),
        ("driver", here),
        ("admin", None),
    ]


async def test_logging_in_and_out_changes_nobody(client, pool):
    tokens = await register(client)
    before = await pool.fetchval("SELECT count(*) FROM banyan.outbox")
    await client.post("/api/auth/login", json={"email": "asha@example.org", "password": PASSWORD})
    await client.post("/api/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    await client.post("/api/auth/logout", json={"refresh_token": tokens["refresh_token"]})
    assert await pool.fetchval("SELECT count(*) FROM banyan.outbox") == before
