"""Search: places, days in the stop's own time, stretches, seats left, prices, orders and pages."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from aiohttp.test_utils import TestClient

    from common.database import Pool
    from tests.integration.services.ticketing.world import Trip

DAY = date.today() + timedelta(days=3)  # ruff: ignore[call-date-today] — any day to come


def at(hour: int, minute: int = 0, day: date = DAY) -> datetime:
    """A time of day in Kolkata."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC) - timedelta(hours=5, minutes=30)


async def ask(client: TestClient, status: int = 200, **question: Any) -> Any:
    answer = await client.get(
        "/api/search",
        params={
            "from": "bengaluru",
            "to": "mangaluru",
            "date": str(DAY),
            **{name.rstrip("_"): str(value) for name, value in question.items()},
        },
    )
    assert answer.status == status, await answer.text()
    return await answer.json()


def ids(page: Any) -> list[str]:
    return [offer["trip_id"] for offer in page["items"]]


def names(*trips: Trip) -> list[str]:
    return [str(trip.id) for trip in trips]


async def test_an_offer_tells_of_its_own_stretch(client, world) -> None:
    company = await world.company("Coast Lines")
    trip = await world.trip(company, rows=3, departs_at=at(21))
    await world.booking(trip, seats=["1A", "1B"], from_seq=1, to_seq=2)
    await world.booking(trip, seats=["1B"], from_seq=2, to_seq=3)
    offer = (await ask(client, from_="mysuru", to="madikeri"))["items"][0]
    assert offer["company_name"] == "Coast Lines"
    assert (offer["from"]["seq"], offer["from"]["city"]) == (1, "Mysuru")
    assert (offer["to"]["seq"], offer["to"]["city"]) == (2, "Madikeri")
    assert offer["price_from"] == {"amount": 10000, "currency": "INR"}
    assert (offer["seats_left"], offer["capacity"]) == (10, 12)
    assert offer["duration_s"] == 7200
    whole = (await ask(client))["items"][0]
    assert (whole["seats_left"], whole["price_from"]["amount"]) == (10, 30000)


async def test_a_day_is_the_boarding_stops_own(client, world) -> None:
    company = await world.company()
    route = await world.route(company)
    late = await world.trip(company, route=route, departs_at=at(23, 30))
    early = await world.trip(company, route=route, departs_at=at(0))
    await world.trip(company, route=route, departs_at=at(0, day=DAY + timedelta(days=1)))
    assert ids(await ask(client)) == names(early, late)
    # at Mysuru the late bus is a bus of the next day
    tomorrow = await ask(client, from_="mysuru", date=DAY + timedelta(days=1))
    assert str(late.id) in ids(tomorrow)


async def test_places_are_cities_and_stops_on_either_side(client, world) -> None:
    trip = await world.trip(departs_at=at(8))
    first, *_, last = (str(stop) for stop in trip.route.stop_ids)
    for question in (
        {"from_": first, "to": last},
        {"from_": first, "to": "mangaluru"},
        {"from_": "bengaluru", "to": last},
    ):
        assert ids(await ask(client, **question)) == names(trip)
    assert ids(await ask(client, from_=last, to=first)) == []


async def test_of_several_stops_in_a_city_the_first_counts(client, world) -> None:
    company = await world.company()
    route = await world.route(company, ("Bengaluru", "Bengaluru", "Mangaluru", "Mangaluru"))
    await world.trip(company, route=route, departs_at=at(8))
    (offer,) = (await ask(client))["items"]
    assert (offer["from"]["seq"], offer["to"]["seq"]) == (0, 2)


async def test_a_route_that_changes_is_found_where_it_runs_now(client, world) -> None:
    trip = await world.trip(departs_at=at(8))
    assert ids(await ask(client)) == names(trip)
    await world.tell("company.stop.changed", world.stop_told(trip.route.stop_ids[-1], trip.company, "Udupi"))
    assert ids(await ask(client, to="udupi")) == names(trip)
    await ask(client, status=422)
    calls = [dict(call) for call in trip.route.told["calls"]]
    calls[1]["depart_s"] += 60
    await world.change(trip.route, calls=calls)
    (offer,) = (await ask(client, from_="mysuru", to="udupi"))["items"]
    assert offer["duration_s"] == 2 * 7200 + 600 - 60


