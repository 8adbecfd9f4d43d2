"""Days that are added up: right in whatever order, and however often, things are told."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest

from services.user.events import HANDLERS
from services.user.repository import dashboards as repository
from services.user.service import dashboards

if TYPE_CHECKING:
    from tests.integration.services.user.world import World

NOW = datetime.now(UTC).replace(microsecond=0)
HEARD = (
    "accounts companies layouts stops routes trips bookings tickets check_ins refunds travellers profiles"
).split()
COUNTED = "daily_sales daily_totals daily_refunds daily_departures".split()

# What the cells must come to, reckoned from nothing: as legacy's dashboards ask their own tables.
SALES = """
    SELECT b.company_id, (b.created_at AT TIME ZONE c.time_zone)::date AS day, b.route_id, b.currency,
           count(DISTINCT b.id)::int AS bookings, count(*)::int AS tickets,
           (count(*) FILTER (WHERE k.status = 'cancelled'))::int AS cancelled,
           sum(b.total_minor / (SELECT count(*) FROM tickets o WHERE o.booking_id = b.id))::bigint
               AS revenue_minor
    FROM bookings b JOIN companies c ON c.id = b.company_id JOIN tickets k ON k.booking_id = b.id
    WHERE (b.status = 'confirmed'
           OR (b.status = 'cancelled' AND (b.payment_id IS NOT NULL OR b.total_minor = 0)))
      AND (k.status = 'confirmed' OR (k.status = 'cancelled' AND k.sold))
    GROUP BY 1, 2, 3, 4
"""
REFUNDS = """
    SELECT r.company_id, (r.created_at AT TIME ZONE c.time_zone)::date AS day, r.currency,
           sum(r.amount_minor)::bigint AS refunds_minor
    FROM refunds r JOIN bookings b ON b.id = r.booking_id JOIN companies c ON c.id = r.company_id
    WHERE r.status <> 'failed' GROUP BY 1, 2, 3
"""
DEPARTURES = """
    SELECT t.company_id, (t.departs_at AT TIME ZONE c.time_zone)::date AS day, t.route_id,
           count(DISTINCT t.id)::int AS departures,
           sum(l.capacity / greatest(1, (SELECT count(*) FROM tickets o
                                         WHERE o.trip_id = t.id AND o.status = 'confirmed')))::int AS seats,
           coalesce(sum(k.to_seq - k.from_seq), 0)::int AS sold_legs, count(k.id)::int AS passengers,
           count(i.ticket_id)::int AS boarded
    FROM trips t JOIN companies c ON c.id = t.company_id JOIN layouts l ON l.id = t.layout_id
    LEFT JOIN tickets k ON k.trip_id = t.id AND k.status = 'confirmed'
    LEFT JOIN check_ins i ON i.ticket_id = k.id
    WHERE t.status = 'scheduled' GROUP BY 1, 2, 3
"""


async def rows(pool, query):
    return sorted(tuple(row.values()) for row in await pool.fetch(query))


async def counted(pool):
    await pool.execute("SELECT count_stale(NULL, 100000)")
    return {table: await rows(pool, f"SELECT * FROM {table}") for table in COUNTED}


async def is_right(pool):
    """The cells are what the rows come to, and what counting everything again comes to."""
    cells = await counted(pool)
    assert cells["daily_sales"] == await rows(pool, SALES)
    assert cells["daily_refunds"] == await rows(pool, REFUNDS)
    assert cells["daily_departures"] == await rows(pool, DEPARTURES)
    await pool.execute("SELECT recount_everything()")
    assert await counted(pool) == cells
    return cells


async def a_busy_month(world: World) -> None:
    """Two companies; trips that are called off, bookings cancelled in part and wholly, refunds, check-ins."""
    for time_zone in ("Asia/Kolkata", "America/New_York"):
        company = await world.company(time_zone=time_zone)
        await world.user(role="operator", company=company)
        first = await world.trip(company, departs_at=NOW - timedelta(days=2))
        trips = [
            first,
            *[await world.trip(like=first, departs_at=NOW - timedelta(hours=9 * n)) for n in range(4)],
        ]
        for n, trip in enumerate(trips):
            made_at = NOW - timedelta(days=10, hours=7 * n)
            kept = await world.booking(trip, seats=("1A", "1B"), made_at=made_at)
            await world.check_in(kept, n % 2)
            gone = await world.booking(trip, seats=("2A", "2B"), made_at=made_at)
            await world.cancel(gone, 40000 + n)
            part = await world.booking(trip, seats=("3A", "3B"), from_seq=1, to_seq=2, made_at=made_at)
            ticket = {**part.tickets[0], "status": "cancelled"}
            await world.tell("ticketing.ticket.cancelled", ticket["id"], ticket)
            await world.refund(part, 5000, "failed" if n == 1 else "pending")
            await world.give_up(trip)
        called_off = {**trips[3].data, "status": "cancelled"}
        await world.tell("company.trip.changed", trips[3].id, called_off)


def batches(events, random):
    """The events in some order, some of them twice, in batches as a consumer makes them."""
    told = [*events, *random.sample(events, len(events) // 3)]
    random.shuffle(told)
    while told:
        taken, told = told[: (size := random.randint(1, 60))], told[size:]
        for handler in HANDLERS:
            if batch := [event for event in taken if event.type in handler.types]:
                yield batch


async def test_every_order_of_the_same_events_ends_in_the_same_numbers(world, pool):
    await a_busy_month(world)
    in_order = await is_right(pool)
    assert all(len(cells) >= 2 for cells in in_order.values())
    heard = {table: await rows(pool, f"SELECT * FROM {table} ORDER BY 1") for table in ("accounts", "trips")}
    for seed in range(10):
        for table in (*COUNTED, *HEARD):
            await pool.execute(f"DELETE FROM {table}")
        for batch in batches(world.said, Random(seed)):
            await world.hear(batch)
        assert await is_right(pool) == in_order, f"seed {seed}"
        for table, before in heard.items():
            assert await rows(pool, f"SELECT * FROM {table} ORDER BY 1") == before
        accounts = await pool.fetchval("SELECT accounts FROM counted_accounts")
        assert accounts == len(heard["accounts"])


async def test_what_is_told_again_changes_nothing(world, pool):
    await a_busy_month(world)
    before = await counted(pool)
    for event in world.said:
        await world.hear([event])
    assert await counted(pool) == before


async def test_at_the_same_time_nobody_counts_only_half(world, pool):
    """Two that hear halves of one day see each other's: bookings here, their tickets there."""
    await a_busy_month(world)
    before = await counted(pool)
    for table in ("bookings", "tickets", "refunds", "trips", "companies", *COUNTED):
        await pool.execute(f"DELETE FROM {table}")
    by_type = {}
    for event in world.said:
        by_type.setdefault(event.type, []).append(event)
    await asyncio.gather(
        *(world.hear(events[half::2]) for events in by_type.values() for half in range(2)),
    )
    # halves of one subject may have come the wrong way round, which the numbers of events sort out
    assert await is_right(pool) == before


