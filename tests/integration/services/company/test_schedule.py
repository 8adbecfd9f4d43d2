"""Departures over the API: made together or not at all, on a bus and with a driver that are free."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

BUS_BUSY = "urn:banyan:problem:bus-busy"


@pytest.fixture
async def company(world):
    return await world.company()


@pytest.fixture
def operator(world, company):
    return world.operator(company)


@pytest.fixture
async def route(world, company):
    """Four stops; the last is reached 23,400 s after departure."""
    return await world.route(company)


@pytest.fixture
async def bus(world, company):
    return str(await world.bus(await world.layout(company)))


@pytest.fixture
async def driver(world, company):
    return str(await world.driver(company))


@pytest.fixture
def publish(client, company, operator, route):
    async def post(expect: int | None = 201, headers: Any = None, **body: Any) -> Any:
        """The answer, whose status must be this one unless it is None."""
        url = f"/api/companies/{company.id}/trips"
        body = {"route_id": str(route.id), **body}
        async with client.post(url, json=body, headers=headers or operator) as answer:
            data = await answer.json()
            assert expect in {None, answer.status}, data
            return data

    return post


@pytest.fixture
def change(client, operator):
    async def patch(trip: Any, expect: int | None = 200, headers: Any = None, **body: Any) -> Any:
        url = f"/api/trips/{trip['id']}"
        async with client.patch(url, json=body, headers={**operator, **(headers or {})}) as answer:
            data = await answer.json()
            assert expect in {None, answer.status}, data
            return data

    return patch


def calendar(**given: Any):
    return {"from": "2030-01-07", "to": "2030-01-13", "weekdays": [1, 3, 5], "time": "07:30", **given}


async def test_one_departure_has_its_stops_with_their_instants(publish, bus, driver, company, route):
    made = await publish(departs_at="2030-01-07T08:00:00+05:30", bus_id=bus, driver_id=driver)
    assert (made["created"], made["skipped"]) == (1, 0)
    (trip,) = made["items"]
    assert trip["departs_at"] == "2030-01-07T02:30:00Z"
    assert trip["arrives_at"] == "2030-01-07T08:50:00Z"
    assert trip["service_date"] == "2030-01-07"
    assert trip["company_name"] == company.name
    assert (trip["capacity"], trip["status"], trip["delay_min"]) == (12, "scheduled", 0)
    assert [stop["city"] for stop in trip["stops"]] == list(route.cities)
    assert [stop["arrives_at"][11:16] for stop in trip["stops"]] == ["02:30", "04:30", "06:40", "08:50"]
    assert trip["stops"][-1]["arrives_at"] == trip["arrives_at"]


async def test_a_calendar_leaves_at_local_time_on_its_weekdays(publish, bus):
    made = await publish(calendar=calendar(), bus_id=bus)
    assert [trip["service_date"] for trip in made["items"]] == ["2030-01-07", "2030-01-09", "2030-01-11"]
    assert {trip["departs_at"][11:] for trip in made["items"]} == {"02:00:00Z"}


async def test_a_calendar_keeps_its_local_time_when_clocks_change(client, world, publish, bus, company):
    berlin = await world.route(company, ("Berlin", "Leipzig"), time_zone="Europe/Berlin")
    span = calendar(**{"from": "2030-03-30", "to": "2030-03-31", "weekdays": [6, 7]})
    made = await publish(route_id=str(berlin.id), calendar=span, bus_id=bus)
    assert [trip["departs_at"] for trip in made["items"]] == ["2030-03-30T06:30:00Z", "2030-03-31T05:30:00Z"]


async def test_a_calendar_is_made_whole_or_not_at_all(publish, bus, pool):
    taken = (await publish(departs_at="2030-01-09T09:00:00+05:30", bus_id=bus))["items"][0]
    refused = await publish(409, calendar=calendar(), bus_id=bus)
    assert refused["type"] == "urn:banyan:problem:bus-busy"
    assert refused["conflicts"] == [{"departs_at": taken["departs_at"], "trip_id": taken["id"]}]
    assert await pool.fetchval("SELECT count(*) FROM trips") == 1


async def test_a_driver_drives_one_bus_at_a_time(world, publish, company, driver):
    layout = await world.layout(company)
    for expected in (201, 409):
        answer = await publish(
            expected, departs_at="2030-01-09T09:00:00Z", bus_id=str(await world.bus(layout)), driver_id=driver
        )
    assert answer["type"] == "urn:banyan:problem:driver-busy"
    assert len(answer["conflicts"]) == 1


async def test_departures_of_one_calendar_that_overlap_each_other_are_refused(world, publish, company, bus):
    days = await world.route(company, ("Delhi", "Kochi"), leg_s=30 * 3600)
    span = calendar(weekdays=[1, 2])
    refused = await publish(409, route_id=str(days.id), calendar=span, bus_id=bus)
    assert refused["conflicts"] == [{"departs_at": "2030-01-08T02:00:00Z", "trip_id": None}]
    layout = await world.layout(company)
    await publish(route_id=str(days.id), calendar=span, layout_id=str(layout.id))


async def test_of_many_at_once_for_the_same_bus_exactly_one_wins(publish, bus, pool):
    times = [f"2030-01-09T09:{minute:02}:00Z" for minute in range(12)]
    answers = await asyncio.gather(*(publish(None, departs_at=leaves, bus_id=bus) for leaves in times))
    assert sorted(answer.get("type", "made") for answer in answers) == ["made"] + [BUS_BUSY] * 11
    assert await pool.fetchval("SELECT count(*) FROM trips") == 1


async def test_calendars_at_once_with_buses_and_drivers_crossed_never_deadlock(world, publish, company, pool):
    layout = await world.layout(company)
    buses = [str(await world.bus(layout)) for _ in range(2)]
    drivers = [str(await world.driver(company)) for _ in range(2)]

    span = calendar(weekdays=[1, 2, 3, 4, 5, 6, 7])
    answers = await asyncio.gather(
        *(
            publish(None, calendar=span, bus_id=b, driver_id=d)
            for b in buses
            for d in drivers
            for _ in range(3)
        )
    )
    won = sum("created" in answer for answer in answers)
    assert all(answer["status"] == 409 for answer in answers if "created" not in answer)
    assert won in {1, 2}
    assert await pool.fetchval("SELECT count(*) FROM trips") == 7 * won


async def test_two_assignments_at_once_of_the_same_bus_to_different_departures(
    world, publish, change, company, bus
):
    layout = await world.layout(company)
    trips = [
        (await publish(departs_at="2030-01-09T09:00:00Z", layout_id=str(layout.id)))["items"][0]
        for _ in range(6)
    ]

    answers = await asyncio.gather(*(change(trip, None, bus_id=bus) for trip in trips))
    assert sorted(answer.get("type", "changed") for answer in answers) == ["changed"] + [BUS_BUSY] * 5


async def test_the_database_refuses_even_what_came_in_past_the_locks(world, publish, bus, company, pool):
    """Rows that are not made by this process, as those of a sync, are seen by the constraint alone."""
    trip = (await publish(departs_at="2030-01-09T09:00:00Z", bus_id=bus))["items"][0]
    with pytest.raises(asyncpg.ExclusionViolationError):
        await pool.execute(
            """INSERT INTO trips (id, company_id, route_id, layout_id, bus_id, service_date, departs_at,
                                  arrives_at, busy)
               SELECT gen_random_uuid(), company_id, route_id, layout_id, bus_id, service_date, departs_at,
                      arrives_at, busy
               FROM trips WHERE id = $1::text::uuid""",
            trip["id"],
        )


async def test_a_bus_may_leave_at_the_minute_it_arrives(publish, bus):
    first = (await publish(departs_at="2030-01-09T09:00:00Z", bus_id=bus))["items"][0]
    await publish(departs_at=first["arrives_at"], bus_id=bus)


async def test_a_delay_makes_a_bus_busy_for_longer(publish, change, bus):
    first = (await publish(departs_at="2030-01-09T09:00:00Z", bus_id=bus))["items"][0]
    leaves = datetime.fromisoformat(first["arrives_at"]) + timedelta(minutes=10)
    second = (await publish(departs_at=leaves.isoformat(), bus_id=bus))["items"][0]
    assert (await change(first, delay_min=10))["delay_min"] == 10
    refused = await change(first, 409, delay_min=11)
    assert refused["conflicts"] == [{"departs_at": second["departs_at"], "trip_id": second["id"]}]


async def test_a_cancelled_departure_frees_its_bus_and_stays_cancelled(publish, change, bus, driver):
    trip = (await publish(departs_at="2030-01-09T09:00:00Z", bus_id=bus, driver_id=driver))["items"][0]
    cancelled = await change(trip, status="cancelled", cancel_reason="Flood")
    assert (cancelled["status"], cancelled["cancel_reason"]) == ("cancelled", "Flood")
    await publish(departs_at="2030-01-09T09:00:00Z", bus_id=bus, driver_id=driver)
    for body in ({"delay_min": 5}, {"status": "cancelled"}, {"bus_id": None}):
        assert (await change(trip, 409, **body))["type"] == "urn:banyan:problem:trip-cancelled"


async def test_what_has_arrived_cannot_be_cancelled(world, change, company, route):
    trip = await world.trip(company, route=route, departs_at=datetime.now(UTC) - timedelta(days=1))
    assert (await change({"id": trip.id}, 409, status="cancelled"))["type"] == "urn:banyan:problem:trip-over"


def seat_map(trip, **states: str):
    """What ticketing says of a trip's seats, those that are not named being free."""
    return {
        f"/api/trips/{trip.id}/seats": {
            "seats": [{"seat": seat, "state": states.get(seat, "free")} for seat in trip.layout.seats]
        }
    }


