from __future__ import annotations

import asyncio
from collections import Counter
from uuid import uuid4

import pytest


async def test_a_check_in_is_made_and_kept(gate, pool):
    body = gate.scan(device_id="gate 4", stop_seq=0)
    status, made = await gate.check_in(body)
    assert status == 201
    assert made["ticket_id"] == str(gate.ticket_id)
    assert made["nonce"] == body["nonce"]
    assert made["duplicate"] is False
    assert made["scanned_by"] == str(gate.inspector.id)
    scan = await pool.fetchrow("SELECT * FROM scans")
    assert (scan["ticket_id"], scan["scanned_by"]) == (gate.ticket_id, gate.inspector.id)
    assert scan["company_id"] == gate.trip.company.id
    assert (await gate.verify())["reason"] == "already_used"
    async with gate.client.get(
        f"/api/trips/{gate.trip.id}/check-ins", headers=gate.world.bearer(gate.inspector)
    ) as answer:
        (listed,) = (await answer.json())["items"]
    assert listed["id"] == made["id"]
    assert listed["device_id"] == "gate 4"
    assert listed["offline"] is False


async def test_a_second_scan_is_refused_with_the_verdict(gate):
    assert (await gate.check_in())[0] == 201
    status, problem = await gate.check_in()
    assert (status, problem["type"]) == (409, "urn:banyan:problem:check-in-refused")
    assert problem["reason"] == "already_used"
    assert problem["verdict"]["passenger_name"] == "Passenger 1A"
    assert problem["verdict"]["checked_in_at"] is not None


async def test_the_same_nonce_is_the_same_scan(gate, pool):
    body = gate.scan()
    first = await gate.check_in(body)
    again = await gate.check_in(body)
    assert (first[0], again[0]) == (201, 200)
    assert first[1] == again[1]
    assert await pool.fetchval("SELECT count(*) FROM scans") == 1


async def test_a_nonce_is_for_one_ticket(gate):
    body = gate.scan()
    await gate.check_in(body)
    status, problem = await gate.check_in(gate.scan(gate.token(1), nonce=body["nonce"]))
    assert status == 422
    assert "nonce" in problem["errors"]
    assert (await gate.check_in(gate.scan(gate.token(1))))[0] == 201


async def test_an_idempotency_key_replays_the_first_answer(gate):
    body = gate.scan()
    first = await gate.check_in(body, **{"Idempotency-Key": "k1"})
    assert await gate.check_in(body, **{"Idempotency-Key": "k1"}) == first
    status, _ = await gate.check_in(gate.scan(gate.token(1)), **{"Idempotency-Key": "k1"})
    assert status == 422


async def test_two_inspectors_at_once_let_one_passenger_on(gate, pool):
    other = gate.world.user("driver", gate.trip.company)
    answers = await asyncio.gather(
        *(gate.check_in(gate.scan(), by) for by in (gate.inspector, other) for _ in range(16))
    )
    assert Counter(status for status, _ in answers) == {201: 1, 409: 31}
    assert {body["reason"] for status, body in answers if status == 409} == {"already_used"}
    assert await pool.fetchval("SELECT count(*) FROM scans WHERE recorded") == 1


async def test_one_scan_retried_at_once_is_one_scan(gate, pool):
    body = gate.scan()
    answers = await asyncio.gather(*(gate.check_in(body) for _ in range(16)))
    assert Counter(status for status, _ in answers) == {201: 1, 200: 15}
    assert len({answer["id"] for _, answer in answers}) == 1
    assert await pool.fetchval("SELECT count(*) FROM scans") == 1


async def test_what_may_not_board_is_refused_with_its_reason(gate, pool):
    assert (await gate.check_in(gate.scan(stop_seq=3)))[1]["reason"] == "wrong_leg"
    other = await gate.world.trip(gate.trip.company)
    assert (await gate.check_in(gate.scan(trip_id=str(other.id))))[1]["reason"] == "wrong_trip"
    assert (await gate.check_in(gate.scan("NO CODE")))[1]["reason"] == "bad_signature"
    stranger = gate.world.user("inspector", await gate.world.company())
    status, problem = await gate.check_in(by=stranger)
    assert (status, problem["reason"], problem["verdict"]["seat"]) == (409, "unknown", None)
    assert await pool.fetchval("SELECT count(*) FROM scans") == 0


@pytest.mark.parametrize(
    "change",
    [{"nonce": "short"}, {"nonce": "with blank!"}, {"nonce": "x" * 65}, {"trip_id": None}, {"token": 5}],
)
async def test_a_wrong_body_is_422(gate, change):
    status, problem = await gate.check_in(gate.scan(**change))
    assert status == 422
    assert set(problem["errors"]) == set(change)


async def test_the_list_is_in_pages_and_for_staff_alone(gate):
    for place in range(3):
        assert (await gate.check_in(gate.scan(gate.token(place))))[0] == 201
    path, headers = f"/api/trips/{gate.trip.id}/check-ins", gate.world.bearer(gate.inspector)
    seats, cursor = [], ""
    for _ in range(3):
        async with gate.client.get(f"{path}?limit=1{cursor}", headers=headers) as answer:
            page = await answer.json()
        seats += [item["seat"] for item in page["items"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert seats == ["1A", "1B", "2A"]
    assert page["next_cursor"] is None
    stranger = gate.world.user("operator", await gate.world.company())
    assert (await gate.client.get(path, headers=gate.world.bearer(stranger))).status == 404
    assert (await gate.client.get(path, headers=gate.world.bearer(gate.booking.user))).status == 403
    assert (await gate.client.get(f"/api/trips/{uuid4()}/check-ins", headers=headers)).status == 404
