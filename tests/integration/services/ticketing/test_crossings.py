"""What crossed a sale on its way: another bus is put on, somebody boards; nobody waits for anybody."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from itertools import starmap
from typing import TYPE_CHECKING, Any

import pytest

from common.database import transaction
from services.ticketing.repository.crossings import keep_layout
from tests.integration.services.ticketing.test_crowd import nothing_is_sold_twice, try_hold
from tests.integration.services.ticketing.test_holds import order

if TYPE_CHECKING:
    from uuid import UUID

    from aiohttp.test_utils import TestClient

    from common.database import Pool
    from tests.integration.services.ticketing.conftest import RunSweep
    from tests.integration.services.ticketing.world import Booking, Layout, Trip, World

WITHDRAW = "withdraw seats that a bus lacks"
WITHDRAW_OLD = "withdraw seats that a bus has lacked before"
BOARDED = "note who boarded with a ticket given back"
BOARDED_OLD = "note who boarded with a ticket given back before"
CONFIRM = "confirm bookings"
CONFIRM_OLD = "confirm old bookings"


async def get(client: TestClient, world: World, booking: Booking) -> Any:
    answer = await client.get(f"/api/bookings/{booking.id}", headers=world.bearer(booking.user))
    return await answer.json()


async def give_back(client: TestClient, world: World, booking: Booking, *tickets: UUID) -> int:
    answer = await client.post(
        f"/api/bookings/{booking.id}/cancel",
        json={"ticket_ids": [str(each) for each in tickets]} if tickets else {},
        headers=world.bearer(booking.user),
    )
    return answer.status


async def smaller(world: World, trip: Trip, rows: int = 1) -> Layout:
    """A bus of so many rows is put on."""
    layout = await world.layout(trip.company, rows=rows)
    await world.change(trip, layout_id=layout.id)
    return layout


async def unheard(world: World, pool: Pool, trip: Trip, rows: int) -> Layout:
    """A bus of so many rows that the company has, and nobody has told of: `hear_of` does."""
    layout = await world.layout(trip.company, rows=rows)
    await pool.execute("DELETE FROM layout_seats WHERE layout_id = $1", layout.id)
    await pool.execute("DELETE FROM layouts WHERE id = $1", layout.id)
    return layout


async def hear_of(world: World, layout: Layout) -> None:
    await world.hear([each for each in world.told if each.subject == str(layout.id)])


async def sold_off_the_bus(pool: Pool) -> list[str]:
    """Seats held or sold that the bus lacks, looked for without the sweeps' help."""
    rows = await pool.fetch(
        """SELECT k.seat FROM tickets k JOIN trips t ON t.id = k.trip_id
           WHERE k.status IN ('held', 'confirmed')
             AND k.seat NOT IN (SELECT each ->> 'seat' FROM layouts l, jsonb_array_elements(l.seats) each
                                WHERE l.id = t.layout_id)
           ORDER BY 1"""
    )
    return [row["seat"] for row in rows]


async def metric(client: TestClient, name: str) -> float:
    text = await (await client.get("/metrics")).text()
    return float(next((line.split()[-1] for line in text.splitlines() if line.startswith(name)), "0"))


