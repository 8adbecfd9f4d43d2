from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from services.ticketing.service import waitlist

if TYPE_CHECKING:
    from aiohttp.test_utils import TestClient

    from common.database import Pool
    from tests.integration.services.ticketing.conftest import RunSweep
    from tests.integration.services.ticketing.world import Trip, User, World

SWEEP = "tell who waits for seats"
QUICK = "tell who waits for freed seats"


async def wait(
    client: TestClient,
    world: World,
    user: User,
    trip: Trip,
    seats: int = 1,
    from_seq: int = 0,
    to_seq: int = 3,
) -> tuple[int, Any]:
    answer = await client.post(
        f"/api/trips/{trip.id}/waitlist",
        json={"from_seq": from_seq, "to_seq": to_seq, "seats": seats},
        headers=world.bearer(user),
    )
    return answer.status, await answer.json()


async def states(pool: Pool) -> list[str]:
    return [row["status"] for row in await pool.fetch("SELECT status FROM waitlist ORDER BY id")]


async def free(pool: Pool, *seats: str) -> None:
    await pool.execute("UPDATE seat_claims SET status = 'cancelled' WHERE seat = ANY($1)", list(seats))


async def sold_out(world: World) -> Trip:
    trip = await world.trip(rows=1)
    await world.booking(trip, seats=list(trip.layout.seats))
    return trip


async def test_who_waits_knows_the_place_in_the_queue(client, world) -> None:
    trip = await sold_out(world)
    users = [await world.user() for _ in range(3)]
    positions = [
        (await wait(client, world, user, trip, from_seq=from_seq))[1]["position"]
        for user, from_seq in zip(users, (0, 0, 2), strict=True)
    ]
    assert positions == [1, 2, 3]
    mine = await client.get("/api/waitlist", headers=world.bearer(users[1]))
    (entry,) = (await mine.json())["items"]
    assert (entry["position"], entry["status"]) == (2, "waiting")
    assert (await client.delete(f"/api/waitlist/{entry['id']}", headers=world.bearer(users[0]))).status == 404
    assert (await client.delete(f"/api/waitlist/{entry['id']}", headers=world.bearer(users[1]))).status == 204
    mine = await client.get("/api/waitlist", headers=world.bearer(users[1]))
    (entry,) = (await mine.json())["items"]
    assert (entry["position"], entry["status"]) == (None, "cancelled")
    assert (await wait(client, world, users[1], trip))[0] == 201


async def test_nobody_waits_twice_for_what_is_free_or_for_what_is_gone(client, world, pool: Pool) -> None:
    trip, user = await sold_out(world), await world.user()
    assert (await wait(client, world, user, trip))[0] == 201
    assert (await wait(client, world, user, trip))[1]["type"].endswith("already-waiting")
    other = await world.user()
    open_trip = await world.trip()
    assert (await wait(client, world, other, open_trip))[1]["type"].endswith("seats-available")
    assert (await wait(client, world, other, trip, seats=5))[0] == 422
    assert (await wait(client, world, other, trip, from_seq=2, to_seq=2))[0] == 422
    await pool.execute("UPDATE trips SET status = 'cancelled'")
    assert (await wait(client, world, other, trip))[1]["type"].endswith("trip-closed")


async def test_the_longest_wait_is_told_first_and_seats_are_promised_once(
    client, world, pool: Pool, sweep: RunSweep
) -> None:
    trip = await sold_out(world)
    users = [await world.user() for _ in range(4)]
    for user, seats in zip(users, (2, 1, 1, 1), strict=True):
        await wait(client, world, user, trip, seats)
    assert await sweep(SWEEP) == 0
    await free(pool, "1A")
    assert await sweep(SWEEP) == 1  # not enough for the first
    assert await states(pool) == ["waiting", "notified", "waiting", "waiting"]
    mail = await pool.fetchrow("SELECT * FROM mails")
    assert mail["recipient"] == users[1].email
    assert f"/trips/{trip.id}?from=0&to=3&passengers=1" in mail["body"]
    assert await sweep(SWEEP) == 0  # the seat is promised for a while
    await free(pool, "1B", "1C")
    assert await sweep(SWEEP) == 1
    assert await states(pool) == ["notified", "notified", "waiting", "waiting"]
    await pool.execute("UPDATE waitlist SET notified_at = notified_at - interval '16 minutes'")
    assert await sweep(SWEEP) == 2  # nobody took them up


async def test_who_has_booked_holds_no_promise_any_more(client, world, pool: Pool, sweep: RunSweep) -> None:
    trip = await sold_out(world)
    first, second = await world.user(), await world.user()
    for user in (first, second):
        await wait(client, world, user, trip)
    await free(pool, "1A", "1B")
    await pool.execute("UPDATE waitlist SET seats = 2 WHERE user_id = $1", first.id)
    assert await sweep(SWEEP) == 1
    await world.booking(trip, first, seats=["1A"])
    assert await sweep(SWEEP) == 1
    assert await states(pool) == ["notified", "notified"]


