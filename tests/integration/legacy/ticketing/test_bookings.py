"""What becomes of a booking: reading, cancelling, refund offers, payments, cancelled trips."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from common.database import POOL, transaction
from legacy import settlement
from legacy.desk import desk_of
from legacy.queries import schedule

if TYPE_CHECKING:
    from aiohttp.test_utils import TestClient

    from common.database import Pool
    from tests.integration.legacy.conftest import RunSweep
    from tests.integration.legacy.world import Booking, Trip, User, World


async def get(client: TestClient, world: World, booking: Booking, user: User | None = None) -> Any:
    answer = await client.get(f"/api/bookings/{booking.id}", headers=world.bearer(user or booking.user))
    return await answer.json() if answer.status == 200 else answer.status


async def post(
    client: TestClient, world: World, booking: Booking, what: str, user: User | None = None, **body: Any
) -> tuple[int, Any]:
    answer = await client.post(
        f"/api/bookings/{booking.id}/{what}", json=body, headers=world.bearer(user or booking.user)
    )
    return answer.status, await answer.json()


async def put_on(client: TestClient, world: World, trip: Trip, *, rows: int) -> Any:
    """Another bus, of so many rows: 200, or the sold seats that it lacks."""
    bus = await world.bus(await world.layout(trip.company, rows=rows))
    operator = await world.user("operator", trip.company)
    answer = await client.patch(
        f"/api/trips/{trip.id}", json={"bus_id": str(bus)}, headers=world.bearer(operator)
    )
    return answer.status if answer.status == 200 else (await answer.json())["seats"]


async def claims(pool: Pool, booking: Booking) -> list[str]:
    rows = await pool.fetch("SELECT status FROM seat_claims WHERE booking_id = $1 ORDER BY seat", booking.id)
    return [row["status"] for row in rows]


class TestReading:
    async def test_it_is_for_its_owner_the_companys_staff_and_admins(self, client, world) -> None:
        booking = await world.booking(await world.trip())
        company = booking.trip.company
        for user in (
            await world.user("operator", company),
            await world.user("driver", company),
            await world.user("admin"),
        ):
            assert (await get(client, world, booking, user))["reference"] == booking.reference
        for user in (await world.user(), await world.user("operator", await world.company())):
            assert await get(client, world, booking, user) == 404
        assert (await client.get(f"/api/bookings/{booking.id}")).status == 401
        assert (await client.get("/api/bookings/what", headers=world.bearer(booking.user))).status == 404

    async def test_a_hold_is_expired_the_moment_its_time_is_over(self, client, world, pool: Pool) -> None:
        booking = await world.booking(await world.trip(), status="held")
        path, headers = f"/api/bookings/{booking.id}", world.bearer(booking.user)
        first = await client.get(path, headers=headers)
        etag = {"If-None-Match": first.headers["ETag"]}
        assert (await client.get(path, headers={**headers, **etag})).status == 304
        await pool.execute("UPDATE bookings SET expires_at = now()")
        after = await client.get(path, headers={**headers, **etag})
        seen = await after.json()
        assert (after.status, seen["status"], seen["expires_at"]) == (200, "expired", None)
        assert seen["tickets"][0]["status"] == "expired"

    async def test_ones_own_are_listed_newest_first_by_state_and_time(self, client, world) -> None:
        user = await world.user()
        now = datetime.now(UTC)
        old_trip = await world.trip(departs_at=now - timedelta(days=3))
        past = await world.booking(old_trip, user)
        stale = await world.booking(
            await world.trip(), user, seats=["1B"], status="held", expires_at=now - timedelta(seconds=1)
        )
        held = await world.booking(await world.trip(), user, status="held")
        await world.booking(await world.trip())  # somebody else's

        async def ids(**query: str) -> list[str]:
            answer = await client.get("/api/bookings", params=query, headers=world.bearer(user))
            return [booking["id"] for booking in (await answer.json())["items"]]

        assert await ids() == [str(each.id) for each in (held, stale, past)]
        assert await ids(status="held") == [str(held.id)]
        assert await ids(status="expired") == [str(stale.id)]
        assert await ids(when="past") == [str(past.id)]
        assert await ids(when="upcoming", status="confirmed") == []
        first = await client.get("/api/bookings", params={"limit": "2"}, headers=world.bearer(user))
        cursor = (await first.json())["next_cursor"]
        assert await ids(limit="2", cursor=cursor) == [str(past.id)]


class TestCancelling:
    async def test_by_the_step_that_the_passenger_is_early_enough_for(self, client, world) -> None:
        for hours, percent in ((24.1, 90), (23.9, 50), (4.1, 50), (3.9, 0)):
            trip = await world.trip(departs_at=datetime.now(UTC) + timedelta(hours=hours))
            booking = await world.booking(trip, price=Decimal("33.33"))
            status, seen = await post(client, world, booking, "cancel")
            assert (status, seen["status"]) == (200, "cancelled")
            assert seen["refund_due"]["amount"] == (3333 * percent + 50) // 100

    async def test_at_the_boarding_stop_and_with_the_delay(self, client, world) -> None:
        # leaves stop 0 in 3 h, stop 1 in 5 h 10 min
        trip = await world.trip(departs_at=datetime.now(UTC) + timedelta(hours=3))
        later = await world.booking(trip, from_seq=1)
        assert (await post(client, world, later, "cancel"))[1]["refund_due"]["amount"] == 10000
        late = await world.trip(departs_at=datetime.now(UTC) + timedelta(hours=3), delay_min=90)
        booking = await world.booking(late)
        assert (await post(client, world, booking, "cancel"))[1]["refund_due"]["amount"] == 15000

    async def test_one_ticket_of_two_frees_its_seat_at_once(self, client, world, pool: Pool) -> None:
        booking = await world.booking(await world.trip(), seats=["1A", "1B"])
        status, seen = await post(client, world, booking, "cancel", ticket_ids=[str(booking.ticket_ids[0])])
        assert (status, seen["status"], seen["refund_due"]["amount"]) == (200, "confirmed", 27000)
        assert [ticket["status"] for ticket in seen["tickets"]] == ["cancelled", "confirmed"]
        assert [ticket["refund_due"]["amount"] for ticket in seen["tickets"]] == [27000, 0]
        assert await claims(pool, booking) == ["cancelled", "confirmed"]
        assert await world.booking(booking.trip, seats=["1A"])
        mail = await pool.fetchrow("SELECT * FROM mails WHERE recipient = $1", booking.user.email)
        assert "1A" in mail["body"]
        assert "1B" not in mail["body"]

    async def test_an_offer_is_honoured_when_the_policy_gives_less_already(self, client, world, pool) -> None:
        trip = await world.trip(departs_at=datetime.now(UTC) + timedelta(hours=25))
        booking = await world.booking(trip, seats=["1A", "1B"])
        _, offer = await post(client, world, booking, "refund-offer", ticket_ids=[str(booking.ticket_ids[1])])
        assert (offer["percent"], offer["amount"]["amount"]) == (90, 27000)
        await pool.execute("UPDATE trips SET departs_at = departs_at - interval '20 hours'")
        status, seen = await post(client, world, booking, "cancel", offer_id=offer["id"])
        assert (status, seen["refund_due"]["amount"]) == (200, 27000)
        assert [ticket["status"] for ticket in seen["tickets"]] == ["confirmed", "cancelled"]

    async def test_an_offer_that_is_over_or_for_other_tickets_is_refused(self, client, world, pool) -> None:
        booking = await world.booking(await world.trip(), seats=["1A", "1B"])
        _, offer = await post(client, world, booking, "refund-offer", ticket_ids=[str(booking.ticket_ids[1])])
        status, problem = await post(
            client, world, booking, "cancel", offer_id=offer["id"], ticket_ids=[str(booking.ticket_ids[0])]
        )
        assert (status, list(problem["errors"])) == (422, ["ticket_ids"])
        other = await world.booking(await world.trip())
        assert (await post(client, world, other, "cancel", offer_id=offer["id"]))[0] == 422
        await pool.execute("UPDATE refund_offers SET expires_at = now()")
        status, problem = await post(client, world, booking, "cancel", offer_id=offer["id"])
        assert (status, problem["type"]) == (409, "urn:banyan:problem:offer-expired")

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ("UPDATE bookings SET status = 'cancelled'", "cancelled"),
            ("UPDATE bookings SET status = 'expired'", "expired"),
            ("UPDATE bookings SET status = 'held', expires_at = now()", "expired"),
            ("UPDATE trips SET departs_at = now() - interval '1 hour'", "departed"),
            ("UPDATE tickets SET scanned_at = now()", "checked-in"),
        ],
    )
    async def test_a_refusal_says_why(self, client, world, pool: Pool, change: str, reason: str) -> None:
        booking = await world.booking(await world.trip())
        await pool.execute(change)
        for what in ("cancel", "refund-offer"):
            status, problem = await post(client, world, booking, what)
            assert (status, problem["type"]) == (409, "urn:banyan:problem:not-cancellable")
            assert problem["reason"] == reason

    async def test_who_may(self, client, world) -> None:
        booking = await world.booking(await world.trip(), seats=["1A", "1B"])
        company = booking.trip.company
        inspector = await world.user("inspector", company)
        assert (await post(client, world, booking, "cancel", inspector))[0] == 403
        assert (await post(client, world, booking, "cancel", await world.user()))[0] == 404
        stranger = await world.user("operator", await world.company())
        assert (await post(client, world, booking, "cancel", stranger))[0] == 404
        operator = await world.user("operator", company)
        status, _ = await post(
            client, world, booking, "cancel", operator, ticket_ids=[str(booking.ticket_ids[0])]
        )
        assert status == 200
        assert (await post(client, world, booking, "cancel", await world.user("admin")))[0] == 200

    async def test_a_hold_is_given_up_for_nothing_and_without_a_mail(self, client, world, pool: Pool) -> None:
        booking = await world.booking(await world.trip(), seats=["1A", "1B"], status="held")
        status, seen = await post(client, world, booking, "cancel", ticket_ids=[str(booking.ticket_ids[0])])
        assert (status, seen["status"], seen["total"]["amount"]) == (200, "held", 30000)
        status, seen = await post(client, world, booking, "cancel")
        assert (seen["status"], seen["refund_due"]["amount"]) == ("cancelled", 0)
        assert await pool.fetchval("SELECT count(*) FROM mails") == 0

    async def test_the_same_key_cancels_once(self, client, world) -> None:
        booking = await world.booking(await world.trip())
        headers = {**world.bearer(booking.user), "Idempotency-Key": "cancel"}
        path = f"/api/bookings/{booking.id}/cancel"
        first = await client.post(path, json={}, headers=headers)
        again = await client.post(path, json={}, headers=headers)
        assert (first.status, again.status) == (200, 200)
        assert await first.json() == await again.json()


class TestSettling:
    async def test_money_confirms_a_hold_and_makes_its_codes(
        self, client, world, pool: Pool, sweep: RunSweep
    ) -> None:
        booking = await world.booking(await world.trip(), seats=["1A", "1B"], status="held")
        payment_id = await world.payment(booking)
        assert await sweep("confirm bookings") == 1
        assert await sweep("confirm bookings") == 0
        seen = await get(client, world, booking)
        assert (seen["status"], seen["payment_id"]) == ("confirmed", str(payment_id))
        assert await claims(pool, booking) == ["confirmed", "confirmed"]
        ticket = booking.ticket_ids[0]
        code = await client.get(f"/api/tickets/{ticket}/qr", headers=world.bearer(booking.user))
        stored = await pool.fetchval("SELECT qr_code FROM tickets WHERE id = $1", ticket)
        assert (await code.json())["token"] == stored
        mail = await pool.fetchrow("SELECT * FROM mails")
        assert mail["recipient"] == booking.user.email
        assert booking.reference in mail["subject"]
        assert f"http://banyan.test/bookings/{booking.id}" in mail["body"]

    async def test_mail_speaks_the_readers_language(self, world, pool: Pool, sweep: RunSweep) -> None:
        user = await world.user(locale="hi")
        await world.payment(await world.booking(await world.trip(), user, status="held"))
        await sweep("confirm bookings")
        assert "पक्की" in await pool.fetchval("SELECT body FROM mails")

    async def test_a_payment_of_a_held_booking_is_found_however_old(self, world, pool, sweep) -> None:
        await world.payment(await world.booking(await world.trip(), status="held"))
        await pool.execute("UPDATE payments SET updated_at = now() - interval '30 days'")
        assert await sweep("confirm bookings") == 0
        assert await sweep("confirm old bookings") == 1

    async def test_a_paid_hold_whose_time_is_over_does_not_wait_for_the_slow_sweep(
        self, world, pool, sweep
    ) -> None:
        expired = datetime.now(UTC) - timedelta(seconds=1)
        booking = await world.booking(await world.trip(), status="held", expires_at=expired)
        await world.payment(booking)
        await pool.execute("UPDATE payments SET updated_at = now() - interval '30 days'")
        assert await sweep("expire holds") == 0
        assert await sweep("confirm bookings") == 1

    async def test_every_page_of_the_slow_sweep_is_gone_through(
        self, world, pool, sweep, monkeypatch
    ) -> None:
        monkeypatch.setattr(settlement, "PAGE", 2)
        trip = await world.trip()
        for seat in ("1A", "1B", "1C", "1D", "2A"):
            await world.payment(await world.booking(trip, seats=[seat], status="held"))
        for seat in ("2B", "2C", "2D"):
            await world.payment(await world.booking(trip, seats=[seat], status="expired"))
        await pool.execute("UPDATE payments SET updated_at = now() - interval '3 hours'")
        assert await sweep("confirm old bookings") == 8

    async def test_what_the_quick_sweep_missed_the_slow_one_finds(self, world, pool, sweep) -> None:
        booking = await world.booking(await world.trip(), status="expired")
        await world.payment(booking)
        await pool.execute("UPDATE payments SET updated_at = now() - interval '3 hours'")
        assert await sweep("confirm bookings") == 0
        assert await sweep("confirm old bookings") == 1
        assert await sweep("confirm old bookings") == 0

    async def test_late_money_takes_the_same_seats_again_if_they_are_free(
        self, client, world, pool: Pool, sweep: RunSweep
    ) -> None:
        booking = await world.booking(await world.trip(), seats=["1B", "1A"], status="expired")
        await world.payment(booking)
        await sweep("confirm bookings")
        seen = await get(client, world, booking)
        assert (seen["status"], seen["refund_due"]["amount"]) == ("confirmed", 0)
        assert await claims(pool, booking) == ["confirmed", "confirmed"]

    async def test_late_money_drives_out_a_stale_hold(self, client, world, pool: Pool, sweep) -> None:
        trip = await world.trip()
        booking = await world.booking(trip, seats=["1A"], status="expired")
        past = datetime.now(UTC) - timedelta(seconds=1)
        stale = await world.booking(trip, seats=["1A", "1B"], status="held", expires_at=past)
        await world.payment(booking)
        await sweep("confirm bookings")
        assert (await get(client, world, booking))["status"] == "confirmed"
        assert await claims(pool, stale) == ["expired", "expired"]

    async def test_late_money_goes_back_if_one_seat_is_gone_and_the_passenger_is_told(
        self, client, world, pool: Pool, sweep: RunSweep
    ) -> None:
        trip = await world.trip()
        booking = await world.booking(trip, seats=["1A", "1B"], status="expired")
        await world.booking(trip, seats=["1B"], from_seq=2)
        payment_id = await world.payment(booking)
        await sweep("confirm bookings")
        seen = await get(client, world, booking)
        assert (seen["status"], seen["refund_due"]) == ("expired", seen["total"])
        assert seen["payment_id"] == str(payment_id)
        assert await claims(pool, booking) == ["expired", "expired"]
        mail = await pool.fetchrow("SELECT * FROM mails WHERE recipient = $1", booking.user.email)
        assert "on its way back" in mail["subject"]

    @pytest.mark.parametrize(
        ("status", "seats"), [("expired", ["3A"]), ("held", ["3A"]), ("expired", ["1A", "3A"])]
    )
    async def test_late_money_takes_no_seat_that_the_bus_lacks(
        self, client, world, pool: Pool, sweep: RunSweep, status: str, seats: list[str]
    ) -> None:
        trip = await world.trip()
        past = datetime.now(UTC) - timedelta(seconds=1)
        booking = await world.booking(trip, seats=seats, status=status, expires_at=past)
        assert await put_on(client, world, trip, rows=1) == 200
        await world.payment(booking)
        assert await sweep("confirm bookings") == 1
        assert await sweep("confirm bookings") == 0
        seen = await get(client, world, booking)
        assert (seen["status"], seen["refund_due"]) == ("expired", seen["total"])
        assert await claims(pool, booking) == ["expired" for _ in seats]
        reason = await pool.fetchval("SELECT refund_reason FROM bookings WHERE id = $1", booking.id)
        assert reason == "paid after the seats were gone"
        mail = await pool.fetchrow("SELECT * FROM mails WHERE recipient = $1", booking.user.email)
        assert "on its way back" in mail["subject"]

    @pytest.mark.parametrize("status", ["expired", "held"])
    async def test_late_money_takes_the_seats_of_another_bus_that_has_them(
        self, client, world, pool: Pool, sweep: RunSweep, status: str
    ) -> None:
        trip = await world.trip()
        past = datetime.now(UTC) - timedelta(seconds=1)
        booking = await world.booking(trip, seats=["1A"], status=status, expires_at=past)
        assert await put_on(client, world, trip, rows=1) == 200
        await world.payment(booking)
        await sweep("confirm bookings")
        assert (await get(client, world, booking))["status"] == "confirmed"
        assert await claims(pool, booking) == ["confirmed"]

    async def test_money_that_came_keeps_its_seat_on_the_bus_though_the_holds_time_is_over(
        self, client, world, sweep: RunSweep
    ) -> None:
        trip = await world.trip()
        past = datetime.now(UTC) - timedelta(seconds=1)
        booking = await world.booking(trip, seats=["3A"], status="held", expires_at=past)
        await world.booking(trip, seats=["3B"], status="held", expires_at=past)  # nobody has paid for it
        await world.payment(booking)
        assert await put_on(client, world, trip, rows=1) == ["3A"]
        await sweep("confirm bookings")
        assert (await get(client, world, booking))["status"] == "confirmed"

    async def test_a_bus_that_is_being_put_on_is_waited_for(
        self, client, world, pool: Pool, sweep: RunSweep
    ) -> None:
        trip = await world.trip()
        small = await world.layout(trip.company, rows=1)
        booking = await world.booking(trip, seats=["3A"], status="expired")
        await world.payment(booking)
        async with transaction(pool) as other:
            await schedule.lock_trip(other, trip.id)
            settling = asyncio.create_task(sweep("confirm bookings"))
            while not await pool.fetchval(
                "SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
                "WHERE NOT l.granted AND a.datname = current_database())"
            ):
                assert not settling.done()
            await other.execute("UPDATE trips SET layout_id = $2 WHERE id = $1", trip.id, small.id)
        assert await settling == 1
        seen = await get(client, world, booking)
        assert (seen["status"], seen["refund_due"]) == ("expired", seen["total"])

    @pytest.mark.parametrize("how", ["departed", "cancelled"])
    async def test_late_money_buys_no_seat_of_a_trip_that_is_over(
        self, client, world, pool: Pool, sweep: RunSweep, how: str
    ) -> None:
        booking = await world.booking(await world.trip(), status="expired")
        await world.payment(booking)
        change = {"departed": "departs_at = now() - interval '1 minute'", "cancelled": "status = 'cancelled'"}
        await pool.execute(f"UPDATE trips SET {change[how]}")
        await sweep("confirm bookings")
        seen = await get(client, world, booking)
        assert (seen["status"], seen["refund_due"]) == ("expired", seen["total"])

    async def test_money_for_a_cancelled_hold_goes_back_whole(self, client, world, sweep) -> None:
        booking = await world.booking(await world.trip(), status="held")
        await post(client, world, booking, "cancel")
        await world.payment(booking)
        await sweep("confirm bookings")
        seen = await get(client, world, booking)
        assert (seen["status"], seen["refund_due"]) == ("cancelled", seen["total"])

    async def test_too_much_and_too_little(self, client, world, sweep) -> None:
        generous = await world.booking(await world.trip(), status="held")
        await world.payment(generous, amount=generous.total + 5)
        mean = await world.booking(await world.trip(), status="held")
        await world.payment(mean, amount=mean.total - 5)
        await sweep("confirm bookings")
        seen = await get(client, world, generous)
        assert (seen["status"], seen["refund_due"]["amount"]) == ("confirmed", 500)
        seen = await get(client, world, mean)
        assert (seen["status"], seen["refund_due"]["amount"]) == ("cancelled", 29500)

    async def test_what_has_not_succeeded_confirms_nothing(self, client, world, sweep) -> None:
        booking = await world.booking(await world.trip(), status="held")
        payment_id = await world.payment(booking, status="processing")
        assert await sweep("confirm bookings") == 0
        assert not await settlement.settle_payment(client.app[POOL], desk_of(client.app), payment_id)

    async def test_one_that_cannot_be_settled_does_not_stop_the_others(
        self, client, world, sweep: RunSweep
    ) -> None:
        far = await world.trip(departs_at=datetime(2099, 1, 1, tzinfo=UTC))  # no code lasts that long
        stuck = await world.booking(far, status="held")
        await world.payment(stuck)
        fine = await world.booking(await world.trip(), status="held")
        await world.payment(fine)
        assert await sweep("confirm bookings") == 1
        assert (await get(client, world, fine))["status"] == "confirmed"
        assert (await get(client, world, stuck))["status"] == "held"


class TestExpiring:
    async def test_holds_end_with_their_time_and_not_before(self, client, world, pool: Pool, sweep) -> None:
        trip = await world.trip()
        past = datetime.now(UTC) - timedelta(seconds=1)
        over = [
            await world.booking(trip, seats=[seat], status="held", expires_at=past)
            for seat in trip.layout.seats[:3]
        ]
        alive = await world.booking(trip, seats=["3A"], status="held")
        paid = await world.booking(trip, seats=["3B"], status="held", expires_at=past)
        await world.payment(paid)
        assert await sweep("expire holds") == 3
        assert [await claims(pool, each) for each in (*over, alive, paid)] == [
            ["expired"], ["expired"], ["expired"], ["held"], ["held"],
        ]  # fmt: skip
        await sweep("confirm bookings")
        assert (await get(client, world, paid))["status"] == "confirmed"


class TestCancelledTrips:
    async def test_everything_that_was_paid_goes_back_and_everybody_is_told(
        self, client, world, pool: Pool, sweep: RunSweep
    ) -> None:
        trip = await world.trip(departs_at=datetime.now(UTC) + timedelta(hours=1))
        paid = await world.booking(trip, seats=["1A", "1B"])
        await post(client, world, paid, "cancel", ticket_ids=[str(paid.ticket_ids[0])])
        held = await world.booking(trip, seats=["2A"], status="held")
        other = await world.booking(await world.trip())
        await pool.execute(
            "UPDATE trips SET status = 'cancelled', cancel_reason = 'Floods' WHERE id = $1", trip.id
        )
        await pool.execute("DELETE FROM mails")
        assert await sweep("cancel bookings of cancelled trips") == 2
        assert await sweep("cancel bookings of cancelled trips") == 0
        seen = await get(client, world, paid)
        # the first ticket was given back too late for a refund; the second is paid back whole
        assert (seen["status"], seen["refund_due"]["amount"]) == ("cancelled", 30000)
        seen = await get(client, world, held)
        assert (seen["status"], seen["refund_due"]["amount"]) == ("cancelled", 0)
        assert (await get(client, world, other))["status"] == "confirmed"
        mail = await pool.fetchrow("SELECT * FROM mails WHERE recipient = $1", paid.user.email)
        assert "Floods" in mail["body"]
        assert await pool.fetchval("SELECT count(*) FROM mails") == 2

    async def test_who_cancels_before_the_sweep_gets_everything_too(self, client, world, pool: Pool) -> None:
        trip = await world.trip(departs_at=datetime.now(UTC) + timedelta(hours=1))
        booking = await world.booking(trip)
        await pool.execute("UPDATE trips SET status = 'cancelled'")
        status, seen = await post(client, world, booking, "cancel")
        assert (status, seen["refund_due"]) == (200, seen["total"])

    async def test_a_passenger_on_board_is_paid_back_as_well(self, client, world, pool, sweep) -> None:
        booking = await world.booking(await world.trip())
        await pool.execute("UPDATE tickets SET scanned_at = now()")
        await pool.execute("UPDATE trips SET status = 'cancelled'")
        await sweep("cancel bookings of cancelled trips")
        seen = await get(client, world, booking)
        assert (seen["status"], seen["refund_due"]) == ("cancelled", seen["total"])

    async def test_what_the_quick_sweep_missed_the_slow_one_finds(self, client, world, pool, sweep) -> None:
        booking = await world.booking(await world.trip())
        await pool.execute("UPDATE trips SET status = 'cancelled', updated_at = now() - interval '1 hour'")
        assert await sweep("cancel bookings of cancelled trips") == 0
        assert await sweep("cancel bookings of trips cancelled before") == 1
        assert (await get(client, world, booking))["status"] == "cancelled"
