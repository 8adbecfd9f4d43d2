from __future__ import annotations

import base64
from datetime import timedelta
from io import BytesIO

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from PIL import Image

from services.qr.domain import base45
from services.qr.keys import CODE_KEYS


@pytest.fixture
async def booking(world):
    return await world.booking(await world.trip(), seats=("1A", "2B"))


async def test_the_owner_gets_a_code_that_says_what_the_ticket_is(client, world, booking):
    ticket_id = booking.ticket_ids[1]
    answer = await client.get(f"/api/tickets/{ticket_id}/qr", headers=world.bearer(booking.user))
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    body = await answer.json()
    facts = client.app[CODE_KEYS].read(body["token"])
    assert (facts.ticket_id, facts.seat, facts.from_seq, facts.to_seq) == (ticket_id, "2B", 0, 3)
    assert facts.is_for(booking.trip.id)
    assert facts.not_before == booking.trip.departs_at.replace(second=0) - timedelta(hours=24)
    assert facts.expires_at - booking.trip.arrives_at - timedelta(hours=24) < timedelta(minutes=1)
    assert {**body, "token": ""} == {
        "ticket_id": str(ticket_id),
        "token": "",
        "kid": facts.kid,
        "serial": 0,
        "not_before": facts.not_before.isoformat().replace("+00:00", "Z"),
        "expires_at": facts.expires_at.isoformat().replace("+00:00", "Z"),
    }


@pytest.mark.parametrize(
    ("query", "size"),
    [("format=png", 512), ("format=png&size=300&ec=Q", 300), ("format=png&size=64&ec=L", 64)],
)
async def test_a_code_as_png(client, world, booking, query, size):
    path = f"/api/tickets/{booking.ticket_ids[0]}/qr?{query}"
    answer = await client.get(path, headers=world.bearer(booking.user))
    assert answer.content_type == "image/png"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert Image.open(BytesIO(await answer.read())).size == (size, size)


async def test_an_image_is_sent_again_only_if_the_code_changed(client, world, booking):
    path, headers = f"/api/tickets/{booking.ticket_ids[0]}/qr?format=svg", world.bearer(booking.user)
    first = await client.get(path, headers=headers)
    assert first.content_type == "image/svg+xml"
    headers |= {"If-None-Match": first.headers["ETag"]}
    unchanged = await client.get(path, headers=headers)
    assert unchanged.status == 304
    assert unchanged.headers["Cache-Control"] == "private, no-cache"
    await world.ticket(booking, qr_serial=1)
    assert (await client.get(path, headers=headers)).status == 200


async def test_only_a_confirmed_ticket_has_a_code(client, world):
    booking = await world.booking(await world.trip(), status="cancelled")
    answer = await client.get(f"/api/tickets/{booking.ticket_ids[0]}/qr", headers=world.bearer(booking.user))
    assert answer.status == 409
    assert (await answer.json())["type"] == "urn:banyan:problem:not-confirmed"


async def test_a_code_is_for_its_owner_and_the_companys_staff(client, world, booking):
    path = f"/api/tickets/{booking.ticket_ids[0]}/qr"
    company, other = booking.trip.company, await world.company()
    seen = {
        "driver": world.user("driver", company),
        "operator": world.user("operator", company),
        "admin": world.user("admin"),
    }
    for who in seen.values():
        assert (await client.get(path, headers=world.bearer(who))).status == 200
    for stranger in (world.user(), world.user("operator", other)):
        assert (await client.get(path, headers=world.bearer(stranger))).status == 404
    assert (await client.get(path)).status == 401


@pytest.mark.parametrize("query", ["size=63", "size=2049", "ec=X", "format=gif", "color=red", "size=12px"])
async def test_a_wrong_query_is_422(client, world, booking, query):
    path = f"/api/tickets/{booking.ticket_ids[0]}/qr?{query}"
    answer = await client.get(path, headers=world.bearer(booking.user))
    assert answer.status == 422


async def test_a_ticket_that_is_none_is_404(client, world, booking):
    for ticket_id in ("nonsense", booking.id):
        answer = await client.get(f"/api/tickets/{ticket_id}/qr", headers=world.bearer(booking.user))
        assert answer.status == 404


async def test_anyone_may_have_the_keys_and_check_a_code_with_them(client, world, booking):
    answer = await client.get("/api/qr/keys")
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    (key,) = (await answer.json())["keys"]
    assert set(key) == {"kid", "alg", "public_key", "created_at", "retired"}
    shown = await client.get(f"/api/tickets/{booking.ticket_ids[0]}/qr", headers=world.bearer(booking.user))
    raw = base45.decode((await shown.json())["token"])
    assert raw[1] == key["kid"]
    public = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(key["public_key"] + "="))
    public.verify(raw[36:], raw[:36])