@pytest.fixture
async def sold(world, company, route):
    """A departure on a bus of five rows."""
    return await world.trip(company, route=route, layout=await world.layout(company, rows=5))


async def test_a_smaller_bus_is_refused_if_it_lacks_seats_that_are_held_or_sold(
    world, site, change, company, sold
):
    site.answers = seat_map(sold, **{"1A": "sold", "4D": "held", "5D": "sold"})
    small = str(await world.bus(await world.layout(company, rows=3)))
    refused = await change({"id": sold.id}, 409, bus_id=small)
    assert refused["type"] == "urn:banyan:problem:layout-mismatch"
    assert refused["seats"] == ["4D", "5D"]
    big = await world.layout(company, rows=6)
    changed = await change({"id": sold.id}, bus_id=str(await world.bus(big)))
    assert (changed["layout_id"], changed["capacity"]) == (str(big.id), 24)


async def test_what_ticketing_says_of_seats_wins_over_what_was_heard(world, site, change, company, sold):
    await world.ticket(sold, "5D")  # cancelled a moment ago: the event is on its way
    site.answers = seat_map(sold)
    small = await world.layout(company, rows=3)
    changed = await change({"id": sold.id}, bus_id=str(await world.bus(small)))
    assert changed["layout_id"] == str(small.id)


