"""The pages as a browser without JavaScript uses them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from aiohttp.test_utils import TestClient

    from common.database import Pool
    from tests.integration.services.ticketing.conftest import RunSweep
    from tests.integration.services.ticketing.world import Booking, Trip, User, World

DAY = date.today() + timedelta(days=3)  # ruff: ignore[call-date-today] — any day to come

MONEY = ("All that you paid for them goes back", "You have not been charged for them")


class Page(HTMLParser):
    """What is on a page: its text, links, and inputs by name."""

    def __init__(self, status: int, url: str, html: str) -> None:
        super().__init__()
        self.status, self.url, self.html = status, url, html
        self.links: list[str] = []
        self.inputs: dict[str, list[dict[str, str | None]]] = {}
        self.feed(html)
        self.text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "a" and values.get("href"):
            self.links.append(str(values["href"]))
        if tag in {"input", "select"} and values.get("name"):
            self.inputs.setdefault(str(values["name"]), []).append(values)

    def seats(self, state: str) -> set[str]:
        """Of the seat map's checkboxes those that are `free`, `taken` or `chosen`."""
        boxes = self.inputs.get("seat", [])
        wanted = {
            "free": lambda box: "disabled" not in box,
            "taken": lambda box: "disabled" in box,
            "chosen": lambda box: "checked" in box,
        }[state]
        return {str(box["value"]) for box in boxes if wanted(box)}


async def visit(client: TestClient, path: str, headers: dict[str, str] | None = None, **query: Any) -> Page:
    answer = await client.get(
        path,
        params={name.rstrip("_"): str(value) for name, value in query.items()},
        headers={"Accept": "text/html", **(headers or {})},
        allow_redirects=False,
    )
    return Page(answer.status, answer.headers.get("Location", str(answer.url)), await answer.text())


async def submit(client: TestClient, path: str, headers: dict[str, str], **fields: Any) -> Page:
    answer = await client.post(
        path,
        data=[
            (name, each)
            for name, value in fields.items()
            for each in (value if isinstance(value, list) else [value])
        ],
        headers={"Accept": "text/html", **headers},
        allow_redirects=False,
    )
    return Page(answer.status, answer.headers.get("Location", str(answer.url)), await answer.text())


def hold_form(*seats: str, **changes: Any) -> dict[str, Any]:
    names = {f"passengers.{index}.name": f"Rider {seat}" for index, seat in enumerate(seats)}
    return {"from_seq": "0", "to_seq": "3", "seat": list(seats), **names, **changes}


async def try_form(client: TestClient, world: World, user: User, trip: Trip, **form: Any) -> Page:
    return await submit(client, f"/trips/{trip.id}/hold", world.browser(user), **form)


