"""Feeds over the API: in whole or not at all, again without duplicates, and out as they came in."""

import asyncio
import io
import os
import time
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from common.ids import uuid7
from services.company.gtfs.feed import Options
from services.company.gtfs.parse import parse_feed
from services.company.repository import gtfs as repository
from tests.unit.services.company.gtfs.feeds import SMALL, zip_of

CAIRNS = "gtfs-cairns-2014.zip"


def cairns() -> bytes:
    """A real company's feed, where there is one."""
    beside = Path(__file__).parents[6] / "shared" / "data" / CAIRNS
    path = Path(os.environ.get("BANYAN_TEST_GTFS") or beside)
    if not path.is_file():
        pytest.skip(f"no real feed: set BANYAN_TEST_GTFS to a {CAIRNS}")
    return path.read_bytes()


@pytest.fixture
async def company(world):
    return await world.company("Hill Coaches", time_zone="Asia/Kolkata")


@pytest.fixture
def operator(world, company):
    return world.bearer(world.user("operator", company))


@pytest.fixture
def upload(client, company, operator):
    async def post(feed: bytes, expect: int = 201, headers: Any = None, **query: Any) -> Any:
        headers = {**(headers or operator), "Content-Type": "application/zip"}
        url = f"/api/companies/{company.id}/gtfs"
        async with client.post(url, data=feed, headers=headers, params=query) as answer:
            data = await answer.json()
            assert answer.status == expect, data
            return data

    return post


@pytest.fixture
def get(client, company, operator):
    async def fetch(path: str, **query: Any) -> Any:
        url = f"/api/companies/{company.id}/{path}"
        async with client.get(url, headers=operator, params=query) as answer:
            assert answer.status == 200, await answer.text()
            return await (answer.json() if answer.content_type == "application/json" else answer.read())

    return fetch


@pytest.fixture
def publish(client, company, operator):
    async def post(layout: Any, first: str, last: str) -> Any:
        body = {"timetables": {"from": first, "to": last}, "layout_id": str(layout.id)}
        async with client.post(f"/api/companies/{company.id}/trips", json=body, headers=operator) as answer:
            data = await answer.json()
            assert answer.status == 201, data
            return data

    return post


async def rows(pool: Any, table: str) -> int:
    count: int = await pool.fetchval(f"SELECT count(*) FROM {table}")
    return count


async def test_a_feed_becomes_stops_routes_and_timetables(upload, get):
    done = await upload(zip_of(SMALL), default_leg_fare=5000)
    assert {name: done[name] for name in ("agencies", "stops", "routes", "timetables", "calendars")} == {
        "agencies": 1,
        "stops": 4,
        "routes": 2,
        "timetables": 3,
        "calendars": 2,
    }
    stops = {stop["code"]: stop for stop in (await get("stops"))["items"]}
    assert stops["B1"]["city"] == "Bengaluru"
    assert stops["B1"]["time_zone"] == "Asia/Kolkata"
    routes = {route["name"]: route for route in (await get("routes"))["items"]}
    there = routes["7: Majestic → Mysuru Bus Stand"]
    assert [(stop["arrive_s"], stop["depart_s"]) for stop in there["stops"]] == [
        (0, 0),
        (5400, 5700),
        (12600, 12600),
    ]
    assert [stop["leg_fare"]["amount"] for stop in there["stops"]] == [0, 5000, 5000]
    assert len((await get("timetables", date="2026-06-06"))["items"]) == 1
    assert len((await get("timetables", date="2026-06-08"))["items"]) == 2


async def test_departures_are_made_of_a_feed_for_its_days_of_service(upload, publish, world, company, get):
    await upload(zip_of(SMALL))
    layout = await world.layout(company)
    made = await publish(layout, "2026-06-05", "2026-06-08")
    # Friday and Monday: two each; Saturday: the night bus; Sunday: nothing.
    assert (made["created"], made["skipped"]) == (5, 0)
    night = next(trip for trip in made["items"] if trip["service_date"] == "2026-06-06")
    # 25:30:00 of Saturday is half past one on Sunday in Kolkata
    assert night["departs_at"] == "2026-06-06T20:00:00Z"
    again = await publish(layout, "2026-06-08", "2026-06-09")
    assert (again["created"], again["skipped"]) == (2, 2)


