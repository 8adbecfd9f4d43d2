"""The operator's pages: each task done with forms alone, each refusal beside its field."""

import io
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import aiohttp
import pytest

from tests.unit.legacy.company.feeds import SMALL, zip_of

PAGES = ("", "/fleet", "/drivers", "/network", "/schedule")


@pytest.fixture
async def company(world):
    return await world.company("Hill Coaches")


@pytest.fixture
async def browser(world, company):
    return world.browser(await world.user("operator", company))


@pytest.fixture
def page(client, browser):
    async def get(path: str, expect: int = 200, headers: Any = None) -> str:
        async with client.get(path, headers=headers or browser, allow_redirects=False) as answer:
            text = await answer.text()
            assert answer.status == expect, text
            return unescape(text)

    return get


@pytest.fixture
def post(client, browser):
    async def send(path: str, expect: int = 303, **form: Any) -> str:
        data = {name.replace("__", "."): value for name, value in form.items()}
        async with client.post(path, data=data, headers=browser, allow_redirects=False) as answer:
            text = await answer.text()
            assert answer.status == expect, text
            return answer.headers["Location"] if expect == 303 else unescape(text)

    return send


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_has_something_to_say_to_a_company_that_has_nothing(page, path):
    text = await page(f"/operator{path}")
    assert "Hill Coaches" in text
    assert text.count("<h1>") == 1
    assert not re.search(r"style=|<script>|onclick=", text)


@pytest.mark.parametrize("path", [*PAGES, "/trips/00000000-0000-7000-8000-000000000000"])
async def test_pages_are_for_operators_who_are_signed_in(client, world, page, company, path):
    async with client.get(
        f"/operator{path}", headers={"Accept": "text/html"}, allow_redirects=False
    ) as answer:
        assert answer.status == 303
        assert answer.headers["Location"].startswith("/login?next=%2Foperator")
    await page(f"/operator{path}", 403, world.browser(await world.user("inspector", company)))


async def test_from_nothing_to_a_departure_on_sale_with_forms_alone(page, post, pool, company):
    await post("/operator/fleet", action="add-layout", name="Coach", lower="2+2", lower_rows="10")
    text = await page("/operator/fleet")
    assert "Coach" in text
    assert ">10D<" in text
    layout = await pool.fetchval("SELECT id FROM layouts")
    await post("/operator/fleet", action="add-bus", plate="ka 01  f 1", layout_id=str(layout))
    assert "KA 01 F 1" in await page("/operator/fleet")
    await post("/operator/drivers", action="add-driver", name="Ravi", licence="DL 1", phone="+91 98450 12345")
    assert "+919845012345" in await page("/operator/drivers")
    for name, city in (("Majestic", "Bengaluru"), ("Bus Stand", "Mysuru")):
        where = {"lat": "12.9", "lon": "77.5", "time_zone": "Asia/Kolkata"}
        await post("/operator/network/stops", action="add-stop", name=name, city=city, **where)
    form = {
        "stops.0.stop": "Majestic, Bengaluru",
        "stops.2.stop": "Bus Stand, Mysuru",
        "stops.2.arrives": "3:15",
        "stops.2.fare": "349.50",
    }
    await post("/operator/network/routes", action="add-route", name="Royal", **form)
    text = await page("/operator/network")
    assert "Royal" in text
    assert "349.50" in text
    route, bus, driver = [
        await pool.fetchval(f"SELECT id FROM {table}") for table in ("routes", "buses", "drivers")
    ]
    day = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
    one = {"route_id": str(route), "date": day, "time": "07:30", "bus_id": str(bus), "driver_id": str(driver)}
    to = await post("/operator/schedule", action="add-one", **one)
    text = await page(to)
    assert "KA 01 F 1" in text
    refused = await post("/operator/schedule", 422, action="add-one", **one)
    assert "The bus is on another departure at this time" in refused
    (trip,) = await pool.fetch("SELECT id, departs_at FROM trips")
    assert f'href="/operator/trips/{trip["id"]}"' in refused
    assert "Royal" in await page("/operator")


async def test_a_calendar_and_a_feed_are_put_on_sale(client, browser, page, post, pool, world, company):
    layout = str((await world.layout(company)).id)
    route = str((await world.route(company)).id)
    span = {"calendar__from": "2030-01-07", "calendar__to": "2030-01-20", "calendar__time": "06:00"}
    calendar = {"action": "add-calendar", "route_id": route, "layout_id": layout, **span}
    to = await post("/operator/schedule", **calendar, calendar__weekdays=["1", "7"])
    assert to == "/operator/schedule?day=2030-01-07"
    assert await pool.fetchval("SELECT count(*) FROM trips") == 4
    refused = await post("/operator/schedule", 422, **calendar)
    assert 'id="many-calendar.weekdays-error"' in refused
    form = aiohttp.FormData({"city": "Mysuru", "leg_fare": "12.50"})
    form.add_field("feed", io.BytesIO(zip_of(SMALL)), filename="small.zip", content_type="application/zip")
    async with client.post("/operator/network/gtfs", data=form, headers=browser) as answer:
        assert answer.status == 200, await answer.text()
    text = await page("/operator/network")
    assert "4 stops, 2 routes, 3 timetables" in text
    assert "small.zip" in text
    sale = {"timetables__from": "2026-06-05", "timetables__to": "2026-06-06", "layout_id": layout}
    await post("/operator/schedule", action="add-feed", **sale)
    assert await pool.fetchval("SELECT count(*) FROM trips") == 7