class TestSearching:
    async def test_home_names_places_and_leads_on(self, client, world) -> None:
        await world.trip()
        page = await visit(client, "/")
        assert page.status == 200
        assert "Bengaluru" in page.text
        assert "/?from=Bengaluru" in page.links
        page = await visit(client, "/", from_="Mysuru")
        assert page.inputs["from"][0]["value"] == "Mysuru"

    async def test_an_empty_site_has_a_home_too(self, client) -> None:
        assert (await visit(client, "/")).status == 200
        assert (await visit(client, "/search")).status == 200

    async def test_what_people_type_is_understood(self, client, world) -> None:
        trip = await world.trip(departs_at=datetime(DAY.year, DAY.month, DAY.day, 12, tzinfo=UTC))
        for origin in (
            "bengaluru",
            "Bengalru",
            "Bengaluru Bus Stand, Bengaluru",
            str(trip.route.stop_ids[0]),
        ):
            page = await visit(client, "/search", from_=origin, to="mangalore", date=DAY, passengers=2)
            assert page.status == 200, origin
            assert f"/trips/{trip.id}?from=0&to=3&passengers=2" in page.links
            assert page.inputs["to"][0]["value"] == "Mangaluru"
            assert "12 seats left" in page.text

    async def test_days_and_orders_are_links_and_a_full_day_has_more_pages(self, client, world) -> None:
        company = await world.company()
        route = await world.route(company)
        for minute in range(25):
            await world.trip(
                company,
                route=route,
                departs_at=datetime(DAY.year, DAY.month, DAY.day, 8, minute, tzinfo=UTC),
            )
        page = await visit(client, "/search", from_="bengaluru", to="mysuru", date=DAY, utm_source="mail")
        assert page.html.count('class="box offer"') == 20
        (more,) = [link for link in page.links if "cursor=" in link]
        rest = await visit(client, more)
        assert rest.html.count('class="box offer"') == 5
        (after,) = [link for link in page.links if f"date={DAY + timedelta(days=1)}" in link]
        assert "There is no bus" in (await visit(client, after)).text
        (by_price,) = [link for link in page.links if "sort=price" in link]
        assert (await visit(client, by_price)).status == 200

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ({"from_": "Atlantis"}, "We do not know this place."),
            ({"to": "bengaluru"}, "another place"),
            ({"date": "someday"}, "Not a valid date."),
            ({"passengers": "9"}, "Must be"),
            ({"cursor": "x"}, "Not a cursor"),
        ],
    )
    async def test_a_mistake_is_named_and_the_form_kept(self, client, world, change, says: str) -> None:
        await world.trip()
        page = await visit(
            client, "/search", **{"from_": "bengaluru", "to": "mysuru", "date": str(DAY), **change}
        )
        assert page.status == 422
        assert says in page.text
        assert page.inputs["from"][0]["value"]

    async def test_it_speaks_hindi(self, client, world) -> None:
        trip = await world.trip()
        assert "आप कहाँ जाना चाहते हैं?" in (await visit(client, "/", lang="hi")).text
        assert "सीटें चुनें" in (await visit(client, f"/trips/{trip.id}", lang="hi", passengers=2)).text


