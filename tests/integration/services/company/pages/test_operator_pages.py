"""The operator's pages: each task done with forms alone, each refusal beside its field."""

import io
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import aiohttp
import pytest

from services.company.pages import plans
from tests.unit.services.company.gtfs.feeds import SMALL, zip_of

PAGES = ("", "/fleet", "/drivers", "/network", "/schedule")


@pytest.fixture
async def company(world):
    return await world.company("Hill Coaches")


@pytest.fixture
def browser(world, company):
    return world.browser(world.user("operator", company))


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
    await page(f"/operator{path}", 403, world.browser(world.user("inspector", company)))


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
    for seat in ("1A", "1B"):
        await world.ticket(trip, seat)
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


async def test_every_bus_is_drawn_with_its_seats(page, world, company):
    layout = await world.layout(company, rows=4, front_rows=1)
    bus, other = await world.bus(layout), await world.bus(layout)
    text = await page("/operator/fleet")
    assert text.count(f'<symbol id="plan-{layout.id}-lower"') == 1
    assert text.count(f'href="#plan-{layout.id}-lower"') == 3  # two buses and the layout itself
    assert 'aria-label="Lower deck: 16 seats"' in text
    trip = await world.trip(company, layout=layout, bus_id=bus)
    assert f"/operator/trips/{trip.id}" in await page("/operator/fleet")
    assert str(other) in text


async def test_a_layout_of_two_decks_is_drawn_deck_by_deck(page, post, pool):
    upper = {"upper": "2+1", "upper_rows": "6", "upper_class": "sleeper", "upper_percent": "150"}
    await post("/operator/fleet", action="add-layout", name="Both", lower="2+2", lower_rows="8", **upper)
    text = await page("/operator/fleet")
    assert "50 seats" in text
    assert 'aria-label="Upper deck: 18 seats"' in text
    assert await pool.fetchval("SELECT capacity FROM layouts") == 50


async def test_passengers_are_listed_as_ticketing_has_them(page, world, company, site):
    trip = await world.trip(company)
    ticket = await world.ticket(trip, "2A")
    passenger = {
        "ticket_id": str(ticket),
        "booking_reference": "7QK4M2XA",
        "seat": "2A",
        "class": "seater",
        "name": "Asha Rao",
        "age": 34,
        "gender": "female",
        "from_seq": 1,
        "from_name": "Mysuru Bus Stand",
        "to_seq": 3,
        "to_name": "Mangaluru Bus Stand",
        "phone": "+919845012345",
        "status": "confirmed",
        "checked_in_at": "2026-05-01T04:30:00Z",
    }
    gone = {**passenger, "seat": "3B", "name": "Nobody", "status": "cancelled", "checked_in_at": None}
    crossed = {**passenger, "seat": "3C", "name": "Ravi Rao", "status": "cancelled"}
    site.answers[f"/api/trips/{trip.id}/manifest"] = {"passengers": [passenger, gone, crossed]}
    text = await page(f"/operator/trips/{trip.id}")
    for said in ("Asha Rao", "(34)", "tel:+919845012345", "7QK4M2XA", "Mysuru Bus Stand", "10:00"):
        assert said in text, said
    assert "Nobody" not in text
    assert "Ravi Rao" in text
    assert text.count("on board, though the ticket was given back") == 1
    assert '<rect class="seat shade0 aboard"' in text


async def test_passengers_are_listed_as_they_are_known_here_while_ticketing_is_down(
    page, world, company, site, pool
):
    trip = await world.trip(company)
    aboard, _ = await world.ticket(trip, "1A"), await world.ticket(trip, "10B")
    await pool.execute(
        """INSERT INTO check_ins (id, ticket_id, trip_id, scanned_at, source_seq)
           VALUES (gen_random_uuid(), $1, $2, now(), 1)""",
        aboard,
        trip.id,
    )
    site.down = True
    text = await page(f"/operator/trips/{trip.id}")
    assert text.count("Asha Rao") == 3  # twice in the list, and on the seat that there is
    assert "not to be had right now" in text
    assert '<rect class="seat shade0 aboard"' in text


