"""With Redis, the strangler and everybody else gone the door stays open."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aiohttp.test_utils import unused_port

from common.keyring import KeyRing
from services.qr.app import create_app
from tests.integration.services.qr.conftest import Gate


@pytest.fixture
async def alone(aiohttp_client, config, key_files, gate):
    """The same gate, at a service that reaches nothing but its database."""
    nobody = f"127.0.0.1:{unused_port()}"
    app = create_app(
        replace(config, redis_url=f"redis://{nobody}/0", strangler_url=f"http://{nobody}"),
        verifier=KeyRing.from_file(key_files[0]),
    )
    client = await aiohttp_client(app)
    yield Gate(client, gate.world, gate.trip, gate.booking, gate.inspector)
    await client.close()


async def test_it_is_ready_and_lets_passengers_on(alone):
    assert (await alone.client.get("/readyz")).status == 200
    assert (await alone.verify())["reason"] == "ok"
    assert (await alone.check_in())[0] == 201
    assert (await alone.check_in())[1]["reason"] == "already_used"
    headers = alone.world.bearer(alone.booking.user)
    answer = await alone.client.get(f"/api/tickets/{alone.ticket_id}/qr", headers=headers)
    assert answer.status == 200


async def test_what_nobody_can_be_asked_about_is_neither_good_nor_bad(alone):
    await alone.world.ticket(alone.booking, status="expired")
    status, problem = await alone.post("/api/qr/verify", {"token": alone.token()})
    assert (status, problem["type"]) == (503, "urn:banyan:problem:unavailable")


async def test_its_routes_are_documented(alone):
    async with alone.client.get("/api/openapi/qr.json") as answer:
        paths = (await answer.json())["paths"]
    assert {"/api/qr/verify", "/api/check-ins", "/api/check-ins/batch", "/api/tickets/{id}/qr"} <= set(paths)