class TestAnotherBus:
    async def test_what_was_paid_for_a_seat_that_it_lacks_goes_back_whole(
        self, client, world, pool: Pool, sweep: RunSweep
    ) -> None:
        trip = await world.trip()
        whole = await world.booking(trip, seats=["3A"])
        partly = await world.booking(trip, seats=["1A", "3B"])
        untouched = await world.booking(trip, seats=["1B"])
        elsewhere = await world.booking(await world.trip(), seats=["3A"])
        await smaller(world, trip)
        assert await sweep(WITHDRAW) == 2
        assert await sweep(WITHDRAW) == 0
        assert await sold_off_the_bus(pool) == []
        seen = await get(client, world, whole)
        assert (seen["status"], seen["refund_due"]) == ("cancelled", seen["total"])
        seen = await get(client, world, partly)
        assert (seen["status"], seen["refund_due"]["amount"]) == ("confirmed", 30000)
        assert {each["seat"]: each["status"] for each in seen["tickets"]} == {
            "1A": "confirmed",
            "3B": "cancelled",
        }
        for booking in (untouched, elsewhere):
            assert (await get(client, world, booking))["refund_due"]["amount"] == 0
        mails = {row["recipient"]: row["body"] for row in await pool.fetch("SELECT * FROM mails")}
        assert set(mails) == {whole.user.email, partly.user.email}
        assert "3A" in mails[whole.user.email]
        assert "Your other seats stay" in mails[partly.user.email]
        assert await metric(client, 'seats_withdrawn_total{booking="confirmed"}') == 2

    async def test_a_hold_ends_and_what_is_paid_for_it_after_that_goes_back(
        self, client, world, sweep: RunSweep
    ) -> None:
        trip = await world.trip()
        booking = await world.booking(trip, seats=["3A"], status="held")
        await smaller(world, trip)
        assert await sweep(WITHDRAW) == 1
        assert (await get(client, world, booking))["status"] == "cancelled"
        await world.payment(booking)
        await sweep(CONFIRM)
        seen = await get(client, world, booking)
        assert (seen["status"], seen["refund_due"]) == ("cancelled", seen["total"])

    @pytest.mark.parametrize("first", [CONFIRM, WITHDRAW])
    async def test_a_payment_and_the_bus_in_either_order_end_the_same(
        self, client, world, pool: Pool, sweep: RunSweep, first: str
    ) -> None:
        trip = await world.trip()
        booking = await world.booking(trip, seats=["1A", "3A"], status="held")
        await world.payment(booking)
        await smaller(world, trip)
        for name in (first, WITHDRAW, CONFIRM):
            await sweep(name)
        seen = await get(client, world, booking)
        assert (seen["status"], seen["refund_due"]["amount"]) == ("confirmed", 30000)
        assert await sold_off_the_bus(pool) == []

    async def test_money_that_comes_too_late_takes_no_seat_that_the_bus_lacks(
        self, client, world, pool: Pool, sweep: RunSweep
    ) -> None:
        trip = await world.trip()
        booking = await world.booking(trip, seats=["3A"], status="expired")
        await smaller(world, trip)
        await world.payment(booking)
        await sweep(CONFIRM)
        seen = await get(client, world, booking)
        assert (seen["status"], seen["refund_due"]) == ("expired", seen["total"])
        assert await sold_off_the_bus(pool) == []

    @pytest.mark.parametrize(("rows", "status"), [(3, "confirmed"), (1, "expired")])
    async def test_money_that_comes_too_late_waits_until_the_seats_are_known(
        self, client, world, pool: Pool, sweep: RunSweep, rows: int, status: str
    ) -> None:
        trip = await world.trip()
        booking = await world.booking(trip, seats=["3A"], status="expired")
        layout = await unheard(world, pool, trip, rows)
        await world.change(trip, layout_id=layout.id)
        await world.payment(booking)
        assert await sweep(CONFIRM) == await sweep(CONFIRM_OLD) == 0
        found = await pool.fetchrow("SELECT * FROM bookings WHERE id = $1", booking.id)
        assert (found["status"], found["refund_due_minor"], found["payment_id"]) == ("expired", 0, None)
        await hear_of(world, layout)
        assert await sweep(CONFIRM) == 1
        seen = await get(client, world, booking)
        assert seen["status"] == status
        assert seen["refund_due"]["amount"] == (0 if status == "confirmed" else booking.total)

    async def test_a_bus_that_is_heard_of_while_a_booking_waits_for_it_is_known(
        self, world, pool: Pool
    ) -> None:
        trip = await world.trip()
        layout = await unheard(world, pool, trip, 1)

        async def keep() -> UUID | None:
            async with transaction(pool) as conn:
                return await keep_layout(conn, trip.id)

        async with transaction(pool) as other:
            await other.execute("UPDATE trips SET layout_id = $2 WHERE id = $1", trip.id, layout.id)
            kept = asyncio.create_task(keep())
            async with asyncio.timeout(10):
                waits = """SELECT count(*) FROM pg_stat_activity
                           WHERE datname = current_database() AND wait_event_type = 'Lock'"""
                while not await pool.fetchval(waits):
                    pass
            await hear_of(world, layout)
        assert await kept == layout.id

    async def test_a_bus_that_is_back_before_anybody_looked_changes_nothing(
        self, client, world, sweep: RunSweep
    ) -> None:
        trip = await world.trip()
        booking = await world.booking(trip, seats=["3A"])
        await smaller(world, trip)
        await world.change(trip, layout_id=trip.layout.id)
        assert await sweep(WITHDRAW) == 0
        assert (await get(client, world, booking))["status"] == "confirmed"

    async def test_old_news_of_a_bus_and_news_told_again_change_nothing(
        self, client, world, sweep: RunSweep
    ) -> None:
        trip = await world.trip()
        booking = await world.booking(trip, seats=["3A"])
        await smaller(world, trip)
        news = world.told[-1]
        await world.change(trip, layout_id=trip.layout.id)
        await world.hear([news])
        assert await sweep(WITHDRAW) == await sweep(WITHDRAW_OLD) == 0
        assert (await get(client, world, booking))["status"] == "confirmed"

    async def test_nothing_is_withdrawn_while_nobody_knows_the_seats(
        self, client, world, pool: Pool, sweep: RunSweep
    ) -> None:
        trip = await world.trip()
        booking = await world.booking(trip, seats=["3A"])
        layout = await unheard(world, pool, trip, 1)
        await world.change(trip, layout_id=layout.id)
        assert await sweep(WITHDRAW) == await sweep(WITHDRAW_OLD) == 0
        await hear_of(world, layout)
        assert await sweep(WITHDRAW) == 1
        assert (await get(client, world, booking))["status"] == "cancelled"

    async def test_who_is_on_board_stays(self, client, world, sweep: RunSweep) -> None:
        trip = await world.trip()
        booking = await world.booking(trip, seats=["3A", "3B"])
        await world.check_in(booking.ticket_ids[0], trip)
        await smaller(world, trip)
        assert await sweep(WITHDRAW) == 1
        seen = await get(client, world, booking)
        assert [each["status"] for each in seen["tickets"]] == ["confirmed", "cancelled"]

    async def test_what_the_quick_sweep_missed_the_thorough_one_finds(
        self, client, world, pool: Pool, sweep: RunSweep
    ) -> None:
        trip = await world.trip()
        booking = await world.booking(trip, seats=["3A"])
        await smaller(world, trip)
        await pool.execute("UPDATE trips SET reseated_at = reseated_at - interval '1 hour'")
        assert await sweep(WITHDRAW) == 0
        assert await sweep(WITHDRAW_OLD) == 1
        assert (await get(client, world, booking))["status"] == "cancelled"

    async def test_a_hold_that_commits_after_the_bus_was_put_on_is_found(
        self, client, world, pool: Pool, sweep: RunSweep
    ) -> None:
        trip, user = await world.trip(), await world.user()
        async with transaction(pool) as other, other.transaction():
            # the hold has seen the bus and claimed its seat, and cannot write its booking yet
            await other.execute("LOCK TABLE bookings IN SHARE MODE")
            held = asyncio.create_task(
                client.post("/api/bookings", json=order(trip, "3A"), headers=world.bearer(user))
            )
            async with asyncio.timeout(10):
                waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'bookings'::regclass"
                while not await pool.fetchval(waits):
                    pass
            await smaller(world, trip)
            assert await sweep(WITHDRAW) == 0
        assert (await held).status == 201
        assert await sold_off_the_bus(pool) == ["3A"]
        assert await sweep(WITHDRAW) == 1
        assert await sold_off_the_bus(pool) == []

    async def test_a_crowd_that_buys_while_buses_change_has_seats_or_its_money(
        self, client, world, pool: Pool, sweep: RunSweep
    ) -> None:
        trip = await world.trip(rows=4)
        layouts = [await world.layout(trip.company, rows=rows) for rows in (1, 2, 4, 1, 3, 2)]
        users = [await world.user() for _ in range(24)]
        dice = random.Random(5)
        wishes = [dice.sample(trip.layout.seats, 2) for _ in users]

        async def buy(user: Any, seats: list[str]) -> None:
            status, booking = await try_hold(client, world, user, trip, seats, 0, 3)
            if status == 201:
                await world.tell(
                    "payment.payment.succeeded",
                    {"id": user.id, "booking_id": booking["id"], "status": "succeeded",
                     "amount_minor": booking["total"]["amount"]},
                )  # fmt: skip
                await sweep(CONFIRM)

        async def swap() -> None:
            for layout in layouts:
                await world.change(trip, layout_id=layout.id)
                await sweep(WITHDRAW)

        await asyncio.gather(swap(), *starmap(buy, zip(users, wishes, strict=True)))
        for name in (CONFIRM, WITHDRAW):
            await sweep(name)
        assert await sold_off_the_bus(pool) == []
        await nothing_is_sold_twice(pool)
        unpaid = await pool.fetch(
            """SELECT b.id FROM bookings b JOIN payments p ON p.booking_id = b.id
               WHERE p.amount_minor - b.refund_due_minor
                     <> (SELECT coalesce(sum(k.price_minor), 0) FROM tickets k
                         WHERE k.booking_id = b.id AND k.status = 'confirmed')"""
        )
        assert unpaid == []