async def test_gone_cancelled_suspended_and_full_are_not_offered(client, world, pool: Pool) -> None:
    company = await world.company()
    route = await world.route(company)
    await world.trip(company, route=route, departs_at=at(8), status="cancelled")
    full = await world.trip(company, route=route, rows=1, departs_at=at(9))
    await world.booking(full, seats=["1A", "1B", "1C"], from_seq=1, to_seq=2)
    assert ids(await ask(client)) == names(full)
    assert ids(await ask(client, passengers=2)) == []
    assert ids(await ask(client, passengers=2, to="mysuru")) == names(full)
    now = datetime.now(UTC)
    today = (now + timedelta(hours=5, minutes=30)).date()
    gone = await world.trip(company, route=route, departs_at=now - timedelta(minutes=5))
    assert str(gone.id) not in ids(await ask(client, date=today))
    await pool.execute("UPDATE trips SET delay_min = 30 WHERE id = $1", gone.id)
    day = (gone.departs_at + timedelta(hours=5, minutes=30)).date()
    assert str(gone.id) in ids(await ask(client, date=day))
    await pool.execute("UPDATE companies SET status = 'suspended'")
    assert ids(await ask(client)) == []


async def test_a_hold_counts_until_its_time_is_over(client, world, pool: Pool) -> None:
    trip = await world.trip(rows=1, departs_at=at(8))
    await world.booking(trip, seats=["1A"], status="held")
    assert (await ask(client))["items"][0]["seats_left"] == 3
    await pool.execute("UPDATE seat_claims SET expires_at = now()")
    assert (await ask(client))["items"][0]["seats_left"] == 4


async def test_the_price_is_of_the_cheapest_class_that_is_left(client, world) -> None:
    company = await world.company()
    layout = await world.layout(company, rows=2, front_rows=1)
    trip = await world.trip(company, layout=layout, departs_at=at(8))
    (offer,) = (await ask(client))["items"]
    assert (offer["price_from"]["amount"], offer["classes"]) == (30000, ["seater", "front"])
    for user_seats in (["2A", "2B"], ["2C", "2D"]):
        await world.booking(trip, seats=user_seats)
    (offer,) = (await ask(client))["items"]
    assert (offer["price_from"]["amount"], offer["classes"], offer["seats_left"]) == (36000, ["front"], 4)
    assert (await ask(client, class_="seater"))["items"] == []
    (offer,) = (await ask(client, class_="front", passengers=4))["items"]
    assert offer["seats_left"] == 4


@pytest.mark.parametrize("sort", ["departure", "duration", "price"])
async def test_every_order_pages_without_gaps_or_repeats(client, world, sort: str) -> None:
    company = await world.company()
    plain = await world.layout(company, rows=1)
    mixed = await world.layout(company, rows=2, front_rows=1)
    slow = await world.route(company, leg_s=9000)
    quick = await world.route(company, leg_s=7200, leg_fares=[10000, 10000, 15000])
    for number in range(25):
        trip = await world.trip(
            company,
            route=(slow, quick)[number % 2],
            layout=(plain, mixed, plain)[number % 3],
            departs_at=at(number % 12, 30 * (number % 2)),
        )
        if number % 6 == 4:  # its cheap class is gone
            await world.booking(trip, seats=["2A", "2B", "2C", "2D"])
    everything = (await ask(client, sort=sort, limit=100))["items"]
    assert len(everything) == 25
    key = {
        "departure": lambda offer: offer["from"]["departs_at"],
        "duration": itemgetter("duration_s"),
        "price": lambda offer: offer["price_from"]["amount"],
    }[sort]
    assert [key(offer) for offer in everything] == sorted(key(offer) for offer in everything)
    for limit in (1, 4, 7):
        paged, cursor = [], {}
        while True:
            page = await ask(client, sort=sort, limit=limit, **cursor)
            paged += page["items"]
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
        assert paged == everything