async def test_a_feed_with_faults_says_where(client, browser, pool):
    form = aiohttp.FormData({})
    faulty = {**SMALL, "stops.txt": SMALL["stops.txt"].replace("12.3052", "north")}
    form.add_field("feed", io.BytesIO(zip_of(faulty)), filename="small.zip", content_type="application/zip")
    async with client.post("/operator/network/gtfs", data=form, headers=browser) as answer:
        assert answer.status == 422
        assert "is no number of degrees" in await answer.text()
    async with client.post("/operator/network/gtfs", data={"city": "x"}, headers=browser) as answer:
        assert answer.status == 422
        assert "Choose a zip file." in await answer.text()


async def test_a_departure_is_given_a_bus_delayed_and_cancelled(page, post, world, company, pool):
    trip = await world.trip(company)
    await world.booking(trip, seats=("1A", "1B"))
    bus = str(await world.bus(trip.layout))
    path = f"/operator/trips/{trip.id}"
    text = await page(path)
    assert "2 / 12" in text
    await post(path, action="assign", bus_id=bus, driver_id="")
    assert str(await pool.fetchval("SELECT bus_id FROM trips")) == bus
    await post(path, action="assign", bus_id="", driver_id="")
    assert await pool.fetchval("SELECT bus_id FROM trips") is None
    await post(path, action="delay", delay_min="45")
    assert "45 mins late" in await page(path)
    refused = await post(path, 422, action="delay", delay_min="9999")
    assert 'aria-invalid="true"' in refused
    refused = await post(path, 422, action="cancel", status="cancelled", cancel_reason="Flood")
    assert "Please confirm" in refused
    assert await pool.fetchval("SELECT status FROM trips") == "scheduled"
    await post(path, action="cancel", status="cancelled", cancel_reason="Flood", sure="yes")
    text = await page(path)
    assert "cancelled" in text
    assert "Flood" in text
    assert "Bus and driver" not in text


@pytest.mark.parametrize(
    ("path", "form", "inputs"),
    [
        ("/fleet", {"action": "add-bus", "plate": "X"}, ["layout_id"]),
        (
            "/fleet",
            {"action": "add-layout", "name": "X", "lower": "9+9", "lower_rows": "0"},
            ["lower", "lower_rows"],
        ),
        ("/drivers", {"action": "add-driver", "name": "X", "licence": "1", "phone": "911"}, ["phone"]),
        (
            "/network/stops",
            {"action": "add-stop", "name": "X", "city": "Y", "lat": "91", "lon": "east", "time_zone": "Moon"},
            ["lat", "lon", "time_zone"],
        ),
        (
            "/network/routes",
            {"action": "add-route", "name": "X", "stops.3.stop": "Nowhere", "stops.3.arrives": "late"},
            ["stops.3.stop", "stops.3.arrives"],
        ),
    ],
)
async def test_what_is_wrong_is_said_beside_the_input_and_what_was_typed_is_kept(
    post, world, company, path, form, inputs
):
    await world.layout(company)
    await world.route(company)
    text = await post(f"/operator{path}", 422, **form)
    prefix = form["action"].removeprefix("add-")
    for name in inputs:
        assert re.search(rf'id="{prefix}-{re.escape(name)}"[^>]*aria-invalid="true"', text), name
        assert f'id="{prefix}-{name}-error"' in text
    if "name" in form:
        assert f'value="{form["name"]}"' in text


async def test_things_of_another_company_are_not_there(page, client, browser, world):
    other = await world.trip()
    await page(f"/operator/trips/{other.id}", 404)
    bus = await world.bus(other.layout)
    form = {"action": "change-bus", "id": str(bus), "name": "mine", "layout_id": str(other.layout.id)}
    async with client.post("/operator/fleet", data=form, headers=browser) as answer:
        assert answer.status == 404


async def test_a_retired_bus_is_named_and_not_offered(page, post, world, company, pool):
    layout = await world.layout(company)
    bus = await world.bus(layout, plate="KA OLD")
    trip = await world.trip(company, layout=layout, bus_id=bus)
    form = {"action": "change-bus", "id": str(bus), "layout_id": str(layout.id), "status": "retired"}
    refused = await post("/operator/fleet", 422, **form)
    assert f"/operator/trips/{trip.id}" in refused
    await pool.execute("UPDATE trips SET status = 'cancelled'")
    await post("/operator/fleet", **form)
    await world.route(company)
    assert "KA OLD" in await page("/operator/fleet")
    assert "KA OLD" not in await page("/operator/schedule")


async def test_pages_speak_hindi(client, browser, world, company):
    await world.trip(company)
    for path in PAGES:
        async with client.get(f"/operator{path}?lang=hi", headers=browser) as answer:
            text = unescape(await answer.text())
        assert answer.status == 200
        title = re.search(r"<h1>(.*?)</h1>", text)
        assert title is not None
        assert re.search(r"[\u0900-\u097f]", title[1]), title[1]