async def test_tickets_that_were_heard_of_count_where_ticketing_knows_no_such_trip(
    world, site, change, company, sold
):
    await world.ticket(sold, "5D")
    await world.ticket(sold, "4D", status="cancelled")
    small = str(await world.bus(await world.layout(company, rows=3)))
    assert (await change({"id": sold.id}, 409, bus_id=small))["seats"] == ["5D"]


async def test_without_ticketing_a_bus_of_other_seats_waits_and_one_of_the_same_does_not(
    world, site, change, company, sold, pool
):
    site.down = True
    other = str(await world.bus(await world.layout(company, rows=3)))
    await change({"id": sold.id}, 503, bus_id=other)
    assert await pool.fetchval("SELECT bus_id FROM trips WHERE id = $1", sold.id) is None
    same = str(await world.bus(sold.layout))
    assert (await change({"id": sold.id}, bus_id=same, delay_min=5))["bus_id"] == same


async def test_a_stale_change_is_refused(client, publish, change, bus):
    trip = (await publish(departs_at="2030-01-09T09:00:00Z", bus_id=bus))["items"][0]
    async with client.get(f"/api/trips/{trip['id']}") as answer:
        etag = answer.headers["ETag"]
    async with client.get(f"/api/trips/{trip['id']}", headers={"If-None-Match": etag}) as answer:
        assert answer.status == 304
    await change(trip, headers={"If-Match": etag}, delay_min=5)
    await change(trip, 412, headers={"If-Match": etag}, delay_min=6)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"departs_at": "2030-01-09T09:00:00Z"}, "bus_id"),
        ({"departs_at": "2030-01-09T09:00:00Z", "calendar": calendar()}, "body"),
        ({"calendar": calendar(time="25:00"), "layout_id": "<layout>"}, "calendar.time"),
        ({"calendar": calendar(weekdays=[8]), "layout_id": "<layout>"}, "calendar.weekdays.0"),
        ({"calendar": calendar(to="2030-01-01"), "layout_id": "<layout>"}, "calendar.to"),
        (
            {"calendar": calendar(to="2031-12-31", weekdays=[1, 2, 3, 4, 5, 6, 7]), "layout_id": "<layout>"},
            "calendar.to",
        ),
        (
            {"calendar": calendar(to="2030-01-07", weekdays=[2]), "layout_id": "<layout>"},
            "calendar.weekdays",
        ),
        ({"departs_at": "2030-01-09T09:00:00Z", "layout_id": "<other>"}, "layout_id"),
        ({"departs_at": "2030-01-09T09:00:00Z", "layout_id": "<layout>", "bus_id": "<bus>"}, "layout_id"),
        ({"departs_at": "2030-01-09T09:00:00Z", "bus_id": "<foreign>"}, "bus_id"),
        ({"departs_at": "2030-01-09T09:00:00Z", "bus_id": "<bus>", "driver_id": "<bus>"}, "driver_id"),
        ({"departs_at": "2030-01-09T09:00:00Z", "bus_id": "<bus>", "route_id": "<bus>"}, "route_id"),
        ({"departs_at": "2030-01-09T09:00:00Z", "bus_id": "<bus>", "wheels": 4}, "wheels"),
    ],
)
async def test_what_cannot_be_made_is_refused_by_field(world, publish, company, bus, body, field):
    strangers = await world.layout(await world.company())
    named = {
        "<layout>": str((await world.layout(company)).id),
        "<other>": str(strangers.id),
        "<foreign>": str(await world.bus(strangers)),
        "<bus>": bus,
    }
    filled = {
        key: named.get(value, value) if isinstance(value, str) else value for key, value in body.items()
    }
    refused = await publish(422, **filled)
    assert field in refused["errors"], refused