class TestChoosingSeats:
    async def test_the_map_shows_what_is_free_on_the_stretch(self, client, world) -> None:
        trip = await world.trip()
        await world.booking(trip, seats=["1A", "1B"], from_seq=1, to_seq=2)
        page = await visit(client, f"/trips/{trip.id}")
        assert page.seats("taken") == {"1A", "1B"}
        assert len(page.seats("free")) == 10
        page = await visit(client, f"/trips/{trip.id}", from_=2, to=3, passengers=2)
        assert page.seats("taken") == set()
        assert {"passengers.0.name", "passengers.1.name"} <= page.inputs.keys()
        assert "passengers.2.name" not in page.inputs
        assert any(link.startswith("/login?next=") for link in page.links)

    @pytest.mark.parametrize("query", ["from=3&to=1", "from=99", "passengers=7", "from=x"])
    async def test_a_stretch_that_is_none_shows_the_whole_trip(self, client, world, query: str) -> None:
        trip = await world.trip()
        page = await visit(client, f"/trips/{trip.id}?{query}")
        if page.status == 303:
            page = await visit(client, page.url)
        assert page.status == 200
        assert len(page.seats("free")) == 12

    async def test_seats_are_held_and_the_booking_is_shown(self, client, world) -> None:
        trip, user = await world.trip(), await world.user()
        page = await try_form(
            client, world, user, trip, **hold_form("2A", "1B", **{"passengers.0.age": "44"})
        )
        assert page.status == 303
        booking = await visit(client, page.url, world.browser(user))
        assert "Not paid for yet" in booking.text
        assert "Rider 2A" in booking.text
        assert booking.inputs["booking_id"]

    async def test_sent_twice_it_is_held_once(self, client, world, pool: Pool) -> None:
        trip, user = await world.trip(), await world.user()
        first = await try_form(client, world, user, trip, **hold_form("1A", "1B"))
        again = await try_form(client, world, user, trip, **hold_form("1A", "1B"))
        assert (first.status, again.status) == (303, 303)
        assert first.url == again.url
        assert await pool.fetchval("SELECT count(*) FROM bookings") == 1

    async def test_seats_taken_meanwhile_are_named_and_the_rest_stays_chosen(self, client, world) -> None:
        trip, user = await world.trip(), await world.user()
        await world.booking(trip, seats=["1B"])
        page = await try_form(client, world, user, trip, **hold_form("1A", "1B", "1C"))
        assert page.status == 409
        assert "taken by somebody else: 1B" in page.text
        assert page.seats("chosen") == {"1A", "1C"}
        assert page.seats("taken") == {"1B"}
        assert page.inputs["passengers.2.name"][0]["value"] == "Rider 1C"
        assert "bookings" not in page.url

    @pytest.mark.parametrize(
        ("form", "says"),
        [
            (hold_form("1A", **{"passengers.1.name": ""}), "Please give a name."),
            (hold_form("1A", **{"passengers.1.name": "Ravi"}), "Choose one seat for each passenger."),
            (hold_form("9Z"), "There is no such seat"),
            (hold_form("1A", **{"passengers.0.age": "200"}), "Must be"),
        ],
    )
    async def test_a_mistake_is_named_and_nothing_typed_is_lost(self, client, world, form, says: str) -> None:
        trip, user = await world.trip(), await world.user()
        page = await try_form(client, world, user, trip, **form)
        assert page.status == 422
        assert says in page.text
        assert page.inputs["passengers.0.name"][0]["value"] == form["passengers.0.name"]
        if form["seat"] == ["1A"]:
            assert page.seats("chosen") == {"1A"}

    async def test_who_has_chosen_no_seat_is_told_so_once(self, client, world) -> None:
        form = {**hold_form("1A"), "seat": []}
        page = await try_form(client, world, await world.user(), await world.trip(), **form)
        assert page.status == 422
        assert page.html.count('<a href="#seat">Choose a seat</a>') == 1
        assert "#passengers" not in page.links
        assert "Please fill this in" not in page.text
        assert page.inputs["passengers.0.name"][0]["value"]

    async def test_too_many_holds_and_a_bus_that_left_are_explained(self, client, world) -> None:
        user = await world.user()
        for _ in range(3):
            await try_form(client, world, user, await world.trip(), **hold_form("1A"))
        page = await try_form(client, world, user, await world.trip(), **hold_form("1A"))
        assert (page.status, "You hold too many seats already" in page.text) == (409, True)
        gone = await world.trip(departs_at=datetime.now(UTC) - timedelta(minutes=5))
        page = await try_form(client, world, await world.user(), gone, **hold_form("1A"))
        assert (page.status, "has left this stop" in page.text) == (409, True)

    async def test_who_is_not_logged_in_goes_to_log_in_and_another_site_is_refused(
        self, client, world
    ) -> None:
        trip, user = await world.trip(), await world.user()
        page = await submit(client, f"/trips/{trip.id}/hold", {}, **hold_form("1A"))
        assert page.status == 303
        assert page.url.startswith("/login")
        headers = {**world.browser(user), "Origin": "https://evil.example"}
        page = await submit(client, f"/trips/{trip.id}/hold", headers, **hold_form("1A"))
        assert page.status == 403

    async def test_saved_travellers_are_asked_for_by_the_page_of_somebody_signed_in(
        self, client, world
    ) -> None:
        trip, user = await world.trip(), await world.user()
        assert "data-signed-in" in (await visit(client, f"/trips/{trip.id}", world.browser(user))).html
        assert "data-signed-in" not in (await visit(client, f"/trips/{trip.id}")).html

    async def test_who_finds_no_seats_can_wait(self, client, world) -> None:
        trip, user = await world.trip(rows=1), await world.user()
        await world.booking(trip, seats=list(trip.layout.seats))
        browser = world.browser(user)
        page = await visit(client, f"/trips/{trip.id}", browser, passengers=2)
        assert "Not enough seats" in page.text
        fields = {"from_seq": "0", "to_seq": "3", "seats": "2"}
        page = await submit(client, f"/trips/{trip.id}/waitlist", browser, **fields)
        assert (page.status, page.url) == (303, f"/trips/{trip.id}?from=0&to=3&passengers=2")
        assert "number 1 in the queue" in (await visit(client, page.url, browser)).text
        mine = await visit(client, "/bookings", browser)
        assert "You wait for seats" in mine.text
        (give_up,) = re.findall(r'action="(/waitlist/[^"]+)"', mine.html)
        assert (await submit(client, give_up, browser)).status == 303
        assert "You wait for seats" not in (await visit(client, "/bookings", browser)).text

    async def test_a_cancelled_trip_says_so(self, client, world) -> None:
        trip = await world.trip()
        await world.change(trip, status="cancelled", cancel_reason="Floods")
        page = await visit(client, f"/trips/{trip.id}")
        assert "This departure is cancelled. Floods" in page.text
        assert page.seats("free") == set()

    async def test_no_trip_is_a_page_that_says_so(self, client) -> None:
        page = await visit(client, "/trips/019c0000-0000-7000-8000-000000000000")
        assert page.status == 404
        assert "<html" in page.html