async def test_the_same_feed_again_changes_nothing(upload, pool):
    await upload(zip_of(SMALL))
    tables = ("stops", "routes", "timetables", "calendars")
    before = {table: await pool.fetch(f"SELECT xmin, t.* FROM {table} t ORDER BY 2, 3") for table in tables}
    await upload(zip_of(SMALL))
    for table, was in before.items():
        assert await pool.fetch(f"SELECT xmin, t.* FROM {table} t ORDER BY 2, 3") == was, table


async def test_fares_stay_as_they_were_unless_somebody_names_others(upload, get, pool):
    async def fares() -> set[int]:
        routes = [route for route in (await get("routes"))["items"] if route["status"] == "active"]
        return {stop["leg_fare"]["amount"] for route in routes for stop in route["stops"] if stop["seq"]}

    await upload(zip_of(SMALL), default_leg_fare=5000)
    await upload(zip_of(SMALL))
    assert await fares() == {5000}
    assert await rows(pool, "routes") == 2
    await upload(zip_of(SMALL), default_leg_fare=6000)
    assert await fares() == {6000}
    assert await rows(pool, "routes") == 2
    await upload(zip_of(SMALL), fare_per_km=1)
    assert max(await fares()) < 150


async def test_a_changed_feed_updates_and_departures_stay(upload, publish, pool, world, company, get):
    await upload(zip_of(SMALL))
    made = await publish(await world.layout(company), "2026-06-05", "2026-06-05")
    changed = dict(SMALL)
    changed["stops.txt"] = SMALL["stops.txt"].replace("Majestic", "Kempegowda")
    changed["stop_times.txt"] = SMALL["stop_times.txt"].replace("11:30:00", "11:45:00")
    changed["trips.txt"] = "\n".join(line for line in SMALL["trips.txt"].splitlines() if "night" not in line)
    changed["stop_times.txt"] = "\n".join(
        line for line in changed["stop_times.txt"].splitlines() if not line.startswith("night")
    )
    await upload(zip_of(changed))
    stops = {stop["code"]: stop["name"] for stop in (await get("stops"))["items"]}
    assert stops["B1"] == "Kempegowda"
    assert len(stops) == 4
    kept = {row["id"]: row for row in await pool.fetch("SELECT * FROM trips")}
    assert len(kept) == made["created"]
    for trip in made["items"]:
        row = next(row for row in kept.values() if str(row["id"]) == trip["id"])
        assert row["departs_at"].isoformat().replace("+00:00", "Z") == trip["departs_at"]
    names = await pool.fetch("SELECT gtfs_trip_id, withdrawn FROM timetables ORDER BY 1")
    assert [tuple(row) for row in names] == [("back", False), ("there", False)]
    # The way there has other times now: the departures keep the old route, which is retired.
    statuses = await pool.fetch("SELECT status, count(*) FROM routes GROUP BY 1 ORDER BY 1")
    assert [tuple(row) for row in statuses] == [("active", 2), ("retired", 1)]


async def test_what_a_feed_has_no_more_is_withdrawn_if_departures_are_made_of_it(
    upload, publish, pool, world, company
):
    await upload(zip_of(SMALL))
    await publish(await world.layout(company), "2026-06-06", "2026-06-06")
    day_only = dict(SMALL)
    for name in ("trips.txt", "stop_times.txt"):
        day_only[name] = "\n".join(line for line in SMALL[name].splitlines() if "night" not in line)
    await upload(zip_of(day_only))
    names = await pool.fetch("SELECT gtfs_trip_id, withdrawn FROM timetables ORDER BY 1")
    assert [tuple(row) for row in names] == [("back", False), ("night", True), ("there", False)]
    assert await rows(pool, "trips") == 1
    await upload(zip_of(SMALL))
    assert not await pool.fetchval("SELECT bool_or(withdrawn) FROM timetables")


async def test_a_feed_with_a_fault_leaves_no_trace(upload, pool, get):
    faulty = {**SMALL, "stops.txt": SMALL["stops.txt"].replace("12.3052", "north")}
    refused = await upload(zip_of(faulty), 422)
    assert refused["type"] == "urn:banyan:problem:invalid-feed"
    assert list(refused["errors"]) == ["stops.txt:4:stop_lat"]
    for table in ("stops", "routes", "timetables", "calendars"):
        assert await rows(pool, table) == 0
    (failed,) = (await get("gtfs/imports"))["items"]
    assert failed["status"] == "failed"
    assert failed["problem"].startswith("stops.txt:4:stop_lat")
    assert failed["finished_at"] is not None