async def test_rows_that_are_copied_in_or_deleted_are_counted_too(world, pool):
    await a_busy_month(world)
    kept = {table: await pool.fetch(f"SELECT * FROM {table}") for table in ("bookings", "tickets")}
    before = await counted(pool)
    await pool.execute("DELETE FROM tickets")
    assert (await counted(pool))["daily_sales"] == []
    await pool.execute("DELETE FROM bookings")
    await is_right(pool)
    async with pool.acquire() as conn:
        for table in ("tickets", "bookings"):
            await conn.copy_records_to_table(table, records=kept[table])
    assert await counted(pool) == before


async def test_days_move_with_the_companys_time_zone(world, pool):
    company = await world.company(time_zone="UTC")
    trip = await world.trip(company, departs_at=datetime(2026, 5, 2, 2, tzinfo=UTC))
    booking = await world.booking(trip, made_at=datetime(2026, 5, 1, 22, tzinfo=UTC))
    await world.refund(booking, 100)
    await is_right(pool)
    await world.tell_company(company, time_zone="Asia/Kolkata")
    cells = await is_right(pool)
    assert [str(row[1]) for row in cells["daily_sales"]] == ["2026-05-02"]
    await world.tell_company(company, time_zone="America/New_York")
    cells = await is_right(pool)
    assert [str(row[1]) for row in cells["daily_departures"]] == ["2026-05-01"]


async def test_a_route_comes_of_the_journey_or_else_of_the_trip(world, pool):
    trip = await world.trip()
    await pool.execute("DELETE FROM trips")
    await world.booking(trip)
    assert await pool.fetchval("SELECT route_id FROM bookings") is None
    await world.tell("company.trip.changed", trip.id, trip.data)
    assert await pool.fetchval("SELECT route_id FROM bookings") == trip.route_id
    await is_right(pool)


@pytest.mark.parametrize("table", COUNTED)
async def test_a_cell_that_is_wrong_is_right_again_with_the_next_news_of_its_day(world, pool, table):
    trip = await world.trip(departs_at=NOW)
    booking = await world.booking(trip)
    await world.refund(booking, 100)
    before = await counted(pool)
    await pool.execute(f"DELETE FROM {table}")
    await world.tell("ticketing.booking.confirmed", booking.id, booking.data)
    await world.tell("ticketing.ticket.confirmed", booking.tickets[0]["id"], booking.tickets[0])
    assert await counted(pool) == before


async def test_news_marks_a_day_and_whoever_reads_has_it_counted(world, pool):
    company = await world.company()
    await world.booking(await world.trip(company))
    assert await rows(pool, "SELECT * FROM daily_sales") == []
    seen = await dashboards.of_company(pool, await repository.get_company(pool, company.id), None, None)
    assert seen["totals"]["bookings"] == 1
    assert not (await repository.get_company(pool, company.id))["is_stale"]


async def test_what_nobody_reads_is_counted_in_the_background_once(world, pool):
    await world.booking(await world.trip())
    assert await dashboards.count_what_is_told(pool) == 1
    assert len(await rows(pool, "SELECT * FROM daily_sales")) == 1
    assert await dashboards.count_what_is_told(pool) == 0


async def test_however_much_is_marked_it_is_counted_in_turns_that_end(world, pool, monkeypatch):
    monkeypatch.setattr(dashboards, "COUNTED_AT_ONCE", 1)
    await a_busy_month(world)
    assert await pool.fetchval("SELECT count(*) FROM stale_departures") > 1
    assert await dashboards.count_what_is_told(pool) == 1
    assert not await repository.has_stale_days(pool)
    await is_right(pool)
