"""The same rows come to the same numbers: on the monolith's dashboards, and on ours of events about them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import orjson
import pytest

import legacy
from common.database import open_pool
from common.encoding import dump_json
from common.events import Event
from common.migrations import migrate
from legacy import dashboards as monolith
from services.user.service import dashboards
from tests.integration.legacy.world import World as LegacyWorld

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from common.database import Pool
    from common.tokens import KeyRing
    from tests.conftest import CloneDatabase

NOW = datetime.now(UTC).replace(microsecond=0)
SEATS = ("1A", "1B", "1C", "1D", "2A", "2B", "2C", "2D", "3A", "3B", "3C", "3D")

# The monolith's rows as the services tell of them.
TOLD = {
    "auth.user.changed": """
        SELECT id, email, role, company_id, status, full_name, phone, locale, created_at, updated_at
        FROM users
    """,
    "company.company.changed": "SELECT id, name, time_zone, currency, status FROM companies",
    "company.layout.changed": "SELECT id, company_id, capacity FROM layouts",
    "company.stop.changed": "SELECT id, company_id, name, city, time_zone FROM stops",
    "company.route.changed": """
        SELECT id, company_id, name, (
            SELECT jsonb_agg(jsonb_build_object('seq', seq, 'stop_id', stop_id, 'arrive_s', arrive_s,
                                                'depart_s', depart_s) ORDER BY seq)
            FROM route_stops WHERE route_id = routes.id) AS calls
        FROM routes
    """,
    "company.trip.changed": """
        SELECT id, company_id, route_id, layout_id, departs_at, delay_min, status FROM trips
    """,
    "ticketing.booking.confirmed": """
        SELECT id, reference, user_id, trip_id, company_id, from_seq, to_seq, status, payment_id, currency,
               (total * 100)::bigint AS total_minor, (refund_due * 100)::bigint AS refund_due_minor,
               created_at, NULL AS journey
        FROM bookings WHERE status IN ('confirmed', 'cancelled')
    """,
    "ticketing.ticket.confirmed": """
        SELECT id, booking_id, trip_id, seat, from_seq, to_seq, status,
               qr_code IS NOT NULL OR refund_due > 0 AS sold
        FROM tickets WHERE status <> 'held'
    """,
    "qr.check_in.recorded": """
        SELECT id, id AS ticket_id, trip_id FROM tickets WHERE scanned_at IS NOT NULL
    """,
    "payment.refund.succeeded": """
        SELECT r.id, p.booking_id, p.company_id, (r.amount * 100)::bigint AS amount_minor, p.currency,
               r.status, r.created_at
        FROM refunds r JOIN payments p ON p.id = r.payment_id
    """,
}


@pytest.fixture
async def old_pool(clone_database: CloneDatabase) -> AsyncIterator[Pool]:
    """A database of the monolith's."""
    migrations = Path(legacy.__file__).parent / "migrations"
    database = await clone_database("legacy", lambda dsn: migrate(dsn, migrations))
    made = await open_pool(database, min_size=1, max_size=2, application_name="test")
    yield made
    await made.close()


async def fill(old_pool: Pool, world: LegacyWorld, random: Random) -> list[Any]:
    """Companies in three time zones and two currencies, and a handful of passengers; answers these."""
    users = [await world.user() for _ in range(4)]
    for zone, currency in (("Asia/Kolkata", "INR"), ("America/New_York", "INR"), ("Pacific/Auckland", "LKR")):
        company = await world.company(time_zone=zone, currency=currency)
        route, layout = await world.route(company, time_zone=zone), await world.layout(company)
        for n in range(6):
            trip = await world.trip(
                company,
                route=route,
                layout=layout,
                departs_at=NOW + timedelta(hours=random.randint(-200, 100)),
                delay_min=random.choice((0, 45)),
                status="cancelled" if n == 5 else "scheduled",
            )
            free = list(SEATS)
            while len(free) > 3:
                count, boards = random.randint(1, 3), random.randint(0, 2)
                seats, free = free[:count], free[count:]
                status = random.choice(("confirmed",) * 5 + ("cancelled",) * 3 + ("held", "expired"))
                booking = await world.booking(
                    trip,
                    random.choice(users),
                    seats=seats,
                    from_seq=boards,
                    to_seq=random.randint(boards + 1, 3),
                    status=status,
                    price=random.choice((None, None, None, 0)),
                )
                await settle(old_pool, world, booking, random)
    return users


async def settle(old_pool: Pool, world: LegacyWorld, booking: Any, random: Random) -> None:
    made_at = NOW - timedelta(minutes=random.randint(0, 15 * 1440))
    await old_pool.execute("UPDATE bookings SET created_at = $2 WHERE id = $1", booking.id, made_at)
    was_paid = booking.status == "confirmed" or random.random() < 0.7
    if booking.status in {"held", "expired"} or not was_paid:
        return
    await old_pool.execute(
        """
        UPDATE tickets SET qr_code = 'x', scanned_at = CASE WHEN random() < 0.5 THEN now() END
        WHERE booking_id = $1
        """,
        booking.id,
    )
    if booking.total == 0:
        return
    payment_id = await world.payment(booking)
    due = booking.total * Decimal(random.choice((0, 25, 90))) / 100 if booking.status == "cancelled" else 0
    await old_pool.execute(
        "UPDATE bookings SET payment_id = $2, refund_due = $3 WHERE id = $1", booking.id, payment_id, due
    )
    if due:
        await old_pool.execute(
            """
            INSERT INTO refunds (id, payment_id, amount, status, reason, created_at)
            VALUES (gen_random_uuid(), $1, $2, $3, 'cancelled', $4)
            """,
            payment_id,
            due,
            random.choice(("succeeded", "succeeded", "pending", "failed")),
            made_at + timedelta(hours=random.randint(1, 50)),
        )


async def tell_everything(old_pool: Pool, world: Any) -> None:
    for event_type, query in TOLD.items():
        rows = await old_pool.fetch(f"SELECT to_jsonb(said) AS said FROM ({query}) said")
        source = event_type.partition(".")[0]
        events = [
            Event(source, number, event_type, 1, row["said"]["id"], NOW, row["said"])
            for number, row in enumerate(rows, 1)
        ]
        if events:
            await world.hear(events)


def wire(answer: Any) -> Any:
    return orjson.loads(dump_json(answer))


@pytest.mark.parametrize("seed", range(4))
async def test_all_dashboards_say_the_same(old_pool, pool, world, keys: KeyRing, seed):
    users = await fill(old_pool, LegacyWorld(old_pool, keys, "http://banyan.test"), Random(seed))
    await tell_everything(old_pool, world)

    for user in users:
        told, ours = await monolith.of_user(old_pool, user.id), await dashboards.of_user(pool, user.id)
        assert wire(ours) == wire(told)
        assert told["spend"]
    periods = ((None, None), (NOW.date() - timedelta(days=6), NOW.date() + timedelta(days=5)))
    for first, last in periods:
        assert wire(await dashboards.of_platform(pool, first, last)) == wire(
            await monolith.of_platform(old_pool, first, last)
        )
        for row in await old_pool.fetch("SELECT id FROM companies"):
            company = await dashboards.repository.get_company(pool, row["id"])
            ours = await dashboards.of_company(pool, company, first, last)
            told = await monolith.of_company(old_pool, row["id"], first, last)
            assert wire(ours) == wire(told)
            assert told["totals"]["tickets"]