async def test_a_feed_that_names_no_city_needs_one(upload, get):
    nowhere = {
        **SMALL,
        "stops.txt": "\n".join(line.rpartition(",")[0] for line in SMALL["stops.txt"].splitlines()),
    }
    assert list((await upload(zip_of(nowhere), 422))["errors"]) == ["city"]
    await upload(zip_of(nowhere), city="Mysuru")
    assert {stop["place"] for stop in (await get("stops"))["items"]} == {"mysuru"}
    # The operator may know better by then; an import without a city leaves what is there.
    await upload(zip_of(nowhere))


@pytest.mark.parametrize(
    ("feed", "where"),
    [
        (b"", "feed.zip:0:"),
        (b"PK\x03\x04 and then nothing", "feed.zip:0:"),
        (zip_of({}), "agency.txt:0:"),
        (zip_of({**SMALL, "stops.txt": "stop_id\n" + "\0" * 3_000_000}), "stops.txt:0:"),
    ],
)
async def test_what_is_no_feed_is_refused(upload, feed, where):
    refused = await upload(feed, 422)
    assert where in refused["errors"]


async def test_who_may_and_in_which_shape(client, upload, world, company, operator):
    inspector = world.bearer(world.user("inspector", company))
    await upload(zip_of(SMALL), 403, headers=inspector)
    stranger = world.bearer(world.user("operator", await world.company()))
    await upload(zip_of(SMALL), 404, headers=stranger)
    url = f"/api/companies/{company.id}/gtfs"
    async with client.post(url, json={}, headers=operator) as answer:
        assert answer.status == 415
    big = io.BytesIO(bytes(20 * 1024 * 1024 + 1))
    async with client.post(url, data=big, headers={**operator, "Content-Type": "application/zip"}) as answer:
        assert answer.status == 413


async def test_of_two_imports_at_once_one_waits_for_nobody(upload, client, company, operator, pool):
    """Both are answered, one of them with a conflict; which one is up to chance."""
    headers = {**operator, "Content-Type": "application/zip"}
    url = f"/api/companies/{company.id}/gtfs"

    async def attempt() -> int:
        async with client.post(url, data=zip_of(SMALL), headers=headers) as answer:
            return answer.status

    statuses = await asyncio.gather(*(attempt() for _ in range(4)))
    assert set(statuses) <= {201, 409}
    assert 201 in statuses
    assert await rows(pool, "stops") == 4


async def test_an_import_whose_process_died_blocks_nobody(upload, pool, company, get):
    await repository.insert_import(pool, uuid7(), company.id, "dead.zip")
    (dead,) = (await get("gtfs/imports"))["items"]
    assert (dead["status"], dead["problem"]) == ("failed", "The import was interrupted.")
    await repository.insert_import(pool, uuid7(), company.id, "dead too.zip")
    await upload(zip_of(SMALL))
    assert await pool.fetchval("SELECT count(*) FROM gtfs_imports WHERE status = 'running'") == 0


async def test_a_running_import_is_seen_and_left_alone(pool, company, get, database):
    other = await asyncpg.connect(database)
    try:
        assert await repository.take_import_lock(other, repository.lock_of(company.id))
        await repository.insert_import(pool, uuid7(), company.id, "alive.zip")
        assert (await get("gtfs/imports"))["items"][0]["status"] == "running"
    finally:
        await other.close()