class TestBookings:
    @staticmethod
    async def cancel(client: TestClient, world: World, booking: Booking, **fields: Any) -> Page:
        return await submit(client, f"/bookings/{booking.id}/cancel", world.browser(booking.user), **fields)

    async def test_what_one_gets_back_is_shown_before_it_is_done(self, client, world, pool: Pool) -> None:
        booking = await world.booking(await world.trip(), seats=["1A", "1B"])
        page = await self.cancel(client, world, booking, ticket_ids=[str(booking.ticket_ids[0])])
        assert page.status == 303
        offered = await visit(client, page.url.removesuffix("#cancel"), world.browser(booking.user))
        assert "₹270" in offered.text
        assert "90%" in offered.text
        assert await pool.fetchval("SELECT count(*) FROM tickets WHERE status = 'cancelled'") == 0
        (offer_id,) = [box["value"] for box in offered.inputs["offer_id"]]
        page = await self.cancel(client, world, booking, offer_id=offer_id)
        done = await visit(client, page.url, world.browser(booking.user))
        assert "₹270 back" in done.text
        assert await pool.fetchval("SELECT count(*) FROM tickets WHERE status = 'cancelled'") == 1

    async def test_an_offer_that_is_over_is_explained(self, client, world, pool: Pool) -> None:
        booking = await world.booking(await world.trip())
        page = await self.cancel(client, world, booking)
        offer_id = re.search(r"offer=([0-9a-f-]+)", page.url)
        assert offer_id
        await pool.execute("UPDATE refund_offers SET expires_at = now()")
        page = await self.cancel(client, world, booking, offer_id=offer_id[1])
        assert page.status == 303
        assert await pool.fetchval("SELECT status FROM bookings") == "confirmed"

    async def test_a_hold_is_given_up_with_one_button(self, client, world, pool: Pool) -> None:
        booking = await world.booking(await world.trip(), status="held")
        assert (await self.cancel(client, world, booking, give_up="1")).status == 303
        assert await pool.fetchval("SELECT status FROM bookings") == "cancelled"

    async def test_money_that_has_come_is_not_asked_for_again(self, client, world, sweep: RunSweep) -> None:
        booking = await world.booking(await world.trip(), status="held")
        await world.payment(booking)
        page = await visit(client, f"/bookings/{booking.id}", world.browser(booking.user))
        assert "Your payment has arrived" in page.text
        assert "booking_id" not in page.inputs
        await sweep("confirm bookings")
        page = await visit(client, f"/bookings/{booking.id}", world.browser(booking.user))
        assert f"/tickets/{booking.ticket_ids[0]}" in page.links

    async def test_what_is_over_leads_back_to_the_seats(self, client, world, pool: Pool) -> None:
        booking = await world.booking(await world.trip(), status="held")
        await pool.execute("UPDATE bookings SET expires_at = now()")
        page = await visit(client, f"/bookings/{booking.id}", world.browser(booking.user))
        assert "The time to pay is over" in page.text
        assert f"/trips/{booking.trip.id}?from=0&to=3&passengers=1" in page.links

    @pytest.mark.parametrize(
        ("status", "seats", "says"),
        [
            ("confirmed", ["3A"], "All that you paid for them goes back"),
            ("held", ["3A"], "You have not been charged for them"),
            ("held", ["1A", "3A"], "You have not been charged for them"),
        ],
    )
    async def test_who_loses_a_seat_to_another_bus_is_told_what_becomes_of_the_money_if_any(
        self, client, world, sweep: RunSweep, status: str, seats: list[str], says: str
    ) -> None:
        trip = await world.trip()
        booking = await world.booking(trip, seats=seats, status=status)
        given_up = await world.booking(trip, booking.user, seats=["3B"], status="held")
        await client.post(f"/api/bookings/{given_up.id}/cancel", json={}, headers=world.bearer(booking.user))
        await world.change(trip, layout_id=(await world.layout(trip.company, rows=1)).id)
        assert await sweep("withdraw seats that a bus lacks") == 1
        page = await visit(client, f"/bookings/{booking.id}", world.browser(booking.user))
        assert "another bus" in page.text
        assert [each for each in MONEY if each in page.text] == [says]
        page = await visit(client, f"/bookings/{given_up.id}", world.browser(booking.user))
        assert "another bus" not in page.text
        page = await visit(client, f"/bookings/{booking.id}", world.browser(booking.user), lang="hi")
        assert "दूसरी बस" in page.text

    async def test_the_list_has_an_empty_state_and_pages(self, client, world) -> None:
        user = await world.user()
        assert "No journey lies ahead" in (await visit(client, "/bookings", world.browser(user))).text
        for _ in range(11):
            await world.booking(await world.trip(), user)
        page = await visit(client, "/bookings", world.browser(user))
        assert page.html.count('class="box booking"') == 10
        (older,) = [link for link in page.links if "cursor=" in link]
        assert (await visit(client, older, world.browser(user))).html.count('class="box booking"') == 1
        assert "not travelled" in (await visit(client, "/bookings", world.browser(user), when="past")).text

    async def test_a_way_within_one_city_is_named_by_its_stops(self, client, world) -> None:
        company = await world.company()
        stops = [await world.stop(company, "Kochi", name=name) for name in ("Edapally", "Vyttila Hub")]
        route = await world.route(company, ("Kochi", "Kochi"), stop_ids=stops)
        booking = await world.booking(await world.trip(company, route=route))
        for path in ("/bookings", f"/bookings/{booking.id}", f"/trips/{booking.trip.id}"):
            page = await visit(client, path, world.browser(booking.user))
            assert "Edapally → Vyttila Hub" in page.text
            assert "Kochi → Kochi" not in page.text

    async def test_it_is_ones_own_and_the_companys(self, client, world) -> None:
        booking = await world.booking(await world.trip())
        path = f"/bookings/{booking.id}"
        assert (await visit(client, path)).status == 303
        assert (await visit(client, path, world.browser(await world.user()))).status == 404
        operator = await world.user("operator", booking.trip.company)
        assert "Give seats back" in (await visit(client, path, world.browser(operator))).text
        inspector = await world.user("inspector", booking.trip.company)
        assert "Give seats back" not in (await visit(client, path, world.browser(inspector))).text


