from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

if TYPE_CHECKING:
    from aiohttp import ClientResponse

    from tests.integration.services.qr.conftest import Gate
    from tests.integration.services.qr.world import User


def ago(minutes: float) -> str:
    return (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


async def offline_list(gate: Gate, by: User | None = None, **headers: str) -> ClientResponse:
    return await gate.client.get(
        f"/api/trips/{gate.trip.id}/offline-list",
        headers={**gate.world.bearer(by or gate.inspector), **headers},
    )


async def test_the_list_has_keys_passengers_and_what_is_revoked(gate):
    first, second, third = gate.booking.ticket_ids
    await gate.world.ticket(gate.booking, 0, qr_serial=2)
    await gate.world.ticket(gate.booking, 1, status="cancelled")
    await gate.check_in(gate.scan(gate.token(2)))
    answer = await offline_list(gate)
    body = await answer.json()
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert [key["alg"] for key in body["keys"]] == ["Ed25519"]
    tickets = {ticket["ticket_id"]: ticket for ticket in body["tickets"]}
    assert tickets[str(first)]["serial"] == 2
    assert tickets[str(second)]["status"] == "cancelled"
    assert tickets[str(third)]["checked_in_at"] is not None
    assert {(code["ticket_id"], code["serial"]) for code in body["revoked"]} == {
        (str(first), 0),
        (str(first), 1),
        (str(second), 0),
    }


async def test_the_list_is_sent_again_only_if_it_changed(gate):
    first = await offline_list(gate)
    headers = {"If-None-Match": first.headers["ETag"]}
    assert (await offline_list(gate, **headers)).status == 304
    await gate.check_in()
    assert (await offline_list(gate, **headers)).status == 200


async def test_the_list_is_for_the_companys_staff(gate):
    stranger = gate.world.user("driver", await gate.world.company())
    assert (await offline_list(gate, stranger)).status == 404
    assert (await offline_list(gate, gate.booking.user)).status == 403


async def test_what_was_scanned_offline_is_recorded_as_it_happened(gate, pool):
    scans = [gate.scan(gate.token(place), scanned_at=ago(10 - place), device_id="d1") for place in range(2)]
    result = await gate.batch(*scans)
    assert [item["result"] for item in result["items"]] == ["recorded", "recorded"]
    assert (result["recorded"], result["duplicates"], result["refused"]) == (2, 0, 0)
    rows = await pool.fetch("SELECT * FROM scans ORDER BY scanned_at")
    assert [row["offline"] for row in rows] == [True, True]
    assert [str(row["id"]) for row in rows] == [item["check_in_id"] for item in result["items"]]
    assert [row["duplicate"] for row in rows] == [False, False]


async def test_a_second_devices_scan_is_recorded_as_a_duplicate(gate, pool):
    other = gate.world.user("driver", gate.trip.company)
    first = await gate.batch(gate.scan(scanned_at=ago(5), device_id="d1"))
    second = await gate.batch(gate.scan(scanned_at=ago(9), device_id="d2"), by=other)
    assert first["items"][0]["duplicate"] is False
    assert second["items"][0] | {"nonce": "", "check_in_id": ""} == {
        "nonce": "",
        "result": "recorded",
        "reason": "already_used",
        "duplicate": True,
        "check_in_id": "",
    }
    assert second["duplicates"] == 1
    assert await pool.fetchval("SELECT count(*) FROM scans WHERE recorded") == 2
    scanned_by = await pool.fetchval("SELECT scanned_by FROM scans WHERE recorded AND NOT duplicate")
    assert scanned_by == gate.inspector.id  # who came first stays first, whatever the other's clock says


async def test_in_one_batch_the_earliest_scan_is_the_check_in(gate):
    late, early = gate.scan(scanned_at=ago(1)), gate.scan(scanned_at=ago(8))
    result = await gate.batch(late, early)
    assert [item["duplicate"] for item in result["items"]] == [True, False]


async def test_a_batch_sent_again_is_replayed(gate, pool):
    scans = [gate.scan(scanned_at=ago(3)), gate.scan("NO CODE", scanned_at=ago(2))]
    first, again = await gate.batch(*scans), await gate.batch(*scans)
    assert [item["result"] for item in first["items"]] == ["recorded", "refused"]
    assert [item["result"] for item in again["items"]] == ["replayed", "replayed"]
    assert again["items"][0]["check_in_id"] == first["items"][0]["check_in_id"]
    assert (again["recorded"], again["duplicates"], again["refused"]) == (0, 0, 0)
    assert await pool.fetchval("SELECT count(*) FROM scans") == 2


async def test_a_scan_that_was_answered_online_too_is_one_scan(gate):
    scan = gate.scan()
    _, made = await gate.check_in(scan)
    result = await gate.batch(scan | {"scanned_at": ago(1)})
    assert result["items"][0]["result"] == "replayed"
    assert result["items"][0]["check_in_id"] == made["id"]


async def test_refused_scans_are_kept_with_their_reason(gate, pool):
    await gate.world.ticket(gate.booking, status="cancelled")
    stranger = await gate.world.trip()
    result = await gate.batch(
        gate.scan(scanned_at=ago(4)),
        gate.scan("NO CODE", scanned_at=ago(3)),
        gate.scan(gate.token(1), scanned_at=ago(2), trip_id=str(stranger.id)),
        gate.scan(gate.token(1), scanned_at=ago(1), trip_id=str(uuid4())),
    )
    assert [item["reason"] for item in result["items"]] == [
        "cancelled",
        "bad_signature",
        "wrong_trip",
        "wrong_trip",
    ]
    assert result["refused"] == 4
    assert {item["check_in_id"] for item in result["items"]} == {None}
    kept = await pool.fetch("SELECT result, recorded FROM scans ORDER BY scanned_at")
    assert [tuple(row) for row in kept] == [("cancelled", False), ("bad_signature", False)]


async def test_a_code_is_judged_as_of_when_it_was_scanned(gate):
    now = datetime.now(UTC)
    token = gate.token(not_before=now - timedelta(hours=3), expires_at=now - timedelta(hours=1))
    result = await gate.batch(gate.scan(token, scanned_at=ago(30)), gate.scan(token, scanned_at=ago(120)))
    assert [item["reason"] for item in result["items"]] == ["expired", "ok"]


async def test_a_clock_that_is_ahead_does_not_scan_in_the_future(gate, pool):
    await gate.batch(gate.scan(scanned_at=ago(-90)))
    scanned_at = await pool.fetchval("SELECT scanned_at FROM scans")
    assert scanned_at <= datetime.now(UTC)


async def test_what_was_scanned_was_so_no_later_than_it_is_recorded(gate, pool):
    await gate.batch(gate.scan(scanned_at=ago(-90)))
    assert await pool.fetchval("SELECT scanned_at <= recorded_at FROM scans")


async def test_a_nonce_that_was_used_for_another_ticket_is_an_error_of_its_scan(gate, pool):
    first = gate.scan(gate.token(0), scanned_at=ago(9))
    await gate.batch(first)
    fresh, other = gate.scan(gate.token(1), scanned_at=ago(8)), gate.token(2)
    scans = [
        first,
        first | {"token": other},
        fresh,
        fresh | {"token": other, "scanned_at": ago(7)},
    ]
    status, problem = await gate.post("/api/check-ins/batch", {"scans": scans})
    assert status == 422
    assert set(problem["errors"]) == {"scans.1.nonce", "scans.3.nonce"}
    assert await pool.fetchval("SELECT count(*) FROM scans") == 1  # all of a batch, or nothing


@pytest.mark.parametrize("readable_first", [True, False])
async def test_a_scan_whose_key_came_or_went_meanwhile_is_replayed(gate, pool, readable_first):
    """A key that is not ours makes the code unreadable, like any text that is no code."""
    readable = gate.scan(scanned_at=ago(3))
    unreadable = readable | {"token": "NO CODE"}
    first, again = (readable, unreadable) if readable_first else (unreadable, readable)
    fresh = gate.scan(gate.token(1), scanned_at=ago(2))
    [before] = (await gate.batch(first))["items"]
    replayed, recorded = (await gate.batch(again, fresh))["items"]
    assert replayed == before | {"result": "replayed"}
    assert recorded["result"] == "recorded"
    assert await pool.fetchval("SELECT count(*) FROM scans") == 2


async def test_a_scan_of_an_unknown_ticket_is_replayed_too(gate):
    departure = await gate.world.trip()
    by = gate.world.user("inspector", departure.company)
    scan = gate.scan(scanned_at=ago(3), trip_id=str(departure.id))
    first, again = await gate.batch(scan, by=by), await gate.batch(scan, by=by)
    assert [item["items"][0]["result"] for item in (first, again)] == ["refused", "replayed"]
    assert again["items"][0]["reason"] == "unknown"


async def test_two_devices_that_come_online_at_once(gate, pool):
    other = gate.world.user("driver", gate.trip.company)
    tokens = [gate.token(place) for place in range(3)]
    batches = [
        [gate.scan(token, scanned_at=ago(5)) for token in (tokens if by is other else tokens[::-1])]
        for by in (gate.inspector, other)
        for _ in range(3)
    ]
    users = [gate.inspector] * 3 + [other] * 3
    results = await asyncio.gather(
        *(gate.batch(*scans, by=by) for scans, by in zip(batches, users, strict=True))
    )
    assert sum(result["recorded"] for result in results) == 18
    assert sum(result["duplicates"] for result in results) == 15
    assert await pool.fetchval("SELECT count(*) FROM scans WHERE NOT duplicate") == 3


@pytest.mark.parametrize("count", [0, 501])
async def test_a_batch_has_1_to_500_scans(gate, count):
    scan = gate.scan("X", scanned_at=ago(1))
    status, problem = await gate.post("/api/check-ins/batch", {"scans": [scan] * count})
    assert status == 422
    assert "scans" in problem["errors"]


async def test_an_error_names_the_scan(gate):
    status, problem = await gate.post(
        "/api/check-ins/batch", {"scans": [gate.scan(scanned_at=ago(1)), gate.scan(scanned_at="yesterday")]}
    )
    assert status == 422
    assert set(problem["errors"]) == {"scans.1.scanned_at"}