async def test_what_goes_out_comes_in_the_same(client, upload, publish, pool, world, company, get):
    """Export, import into another company, export there: the second feed says what the first said."""
    await upload(zip_of(SMALL), default_leg_fare=1234)
    layout = await world.layout(company)
    made = await publish(layout, "2026-06-05", "2026-06-08")
    by_hand = await world.route(company, ("Chennai", "Vellore"), leg_fares=[7700])
    await world.route(company, ("Hassan", "Belur"))
    for day in (5, 6, 9):
        await world.trip(
            company, route=by_hand, layout=layout, departs_at=datetime(2026, 6, day, 3, 30, tzinfo=UTC)
        )
    await pool.execute(
        "UPDATE trips SET status = 'cancelled' WHERE id = $1::text::uuid", made["items"][0]["id"]
    )
    span = {"from": "2026-06-01", "to": "2026-06-30"}
    first = await get("gtfs", **span)
    there = parse_feed(first, Options())
    assert there.skipped == {"stops": 0, "routes": 0, "trips": 0}
    assert len(there.patterns) == 4
    assert len(there.trips) == 4
    days = {service.service_id: service for service in there.services}
    (hand,) = (trip for trip in there.trips if trip.trip_id.startswith(str(by_hand.id)))
    assert days[hand.service_id].added == (date(2026, 6, 5), date(2026, 6, 6), date(2026, 6, 9))
    assert hand.start_s == 9 * 3600

    other = await world.company("Twin Coaches")
    headers = {**world.bearer(world.user("operator", other)), "Content-Type": "application/zip"}
    async with client.post(f"/api/companies/{other.id}/gtfs", data=first, headers=headers) as answer:
        assert answer.status == 201, await answer.text()
    del headers["Content-Type"]
    async with client.get(f"/api/companies/{other.id}/gtfs", params=span, headers=headers) as answer:
        back = parse_feed(await answer.read(), Options())

    def content(feed: Any) -> Any:
        patterns = {
            pattern.key: (pattern.code, pattern.name, pattern.distance_km) for pattern in feed.patterns
        }
        keys = [pattern.key for pattern in feed.patterns]
        trips = {(t.trip_id, keys[t.pattern], t.service_id, t.headsign, t.start_s) for t in feed.trips}
        return feed.time_zone, set(feed.stops), set(feed.services), patterns, trips

    assert content(back) == content(there)

    # And into the company itself: nothing is there twice.
    before = {table: await rows(pool, table) for table in ("stops", "routes", "trips")}
    await upload(first)
    assert {table: await rows(pool, table) for table in ("stops", "routes", "trips")} == before


async def test_a_real_feed_is_imported_in_seconds_while_others_are_served(
    client, upload, get, publish, world, company
):
    feed = cairns()
    started = time.monotonic()
    importing = asyncio.create_task(upload(feed, city="Cairns", default_leg_fare=250, file_name=CAIRNS))
    slowest, asked = 0.0, 0
    seen = set()
    while not importing.done():
        began = time.monotonic()
        async with client.get(f"/api/companies/{company.id}") as answer:
            assert answer.status == 200
        slowest, asked = max(slowest, time.monotonic() - began), asked + 1
        items = (await get("gtfs/imports"))["items"]
        seen |= {(item["status"], item["done"]) for item in items}
    done = await importing
    assert time.monotonic() - started < 30
    assert slowest < 1.5, f"the slowest of {asked} requests took {slowest:.2f} s"
    assert any(status == "running" and at > 0 for status, at in seen)
    assert {name: done[name] for name in ("stops", "timetables", "calendars")} == {
        "stops": 416,
        "timetables": 1339,
        "calendars": 4,
    }
    assert done["routes"] == 102
    (row,) = (await get("gtfs/imports"))["items"]
    assert (row["status"], row["file_name"]) == ("succeeded", CAIRNS)
    assert row["done"] == row["total"] > 37_790
    made = await publish(await world.layout(company), "2014-06-09", "2014-06-10")
    # A public holiday is served as a Sunday, the day after it as a weekday.
    assert made["created"] == sum(
        [len(feed_trips(feed, date(2014, 6, 9))), len(feed_trips(feed, date(2014, 6, 10)))]
    )
    exported = await get("gtfs", **{"from": "2014-06-01", "to": "2014-06-30"})
    assert len(exported) < 1_000_000
    assert len(zipfile.ZipFile(io.BytesIO(exported)).read("stop_times.txt").splitlines()) > 37_000


def feed_trips(feed: bytes, day: date) -> list[str]:
    """By the book: what runs on a day according to the feed's own tables."""
    parsed = parse_feed(feed, Options(city="Cairns"))
    runs = {
        service.service_id
        for service in parsed.services
        if day in service.added
        or (
            service.start_date <= day <= service.end_date
            and day.isoweekday() in service.weekdays
            and day not in service.removed
        )
    }
    return [trip.trip_id for trip in parsed.trips if trip.service_id in runs]