async def test_seats_on_another_stretch_are_no_use(client, world, pool: Pool, sweep: RunSweep) -> None:
    trip = await world.trip(rows=1)
    for stretch in ((0, 1), (1, 3)):
        await world.booking(trip, seats=list(trip.layout.seats), from_seq=stretch[0], to_seq=stretch[1])
    whole, short = await world.user(), await world.user()
    await wait(client, world, whole, trip)
    await wait(client, world, short, trip, from_seq=0, to_seq=1)
    await pool.execute("UPDATE seat_claims SET status = 'cancelled' WHERE segment = '[0,1)'")
    assert await sweep(SWEEP) == 1
    assert await states(pool) == ["waiting", "notified"]


@pytest.mark.parametrize("how", ["status = 'cancelled'", "departs_at = now() - interval '1 hour'"])
async def test_waiting_ends_with_the_trip(client, world, pool: Pool, sweep: RunSweep, how: str) -> None:
    trip = await sold_out(world)
    await wait(client, world, await world.user(), trip)
    await pool.execute(f"UPDATE trips SET {how}")
    await free(pool, "1A")
    assert await sweep(SWEEP) == 0
    assert await states(pool) == ["cancelled"]


async def test_a_hold_that_ends_frees_its_seat_for_those_who_wait(
    client, world, pool: Pool, sweep: RunSweep
) -> None:
    trip = await world.trip(rows=1)
    await world.booking(trip, seats=["1A", "1B", "1C"])
    await world.booking(
        trip, seats=["1D"], status="held", expires_at=datetime.now(UTC) + timedelta(minutes=1)
    )
    await wait(client, world, await world.user(), trip)
    assert await sweep(SWEEP) == 0
    await pool.execute("UPDATE seat_claims SET expires_at = now() WHERE status = 'held'")
    assert await sweep(SWEEP) == 1


async def test_seats_that_are_given_back_are_offered_at_once(
    client, world, pool: Pool, sweep: RunSweep
) -> None:
    trip = await world.trip(rows=1)
    booking = await world.booking(trip, seats=list(trip.layout.seats))
    user = await world.user()
    await wait(client, world, user, trip)
    assert await sweep(QUICK) == 0
    await client.post(
        f"/api/bookings/{booking.id}/cancel",
        json={"ticket_ids": [str(booking.ticket_ids[0])]},
        headers=world.bearer(booking.user),
    )
    assert await sweep(QUICK) == 1
    assert await sweep(QUICK) == 0
    assert await states(pool) == ["notified"]


async def test_a_release_that_the_quick_sweep_missed_is_found_by_the_thorough_one(
    client, world, pool: Pool, sweep: RunSweep, monkeypatch
) -> None:
    monkeypatch.setattr(waitlist, "PAGE", 1)
    for _ in range(3):
        await wait(client, world, await world.user(), await sold_out(world))
    await pool.execute("UPDATE seat_claims SET status = 'cancelled'")
    await pool.execute("UPDATE tickets SET status = 'cancelled', updated_at = now() - interval '1 hour'")
    await pool.execute("UPDATE waitlist SET created_at = now() - interval '2 hours'")
    assert await sweep(QUICK) == 0
    assert await sweep(SWEEP) == 3
    assert await states(pool) == ["notified"] * 3


async def test_a_promise_that_lapses_is_soon_the_next_ones(
    client, world, pool: Pool, sweep: RunSweep
) -> None:
    trip = await sold_out(world)
    for _ in range(2):
        await wait(client, world, await world.user(), trip)
    await free(pool, "1A")
    assert await sweep(QUICK) == 1
    await pool.execute("UPDATE waitlist SET created_at = now() - interval '2 hours'")
    assert await sweep(QUICK) == 0
    await pool.execute("UPDATE waitlist SET notified_at = notified_at - interval '15 minutes 5 seconds'")
    assert await sweep(QUICK) == 1
    assert await states(pool) == ["notified", "notified"]


async def test_who_gives_up_the_seats_that_they_were_told_of_lets_the_next_one_know(
    client, world, pool: Pool, sweep: RunSweep
) -> None:
    trip = await sold_out(world)
    first, second = await world.user(), await world.user()
    _, entry = await wait(client, world, first, trip)
    await wait(client, world, second, trip)
    await free(pool, "1A")
    assert await sweep(QUICK) == 1
    await pool.execute("UPDATE waitlist SET created_at = now() - interval '2 hours'")
    assert await sweep(QUICK) == 0
    assert (await client.delete(f"/api/waitlist/{entry['id']}", headers=world.bearer(first))).status == 204
    assert await sweep(QUICK) == 1
    assert await states(pool) == ["cancelled", "notified"]