async def test_nobody_is_asked_about_a_departure_that_nobody_has_a_ticket_for(page, world, company, site):
    trip = await world.trip(company)
    assert "Nobody has a ticket yet." in await page(f"/operator/trips/{trip.id}")
    assert site.asked == []


async def test_a_departure_that_has_arrived_offers_nothing_that_would_be_refused(page, post, world, company):
    trip = await world.trip(company, departs_at=datetime.now(UTC) - timedelta(days=3))
    text = await page(f"/operator/trips/{trip.id}")
    assert "Cancel this departure" not in text
    assert f"/scan?trip_id={trip.id}" not in text
    refused = await post(f"/operator/trips/{trip.id}", 422, action="cancel", status="cancelled", sure="yes")
    assert "arrived already" in refused


async def test_a_delayed_departure_can_be_cancelled_until_it_arrives(page, world, company):
    takes = timedelta(days=1)
    trip = await world.trip(company, departs_at=datetime.now(UTC) - takes, delay_min=1440)
    text = await page(f"/operator/trips/{trip.id}")
    assert "Cancel this departure" in text
    assert f"/scan?trip_id={trip.id}" in text


async def test_routes_and_stops_are_found_by_name(page, world, company):
    await world.route(company, ("Bengaluru", "Mysuru"))
    await world.route(company, ("Chennai", "Vellore"))
    text = await page("/operator/network?q=vellore")
    assert "Chennai to Vellore" in text
    assert "Bengaluru to Mysuru" not in text
    assert "Mysuru Bus Stand</th>" not in text
    assert "No route is called that." in await page("/operator/network?q=%25_%00")


async def test_a_long_network_is_shown_page_by_page(page, world, company):
    stops = [await world.stop(company, "Mysuru", name=f"Stop {number:02}") for number in range(27)]
    for _ in range(26):
        await world.route(company, ("Mysuru", "Hassan"), stop_ids=stops[:2])
    text = await page("/operator/network")
    assert text.count('class="box route') == 25
    to = re.search(r'href="(/operator/network\?routes_after=[^"#]+)', text)
    assert to is not None
    assert (await page(to[1])).count('class="box route') == 1


async def test_what_lacks_a_bus_or_a_driver_is_said_on_the_first_page(page, world, company):
    soon = datetime.now(UTC) + timedelta(hours=5)
    trip = await world.trip(company, departs_at=soon)
    text = await page("/operator")
    assert "no bus, no driver" in text
    assert text.count(f"/operator/trips/{trip.id}") == 2
    later = await world.company()
    await world.trip(later, departs_at=soon + timedelta(days=3))
    assert "no bus, no driver" not in await page(
        "/operator", headers=world.browser(world.user("operator", later))
    )


async def test_a_suspended_company_is_told_so(page, pool):
    await pool.execute("UPDATE companies SET status = 'suspended'")
    assert "The company is suspended" in await page("/operator/schedule")


async def test_a_plan_that_was_drawn_before_is_the_same_in_each_language(client, page, post, browser):
    await post("/operator/fleet", action="add-layout", name="First", lower="2+2", lower_rows="3")
    first = await page("/operator/fleet")
    await post("/operator/fleet", action="add-layout", name="Second", lower="1+1", lower_rows="2")
    again = await page("/operator/fleet")
    drawn = re.findall(r"<symbol.*?</symbol>", first, re.DOTALL)
    assert len(drawn) == 1
    assert drawn[0] in again
    assert again.count("<symbol") == 2
    hindi = await page("/operator/fleet", headers={**browser, "Accept-Language": "hi"})
    assert drawn[0] in hindi
    assert "Lower deck" in again
    assert "Lower deck" not in hindi


async def test_of_drawn_plans_the_oldest_make_room(page, post, monkeypatch):
    monkeypatch.setattr(plans, "MOST_KEPT", 2)
    for name in ("One", "Two", "Three"):
        await post("/operator/fleet", action="add-layout", name=name, lower="2+2", lower_rows="3")
    assert (await page("/operator/fleet")).count("<symbol") == 3
    assert (await page("/operator/fleet")).count("<symbol") == 3
