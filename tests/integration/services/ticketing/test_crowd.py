"""Many at once: what the database must keep true when everybody wants the same seats."""

from __future__ import annotations

import asyncio
import itertools
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from common.database import POOL, open_pool
from services.ticketing.desk import desk_of
from services.ticketing.repository import holds
from services.ticketing.service import settlement

if TYPE_CHECKING:
    from aiohttp.test_utils import TestClient

    from common.database import Pool
    from tests.integration.services.ticketing.world import Booking, Trip, User, World

LEGS = 3


async def try_hold(
    client: TestClient, world: World, user: User, trip: Trip, seats: list[str], from_seq: int, to_seq: int
) -> tuple[int, Any]:
    body = {
        "trip_id": str(trip.id),
        "from_seq": from_seq,
        "to_seq": to_seq,
        "passengers": [{"seat": seat, "name": "Asha"} for seat in seats],
    }
    answer = await client.post("/api/bookings", json=body, headers=world.bearer(user))
    return answer.status, await answer.json()


async def nothing_is_sold_twice(pool: Pool) -> None:
    """Looked for without the constraint's help, leg by leg."""
    twice = await pool.fetch(
        """SELECT trip_id, seat, leg, count(*)
           FROM seat_claims, generate_series(lower(segment), upper(segment) - 1) leg
           WHERE status IN ('held', 'confirmed') GROUP BY 1, 2, 3 HAVING count(*) > 1"""
    )
    assert twice == []
    split = await pool.fetch(
        """SELECT t.id FROM tickets t
           LEFT JOIN seat_claims c ON c.ticket_id = t.id
           LEFT JOIN bookings b ON b.id = t.booking_id
           WHERE c.status IS DISTINCT FROM t.status
              OR (t.status <> b.status AND t.status <> 'cancelled') OR c.seat <> t.seat"""
    )
    assert split == []


async def test_64_clients_sell_each_leg_of_50_seats_once_and_all_of_them(client, world, pool: Pool) -> None:
    trip = await world.trip(rows=13)  # 52 seats
    seats = list(trip.layout.seats[:50])
    users = [await world.user() for _ in range(64)]
    # Everybody wants legs of seats until none is left to want; every stretch overlaps some other.
    wanted = [
        (seat, *stretch) for seat in seats for stretch in ((0, 1), (1, 2), (2, 3), (0, 2), (1, 3), (0, 3))
    ]
    random.Random(7).shuffle(wanted)
    queue = iter(wanted)
    outcomes: list[int] = []

    async def buy(user: User) -> None:
        for seat, from_seq, to_seq in queue:
            status, booking = await try_hold(client, world, user, trip, [seat], from_seq, to_seq)
            outcomes.append(status)
            if status == 201:  # paid at once, so that no cap stops the crowd
                await pool.execute(
                    "UPDATE bookings SET status = 'confirmed', user_id = $2 WHERE id = $1",
                    booking["id"],
                    bystander.id,
                )
                await pool.execute(
                    "UPDATE tickets SET status = 'confirmed' WHERE booking_id = $1", booking["id"]
                )
                await pool.execute(
                    "UPDATE seat_claims SET status = 'confirmed' WHERE booking_id = $1", booking["id"]
                )

    bystander = await world.user()
    await asyncio.gather(*(buy(user) for user in users))
    assert set(outcomes) == {201, 409}
    await nothing_is_sold_twice(pool)
    legs_sold = await pool.fetchval(
        "SELECT sum(upper(segment) - lower(segment)) FROM seat_claims WHERE status = 'confirmed'"
    )
    assert legs_sold == 50 * LEGS


async def test_orders_of_several_seats_in_any_order_never_lock_each_other_out(
    client, world, pool: Pool
) -> None:
    trip = await world.trip(rows=3)
    seats = list(trip.layout.seats)
    users = [await world.user() for _ in range(24)]
    dice = random.Random(11)

    async def buy(user: User) -> list[int]:
        return [(await try_hold(client, world, user, trip, dice.sample(seats, 4), 0, 3))[0] for _ in range(6)]

    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    before = await pool.fetchval(deadlocks)
    statuses = list(itertools.chain(*await asyncio.gather(*(buy(user) for user in users))))
    assert set(statuses) <= {201, 409}
    assert 1 <= statuses.count(201) <= 3
    await nothing_is_sold_twice(pool)
    assert await pool.fetchval(deadlocks) == before


async def test_stale_holds_are_expired_by_many_at_once_without_waiting_in_a_circle(
    client, world, pool: Pool
) -> None:
    trip = await world.trip(rows=3)
    seats = list(trip.layout.seats)
    users = [await world.user() for _ in range(16)]
    past = datetime.now(UTC) - timedelta(seconds=5)
    dice = random.Random(3)
    for _ in range(5):
        await pool.execute("UPDATE bookings SET status = 'expired' WHERE status = 'held'")
        await pool.execute("UPDATE tickets SET status = 'expired' WHERE status = 'held'")
        await pool.execute("UPDATE seat_claims SET status = 'expired' WHERE status = 'held'")
        shuffled = dice.sample(seats, 12)
        for start in range(0, 12, 3):
            await world.booking(trip, seats=shuffled[start : start + 3], status="held", expires_at=past)
        outcomes = await asyncio.gather(
            *(try_hold(client, world, user, trip, dice.sample(seats, 3), 0, 3) for user in users)
        )
        assert {status for status, _ in outcomes} == {201, 409}
        await nothing_is_sold_twice(pool)