class TestOnBoard:
    async def test_who_boards_in_the_moment_of_a_cancellation_keeps_seat_and_money_and_the_crew_sees_it(
        self, client, world, sweep: RunSweep
    ) -> None:
        trip = await world.trip()
        booking = await world.booking(trip, seats=["1A", "1B"])
        assert await give_back(client, world, booking, booking.ticket_ids[0]) == 200
        due = (await get(client, world, booking))["refund_due"]
        assert due["amount"] > 0
        await world.check_in(booking.ticket_ids[0], trip)
        assert await sweep(BOARDED) == 1
        assert await sweep(BOARDED) == await sweep(BOARDED_OLD) == 0
        assert (await get(client, world, booking))["refund_due"] == due
        status, problem = await try_hold(client, world, await world.user(), trip, ["1A"], 0, 3)
        assert (status, problem["seats"]) == (409, ["1A"])
        crew = world.bearer(await world.user("inspector", trip.company))
        found = await (await client.get(f"/api/trips/{trip.id}/manifest", headers=crew)).json()
        assert [(each["seat"], each["status"]) for each in found["passengers"]] == [
            ("1A", "cancelled"),
            ("1B", "confirmed"),
        ]
        assert found["passengers"][0]["checked_in_at"] is not None
        assert found["counts"] == {"confirmed": 1, "checked_in": 1}
        assert await metric(client, 'boarded_after_cancellation_total{seat="kept"}') == 1

    async def test_a_seat_that_was_sold_again_stays_the_buyers(
        self, client, world, pool: Pool, sweep: RunSweep
    ) -> None:
        trip = await world.trip()
        booking = await world.booking(trip, seats=["1A"])
        await give_back(client, world, booking)
        assert (await try_hold(client, world, await world.user(), trip, ["1A"], 0, 3))[0] == 201
        await world.check_in(booking.ticket_ids[0], trip)
        assert await sweep(BOARDED) == 1
        assert await pool.fetchval("SELECT count(*) FROM seat_claims WHERE status = 'held'") == 1
        assert await metric(client, 'boarded_after_cancellation_total{seat="taken"}') == 1

    @pytest.mark.parametrize(("paid", "seat"), [(False, "kept"), (True, "taken")])
    async def test_a_hold_whose_time_is_over_gives_way_unless_it_is_paid_for(
        self, client, world, pool: Pool, sweep: RunSweep, paid: bool, seat: str
    ) -> None:
        trip = await world.trip()
        booking = await world.booking(trip, seats=["1A"])
        await give_back(client, world, booking)
        past = datetime.now(UTC) - timedelta(seconds=1)
        stale = await world.booking(trip, seats=["1A"], status="held", expires_at=past)
        if paid:
            await world.payment(stale)
        await world.check_in(booking.ticket_ids[0], trip)
        assert await sweep(BOARDED) == 1
        assert await metric(client, f'boarded_after_cancellation_total{{seat="{seat}"}}') == 1
        status = await pool.fetchval("SELECT status FROM bookings WHERE id = $1", stale.id)
        assert status == ("held" if paid else "expired")
        claimed = await pool.fetch("SELECT booking_id FROM seat_claims WHERE status IN ('held', 'confirmed')")
        assert [row["booking_id"] for row in claimed] == [stale.id if paid else booking.id]

    async def test_a_check_in_that_is_heard_first_refuses_the_cancellation(
        self, client, world, sweep: RunSweep
    ) -> None:
        trip = await world.trip()
        booking = await world.booking(trip)
        await world.check_in(booking.ticket_ids[0], trip)
        assert await give_back(client, world, booking) == 409
        assert await sweep(BOARDED) == 0

    async def test_a_cancelled_departure_pays_back_who_is_on_board_and_nobody_is_alarmed(
        self, client, world, sweep: RunSweep
    ) -> None:
        trip = await world.trip()
        booking = await world.booking(trip)
        await world.check_in(booking.ticket_ids[0], trip)
        await world.change(trip, status="cancelled")
        await sweep("cancel bookings of cancelled trips")
        assert (await get(client, world, booking))["status"] == "cancelled"
        assert await sweep(BOARDED) == await sweep(BOARDED_OLD) == 0

    async def test_what_the_quick_sweep_missed_the_thorough_one_finds(
        self, client, world, pool: Pool, sweep: RunSweep
    ) -> None:
        trip = await world.trip()
        booking = await world.booking(trip)
        await give_back(client, world, booking)
        await world.check_in(booking.ticket_ids[0], trip)
        await pool.execute("UPDATE check_ins SET heard_at = heard_at - interval '1 hour'")
        assert await sweep(BOARDED) == 0
        assert await sweep(BOARDED_OLD) == 1

    async def test_cancelling_and_boarding_at_once_end_in_one_of_two_ways(
        self, client, world, pool: Pool, sweep: RunSweep
    ) -> None:
        trip = await world.trip(rows=5)
        bookings = [await world.booking(trip, seats=[seat]) for seat in trip.layout.seats[:16]]
        answers = await asyncio.gather(
            *(give_back(client, world, each) for each in bookings),
            *(world.check_in(each.ticket_ids[0], trip) for each in bookings),
        )
        await sweep(BOARDED)
        refused = [booking for booking, status in zip(bookings, answers, strict=False) if status == 409]
        both = await pool.fetchval("SELECT count(*) FROM check_ins WHERE crossed")
        assert both + len(refused) == len(bookings)
        assert await pool.fetchval("SELECT count(*) FROM seat_claims WHERE status = 'confirmed'") == 16
