from __future__ import annotations

from datetime import timedelta

import pytest

from common.ids import uuid7


async def test_a_good_code_is_ok_and_says_whose_it_is(gate):
    verdict = await gate.verify(trip_id=str(gate.trip.id), stop_seq=0)
    assert verdict["valid"] is True
    assert verdict["reason"] == "ok"
    assert verdict["ticket_id"] == str(gate.ticket_id)
    assert verdict["passenger_name"] == "Passenger 1A"
    assert verdict["seat"] == "1A"
    assert verdict["checked_in_at"] is None


async def test_verifying_changes_nothing(gate, pool):
    await gate.verify()
    assert (await gate.verify())["reason"] == "ok"
    assert await pool.fetchval("SELECT count(*) FROM scans") == 0


async def test_what_the_ticket_is_now_beats_what_was_signed(gate):
    code = gate.token()
    await gate.world.ticket(gate.booking, qr_serial=1)
    assert (await gate.verify(code))["reason"] == "revoked"
    assert (await gate.verify(gate.token(serial=1)))["reason"] == "ok"
    await gate.world.ticket(gate.booking, qr_serial=1, status="cancelled")
    assert (await gate.verify(gate.token(serial=1)))["reason"] == "cancelled"


async def test_a_cancelled_departure_takes_nobody(gate):
    await gate.world.trip_changed(gate.trip, status="cancelled")
    assert (await gate.verify())["reason"] == "cancelled"


@pytest.mark.parametrize(
    ("facts", "fields", "reason"),
    [
        ({"not_before": timedelta(hours=1), "expires_at": timedelta(hours=2)}, {}, "too_early"),
        ({"not_before": timedelta(hours=-9), "expires_at": timedelta(hours=-8)}, {}, "expired"),
        ({"trip_id": uuid7()}, {}, "wrong_trip"),
        ({}, {"trip_id": str(uuid7())}, "wrong_trip"),
        ({}, {"stop_seq": 3}, "wrong_leg"),
        ({}, {"stop_seq": 2}, "ok"),
        ({"ticket_id": uuid7()}, {}, "unknown"),
    ],
)
async def test_each_reason_of_a_code(gate, facts, fields, reason):
    times = {
        name: gate.trip.departs_at - timedelta(hours=2) + value
        for name, value in facts.items()
        if isinstance(value, timedelta)
    }
    assert (await gate.verify(gate.token(**facts | times), **fields))["reason"] == reason


async def test_a_code_that_we_did_not_sign(gate):
    token = gate.token()
    wrong = ("A" if token[100] != "A" else "B").join((token[:100], token[101:]))
    for code in (wrong, "HELLO", "hello world", "0" * 150):
        verdict = await gate.verify(code)
        assert verdict["reason"] == "bad_signature"
        assert {verdict[name] for name in verdict} == {False, "bad_signature", None}


async def test_another_companys_ticket_is_unknown_and_nothing_is_told_of_it(gate):
    stranger = gate.world.user("inspector", await gate.world.company())
    verdict = await gate.verify(by=stranger)
    assert {verdict[name] for name in verdict} == {False, "unknown", None}


async def test_all_staff_may_scan_and_passengers_may_not(gate):
    for role in ("operator", "driver"):
        assert (await gate.verify(by=gate.world.user(role, gate.trip.company)))["valid"]
    assert (await gate.verify(by=gate.world.user("admin")))["valid"]
    status, problem = await gate.post("/api/qr/verify", {"token": "x"}, gate.booking.user)
    assert (status, problem["type"]) == (403, "urn:banyan:problem:wrong-role")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "token"),
        ({"token": ""}, "token"),
        ({"token": "A" * 401}, "token"),
        ({"token": "A", "stop_seq": -1}, "stop_seq"),
        ({"token": "A", "trip_id": "x"}, "trip_id"),
        ({"token": "A", "why": 1}, "why"),
    ],
)
async def test_a_wrong_body_is_422(gate, body, field):
    status, problem = await gate.post("/api/qr/verify", body)
    assert status == 422
    assert field in problem["errors"]