async def test_one_user_at_many_tills_gets_no_more_than_the_cap(client, world, pool: Pool) -> None:
    user = await world.user()
    trips = [await world.trip() for _ in range(12)]
    outcomes = await asyncio.gather(*(try_hold(client, world, user, trip, ["1A"], 0, 3) for trip in trips))
    assert sorted(status for status, _ in outcomes) == [201] * 3 + [409] * 9


async def test_the_same_key_at_the_same_time_holds_once(client, world, pool: Pool) -> None:
    trip, user = await world.trip(), await world.user()
    body = {
        "trip_id": str(trip.id),
        "from_seq": 0,
        "to_seq": 3,
        "passengers": [{"seat": "1A", "name": "Asha"}],
    }
    headers = {**world.bearer(user), "Idempotency-Key": "once"}
    answers = await asyncio.gather(
        *(client.post("/api/bookings", json=body, headers=headers) for _ in range(12))
    )
    problems = [await answer.json() for answer in answers if answer.status == 409]
    assert {answer.status for answer in answers} <= {201, 409}
    assert all(problem["type"].endswith("request-in-progress") for problem in problems)
    assert await pool.fetchval("SELECT count(*) FROM bookings") == 1


async def test_a_payment_races_the_end_of_its_hold(client, world, pool: Pool) -> None:
    """Whoever wins: the seat is sold once, and money that bought nothing is owed back."""
    desk = desk_of(client.app)
    for round_ in range(40):
        trip = await world.trip(rows=1)
        past = datetime.now(UTC) - timedelta(milliseconds=1)
        booking = await world.booking(trip, seats=["1A", "1B"], status="held", expires_at=past)
        rival = await world.user()

        async def pay(of: Booking = booking) -> None:
            payment_id = await world.payment(of)
            await settlement.settle_payment(client.app[POOL], desk, payment_id)

        async def grab(who: User = rival, on: Trip = trip) -> tuple[int, Any]:
            return await try_hold(client, world, who, on, ["1B", "1C"], 0, 3)

        steps = [pay(), grab(), settlement.expire_holds(client.app), settlement.confirm_bookings(client.app)]
        random.Random(round_).shuffle(steps)
        results = await asyncio.gather(*steps)
        while await settlement.confirm_bookings(client.app):
            pass
        seen = await pool.fetchrow("SELECT * FROM bookings WHERE id = $1", booking.id)
        status = next(result[0] for result in results if isinstance(result, tuple))
        if status == 201:
            assert (seen["status"], seen["refund_due_minor"]) == ("expired", booking.total)
            told = await pool.fetchval("SELECT count(*) FROM mails WHERE recipient = $1", booking.user.email)
            assert told == 1
        else:
            assert (seen["status"], seen["refund_due_minor"]) == ("confirmed", 0)
        assert seen["payment_id"] is not None
        await nothing_is_sold_twice(pool)


async def test_a_cancellation_races_the_payment(client, world, pool: Pool) -> None:
    desk = desk_of(client.app)
    for _ in range(30):
        trip = await world.trip(rows=1)
        booking = await world.booking(trip, seats=["1A"], status="held")

        async def pay(of: Booking = booking) -> None:
            payment_id = await world.payment(of)
            await settlement.settle_payment(client.app[POOL], desk, payment_id)

        async def cancel(of: Booking = booking) -> int:
            answer = await client.post(f"/api/bookings/{of.id}/cancel", headers=world.bearer(of.user))
            return answer.status

        _, status = await asyncio.gather(pay(), cancel())
        assert status == 200
        while await settlement.confirm_bookings(client.app):
            pass
        seen = await pool.fetchrow("SELECT * FROM bookings WHERE id = $1", booking.id)
        # paid after the cancellation: all of it; cancelled after the payment: by policy, 90 percent
        assert seen["status"] == "cancelled"
        assert seen["refund_due_minor"] in {booking.total, booking.total * 90 // 100}
        assert (seen["refund_reason"] == "paid after the cancellation") == (
            seen["refund_due_minor"] == booking.total
        )
        assert seen["payment_id"] is not None


async def test_settling_one_payment_many_times_at_once_is_settling_it_once(client, world, pool: Pool) -> None:
    booking = await world.booking(await world.trip(), status="held")
    payment_id = await world.payment(booking)
    desk = desk_of(client.app)
    done = await asyncio.gather(
        *(settlement.settle_payment(client.app[POOL], desk, payment_id) for _ in range(10))
    )
    assert sum(done) == 1
    assert await pool.fetchval("SELECT count(*) FROM mails") == 1


async def test_two_processes_expire_a_backlog_between_them(client, world, pool: Pool, database: str) -> None:
    trip = await world.trip(rows=20)
    past = datetime.now(UTC) - timedelta(seconds=1)
    for seat in trip.layout.seats:
        await world.booking(trip, seats=[seat], status="held", expires_at=past)
    other = await open_pool(database, min_size=1, max_size=2)

    async def work(through: Pool) -> int:
        total = 0
        while did := await holds.expire_due(through, 7):
            total += did
        return total

    done = await asyncio.gather(work(pool), work(other), work(pool))
    await other.close()
    assert sum(done) == 80
    assert await pool.fetchval("SELECT count(*) FROM seat_claims WHERE status = 'held'") == 0
