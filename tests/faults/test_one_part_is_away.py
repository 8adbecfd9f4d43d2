"""With one service, Redis or a relay stopped, the others go on with what is theirs; after it all is well."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

import asyncpg
import pytest
import redis

from common.events.relay import LOCK as RELAY_LOCK
from tests.contract.world import (
    booking_becomes,
    confirmed,
    eventually,
    hold,
    in_hours,
    pay,
    qr_token,
    try_hold,
)
from tests.faults.projections import differences

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.stack import RunningStack


@pytest.fixture(scope="module")
def company(world):
    return world.company()


@pytest.fixture(scope="module")
def inspector(world, company):
    return world.staff(company.operator, company.id, "inspector")


@contextmanager
def away(services: RunningStack, name: str) -> Generator[None]:
    services.stop(name)
    try:
        yield
    finally:
        services.start(name)


def converge(services: RunningStack) -> None:
    eventually(lambda: differences(services), lambda found: found == [], "that projections show what is so")


def check_in(inspector, token: str, trip: dict) -> int:
    body = {"token": token, "trip_id": trip["id"], "nonce": uuid4().hex}
    return inspector.post("/api/check-ins", body).status


def test_a_held_booking_is_confirmed_when_payment_comes_back(world, services, company):
    passenger = world.passenger()
    booking = hold(passenger, company.trip(), "A1")
    payment = pay(passenger, booking)
    with away(services, "payment-service"):
        assert passenger.get(f"/api/payments/{payment['id']}").status == 502
        assert passenger.get(f"/api/bookings/{booking['id']}").ok()["status"] in {"held", "confirmed"}
        hold(passenger, company.trip(), "A1")
    booking_becomes(passenger, booking, "confirmed")


def test_what_was_paid_for_while_ticketing_was_away_is_confirmed_when_it_comes_back(world, services, company):
    passenger = world.passenger()
    booking = hold(passenger, company.trip(), "A1")
    payment = passenger.post("/api/payments", {"booking_id": booking["id"]}).ok(201)
    with away(services, "ticketing-service"):
        card = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2040, "cvc": "123"}
        passenger.post(f"/api/payments/{payment['id']}/confirm", {"card": card}).ok()
        eventually(
            lambda: passenger.get(f"/api/payments/{payment['id']}").ok()["status"],
            lambda status: status == "succeeded",
            "success",
        )
    booking_becomes(passenger, booking, "confirmed")


def test_a_ticket_scans_while_ticketing_and_company_are_away(world, services, company, inspector):
    passenger = world.passenger()
    trip = company.trip(departs_at=in_hours(3))
    ticket = confirmed(passenger, trip, "A1")["tickets"][0]
    token = qr_token(passenger, ticket)
    with away(services, "ticketing-service"), away(services, "company-service"):
        assert passenger.get(f"/api/tickets/{ticket['id']}/qr").status == 200
        assert (
            inspector.post("/api/qr/verify", {"token": token, "trip_id": trip["id"]}).ok()["reason"] == "ok"
        )
        assert check_in(inspector, token, trip) == 201
    eventually(
        lambda: passenger.get(f"/api/tickets/{ticket['id']}").ok()["checked_in_at"], bool, "the check-in"
    )


def test_seats_are_sold_while_auth_user_and_company_are_away(world, services, company):
    passenger = world.passenger()
    trip = company.trip()
    with away(services, "auth-service"), away(services, "user-service"), away(services, "company-service"):
        assert passenger.get("/api/search", params=_whole(trip)).ok()["items"]
        confirmed(passenger, trip, "A1")


def test_with_redis_stopped_each_service_does_its_own_and_all_is_told_after(world, services, company):
    passenger = world.passenger()
    trip = company.trip()
    with away(services, "valkey"):
        world.login(passenger.email, passenger.password)
        newcomer = world.passenger("New Comer")
        assert newcomer.get("/api/users/me").ok()["full_name"] == "New Comer"  # read through
        passenger.patch("/api/users/me", {"full_name": "Asha R"}).ok()
        assert passenger.get("/api/search", params=_whole(trip)).ok()["items"]
        booking = hold(passenger, trip, "A1")
        pay(passenger, booking)  # which payment-service reads through for
        assert try_hold(newcomer, company.trip(), "A1").status == 201  # of a departure it was not told of
    booking_becomes(passenger, booking, "confirmed")
    converge(services)


def test_while_a_relay_stands_still_nothing_is_lost_and_after_it_all_is_told(world, services, company):
    passenger = world.passenger()
    trip = company.trip()

    async def hold_the_lock(waiting: asyncio.Event, done: asyncio.Event) -> None:
        connection = await asyncpg.connect(services.dsn("ticketing"))
        while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", RELAY_LOCK):
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'ticketing-relay' AND pid <> pg_backend_pid()"
            )
            await asyncio.sleep(0.05)
        waiting.set()
        await done.wait()
        await connection.close()

    async def scene() -> dict:
        waiting, done = asyncio.Event(), asyncio.Event()
        stands_still = asyncio.create_task(hold_the_lock(waiting, done))
        await asyncio.wait_for(waiting.wait(), 20)
        booking = await asyncio.to_thread(confirmed, passenger, trip, "A1")
        assert await asyncio.to_thread(lambda: qr_token(passenger, booking["tickets"][0]))  # read through
        done.set()
        await stands_still
        return booking

    asyncio.run(scene())
    converge(services)


def test_a_wiped_redis_and_killed_services_under_load_lose_nothing(world, services, company):
    """FLUSHALL again and again, and every service killed once, while people book, pay and cancel."""
    trips = [company.trip(seats=40) for _ in range(3)]
    stop = False

    def customer(number: int) -> int:
        passenger, made = world.passenger(f"Rider {number}"), 0
        while not stop:
            seat = f"A{1 + (number * 7 + made) % 40}"
            answer = try_hold(passenger, trips[(number + made) % 3], seat)
            made += 1
            if answer.status != 201:
                continue
            booking = answer.json
            paid = passenger.post("/api/payments", {"booking_id": booking["id"]})
            if paid.status in {200, 201} and made % 3:
                card = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2040, "cvc": "123"}
                passenger.post(f"/api/payments/{paid.json['id']}/confirm", {"card": card})
            else:
                passenger.post(f"/api/bookings/{booking['id']}/cancel")
        return made

    with ThreadPoolExecutor(4) as crowd, redis.Redis.from_url(services.redis_url) as client:
        at_work = [crowd.submit(customer, number) for number in range(4)]
        try:
            for domain in ("ticketing", "payment", "qr", "user", "company", "auth"):
                client.flushall()
                services.kill(f"{domain}-service")
                services.wait_until_ready(f"{domain}-service", restarts=1)
            client.flushall()
        finally:
            stop = True
        assert sum(work.result() for work in at_work) > 20
    converge(services)
    asyncio.run(_nothing_is_amiss(services))


async def _nothing_is_amiss(services: RunningStack) -> None:
    ticketing = await asyncpg.connect(services.dsn("ticketing"))
    payment = await asyncpg.connect(services.dsn("payment"))
    try:
        sold_twice = await ticketing.fetchval(
            """
            SELECT count(*) FROM seat_claims a JOIN seat_claims b
            ON a.trip_id = b.trip_id AND a.seat = b.seat AND a.segment && b.segment
            WHERE a.ticket_id < b.ticket_id
              AND a.status IN ('held', 'confirmed') AND b.status IN ('held', 'confirmed')
            """
        )
        assert sold_twice == 0
        balance = await payment.fetch(
            """
            SELECT account, currency, sum(amount) FROM (
                SELECT debit AS account, currency, amount_minor AS amount FROM ledger
                UNION ALL SELECT credit, currency, -amount_minor FROM ledger
            ) sides GROUP BY account, currency
            """
        )
        assert sum(row["sum"] for row in balance) == 0
        paid = {
            row["booking_id"]
            for row in await payment.fetch("SELECT booking_id FROM payments WHERE status = 'succeeded'")
        }
        settled = await ticketing.fetch(
            "SELECT id, status, refund_due_minor FROM bookings WHERE id = ANY($1::uuid[])", list(paid)
        )
        assert all(row["status"] == "confirmed" or row["refund_due_minor"] > 0 for row in settled)
        assert len(settled) == len(paid)
    finally:
        await ticketing.close()
        await payment.close()


def _whole(trip: dict) -> dict:
    first, last = trip["stops"][0], trip["stops"][-1]
    return {"from": first["stop_id"], "to": last["stop_id"], "date": trip["service_date"]}