async def test_lists_are_by_departure_and_go_on_where_they_stopped(
    client, publish, company, operator, bus, world
):
    await publish(calendar=calendar(weekdays=[1, 2, 3, 4, 5, 6, 7]), bus_id=bus)
    url = f"/api/companies/{company.id}/trips"
    seen, cursor = [], None
    while True:
        query = {
            "limit": "3",
            "from": "2030-01-08",
            "to": "2030-01-12",
            **({"cursor": cursor} if cursor else {}),
        }
        async with client.get(url, params=query, headers=operator) as answer:
            page = await answer.json()
        seen += [trip["service_date"] for trip in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [f"2030-01-{day:02}" for day in range(8, 13)]
    async with client.get(url, headers=world.operator(await world.company())) as answer:
        assert answer.status == 404
    async with client.get(url, headers=world.bearer(world.user())) as answer:
        assert answer.status == 403


async def test_staff_look_and_operators_act(world, publish, company, bus):
    inspector = world.bearer(world.user("inspector", company))
    await publish(403, headers=inspector, departs_at="2030-01-09T09:00:00Z", bus_id=bus)
    stranger = world.operator(await world.company())
    await publish(404, headers=stranger, departs_at="2030-01-09T09:00:00Z", bus_id=bus)
    admin = world.admin()
    await publish(201, headers=admin, departs_at="2030-01-09T09:00:00Z", bus_id=bus)


async def test_a_suspended_company_makes_no_departures(publish, bus, pool, company):
    await pool.execute("UPDATE companies SET status = 'suspended' WHERE id = $1", company.id)
    refused = await publish(409, departs_at="2030-01-09T09:00:00Z", bus_id=bus)
    assert refused["type"] == "urn:banyan:problem:company-suspended"