async def test_a_long_day_is_paged_beyond_one_chunk(client, world, pool: Pool) -> None:
    company = await world.company()
    full = await world.layout(company, rows=1)
    trip = await world.trip(company, layout=full, departs_at=at(1))
    await pool.execute(
        """INSERT INTO trips (id, company_id, route_id, layout_id, service_date, departs_at, arrives_at,
                              delay_min, status, updated_at, source_seq)
           SELECT gen_random_uuid(), company_id, route_id, layout_id, service_date,
                  departs_at + n * interval '1 minute', arrives_at + n * interval '1 minute',
                  0, 'scheduled', now(), 0
           FROM trips, generate_series(1, 300) n"""
    )
    # all but the last three are sold out
    await pool.execute(
        """WITH sold AS (
               SELECT t.id AS trip_id, s.seat, gen_random_uuid() AS ticket_id
               FROM (SELECT id FROM trips WHERE route_id = $2 ORDER BY departs_at LIMIT 298) t
               CROSS JOIN unnest(ARRAY['1A', '1B', '1C', '1D']) s (seat)
           ), tickets AS (
               INSERT INTO tickets (id, booking_id, trip_id, company_id, user_id, seat, seat_class, deck,
                                    from_seq, to_seq, passenger_name, price_minor, status)
               SELECT ticket_id, $1, trip_id, $1, $1, seat, 'seater', 'lower', 0, 3, 'Asha', 300, 'confirmed'
               FROM sold
           )
           INSERT INTO seat_claims (ticket_id, booking_id, trip_id, seat, segment, status, expires_at)
           SELECT ticket_id, $1, trip_id, seat, '[0,3)', 'confirmed', now() FROM sold""",
        (await world.booking(await world.trip(departs_at=at(8, day=DAY + timedelta(days=9))))).id,
        trip.route.id,
    )
    for sort in ("departure", "duration", "price"):
        assert len(ids(await ask(client, sort=sort, limit=5))) == 3, sort
    await pool.execute("UPDATE seat_claims SET status = 'cancelled'")
    for sort in ("departure", "duration", "price"):
        seen, cursor = [], {}
        while True:
            page = await ask(client, sort=sort, limit=100, **cursor)
            seen += ids(page)
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
        assert len(seen) == len(set(seen)) == 301, sort
    assert str(trip.id) in seen


async def test_filters_narrow_the_day(client, world) -> None:
    company = await world.company()
    route = await world.route(company)
    morning = await world.trip(company, route=route, departs_at=at(7, 30))
    evening = await world.trip(company, route=route, departs_at=at(19, 30))
    other = await world.trip(departs_at=at(7, 45))
    assert ids(await ask(client, after="07:30", before="07:30")) == names(morning)
    assert ids(await ask(client, after="07:31")) == names(other, evening)
    assert ids(await ask(client, before="19:29")) == names(morning, other)
    assert ids(await ask(client, company_id=company.id)) == names(morning, evening)


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ({"from_": "atlantis"}, "from"),
        ({"to": "019c0000-0000-7000-8000-000000000000"}, "to"),
        ({"to": "bengaluru"}, "to"),
        ({"date": "2026-13-01"}, "date"),
        ({"passengers": 7}, "passengers"),
        ({"sort": "colour"}, "sort"),
        ({"cursor": "x"}, "cursor"),
        ({"after": "24:00"}, "after"),
        ({"wheels": 4}, "wheels"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused_by_field(
    client, world, question: dict[str, Any], field: str
) -> None:
    await world.trip()
    problem = await ask(client, status=422, **question)
    assert field in problem["errors"]


async def test_a_cursor_of_one_order_is_no_good_for_another(client, world) -> None:
    company = await world.company()
    route = await world.route(company)
    for hour in (7, 8):
        await world.trip(company, route=route, departs_at=at(hour))
    page = await ask(client, limit=1)
    problem = await ask(client, status=422, limit=1, sort="price", cursor=page["next_cursor"])
    assert "cursor" in problem["errors"]


class TestPlaces:
    @staticmethod
    async def find(client: TestClient, text: str) -> list[tuple[str, str]]:
        answer = await client.get("/api/places", params={"q": text})
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "public, max-age=300"
        return [(place["kind"], place["name"]) for place in (await answer.json())["items"]]

    @pytest.mark.parametrize(
        ("text", "city"),
        [
            ("beng", "Bengaluru"),
            ("BENGALURU", "Bengaluru"),
            ("bengalru", "Bengaluru"),
            ("bangaluru", "Bengaluru"),
            ("mysore", "Mysuru"),
            ("madikeri", "Madikeri"),
            ("galuru", "Bengaluru"),
            ("m", "Madikeri"),
        ],
    )
    async def test_typos_are_forgiven(self, client, world, text: str, city: str) -> None:
        await world.route(await world.company())
        assert ("city", city) in (await self.find(client, text))[:3]

    async def test_stops_are_found_by_their_own_name_and_named_once(self, client, world) -> None:
        for _ in range(2):
            await world.stop(await world.company(), "Bengaluru", name="Majestic")
        assert await self.find(client, "majestic") == [("stop", "Majestic")]

    async def test_without_a_question_the_busiest_cities_come_first(self, client, world) -> None:
        company = await world.company()
        for cities in (("Pune", "Goa"), ("Goa", "Kochi"), ("Kochi", "Goa")):
            await world.route(company, cities)
        assert (await self.find(client, ""))[0] == ("city", "Goa")

    @pytest.mark.parametrize("text", ["%", "_", "\\", "'; DROP TABLE stops", "zzzzzz", "क्षेत्र"])
    async def test_whatever_is_typed_is_only_text(self, client, world, text: str) -> None:
        await world.route(await world.company())
        assert await self.find(client, text) == []