class TestWhatIsNotKnownYet:
    async def test_a_departure_made_a_moment_ago_is_asked_for_and_shown(self, client, world, site) -> None:
        trip = await world.trip()
        told, calls = trip.told, trip.route.told["calls"]
        await world.pool.execute("TRUNCATE trips, routes, route_stops, stretches")
        stops = {row["id"]: dict(row) for row in await world.pool.fetch("SELECT * FROM stops")}
        layout = dict(await world.pool.fetchrow("SELECT * FROM layouts"))
        site.answers[f"/api/trips/{trip.id}/plan"] = {
            "trip": told,
            "company": trip.company.told,
            "route": {
                "id": trip.route.id,
                "name": trip.route.told["name"],
                "currency": "INR",
                "calls": [
                    {**call, "stop": stops[call["stop_id"]], "leg_fare": call["leg_fare_minor"]}
                    for call in calls
                ],
            },
            "layout": layout,
        }
        page = await visit(client, f"/trips/{trip.id}")
        assert page.status == 200
        assert len(page.seats("free")) == 12
        assert len(site.asked) == 1

    async def test_while_nobody_can_say_the_page_offers_to_try_again(self, client, site) -> None:
        path = "/trips/019c0000-0000-7000-8000-000000000000"
        site.answers["/api" + path + "/plan"] = 503
        page = await visit(client, path)
        assert page.status == 503
        assert "Try again" in page.text
        assert f"{path}?lang=en" in page.links
