"""What others own: told late, twice, out of order, or not yet."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from common.ids import uuid7
from tests.integration.services.ticketing.test_holds import hold, order

if TYPE_CHECKING:
    from common.database import Pool
    from common.events import Event
    from tests.integration.services.ticketing.conftest import Site
    from tests.integration.services.ticketing.world import Trip, User, World

MIRRORED = (
    "companies", "layouts", "buses", "drivers", "stops", "routes", "removed", "trips", "accounts", "profiles",
)  # fmt: skip
DERIVED = ("route_stops", "stretches", "places", "layout_seats", "layout_fares")


async def contents(pool: Pool) -> dict[str, list[str]]:
    """What every table holds, but for when it was heard."""
    return {
        table: [
            row["row"]
            for row in await pool.fetch(
                f"SELECT (to_jsonb(t) - 'heard_at')::text AS row FROM {table} t ORDER BY 1"
            )
        ]
        for table in (*MIRRORED, *DERIVED)
    }


async def history(world: World) -> list[Event]:
    """A company's life: everything is made, changed, and some of it removed again."""
    company = await world.company()
    layout = await world.layout(company, rows=2, front_rows=1)
    route = await world.route(company)
    gone = await world.route(company, ("Pune", "Goa"))
    trip = await world.trip(company, route=route, layout=layout, bus_id=await world.bus(layout))
    await world.driver(company)
    await world.user(phone="+919845012345")
    await world.change(company, name="Another", status="suspended")
    for stop_id, city in zip(route.stop_ids, ("Agra", "Delhi", "Jaipur", "Agra"), strict=True):
        await world.tell("company.stop.changed", world.stop_told(stop_id, company, city, "Stand"))
    await world.tell(
        "company.stop.changed",
        world.stop_told(route.stop_ids[1], company, "Noida", time_zone="Asia/Dubai"),
    )
    await world.change(route, name="Renamed", calls=route.told["calls"][:3])
    await world.tell("company.route.removed", {"id": gone.id})
    await world.tell("company.stop.removed", {"id": gone.stop_ids[0]})
    await world.change(trip, delay_min=30)
    await world.change(trip, delay_min=30, status="cancelled")
    return list(world.told)


async def apply(world: World, events: list[Event]) -> None:
    """As the consumer does: batches of one handler's types, in the order in which they come."""
    families: dict[str, list[Event]] = {}
    for each in events:
        families.setdefault(each.type.rpartition(".")[0], []).append(each)
    for batch in families.values():
        await world.hear(batch)


@pytest.mark.parametrize("seed", range(8))
async def test_mirrors_end_the_same_in_whatever_order_and_however_often_news_come(
    world, pool: Pool, seed: int
) -> None:
    events = await history(world)
    right = await contents(pool)
    assert right["stretches"]
    for table in (*MIRRORED, *DERIVED):
        await pool.execute(f"TRUNCATE {table}")
    dice = random.Random(seed)
    mixed = [*events, *dice.sample(events, 8)]
    dice.shuffle(mixed)
    if seed % 2:
        await apply(world, mixed)
    else:
        for each in mixed:
            await world.hear([each])
    assert await contents(pool) == right


async def test_a_route_that_comes_before_its_stops_is_found_once_they_are_there(client, world, pool) -> None:
    company = await world.company()
    ids = [uuid7(), uuid7()]
    route = await world.route(company, ("Surat", "Vapi"), stop_ids=ids)
    assert await pool.fetchval("SELECT count(*) FROM stretches WHERE route_id = $1", route.id) == 0
    for stop_id, city in zip(ids, ("Surat", "Vapi"), strict=True):
        await world.tell("company.stop.changed", world.stop_told(stop_id, company, city))
    found = await pool.fetchrow("SELECT * FROM stretches WHERE route_id = $1", route.id)
    assert (found["from_place"], found["to_place"]) == ("surat", "vapi")


async def test_a_profile_knows_better_than_the_account_and_stays_known_without_it(world, pool: Pool) -> None:
    user = await world.user(phone="+911111111111", locale="en")
    row = await pool.fetchrow("SELECT * FROM contacts WHERE user_id = $1", user.id)
    assert (row["phone"], row["locale"]) == ("+911111111111", "en")
    await world.tell(
        "user.profile.changed",
        {
            "user_id": user.id,
            "full_name": "Asha",
            "phone": None,
            "locale": "hi",
            "updated_at": datetime.now(UTC),
        },
    )
    row = await pool.fetchrow("SELECT * FROM contacts WHERE user_id = $1", user.id)
    assert (row["email"], row["phone"], row["locale"]) == (user.email, None, "hi")


async def test_a_trip_is_called_off_by_the_quick_sweep_however_late_its_news_comes(
    client, world, pool: Pool, sweep
) -> None:
    trip = await world.trip()
    booking = await world.booking(trip)
    long_ago = datetime.now(UTC) - timedelta(days=1)
    await pool.execute("UPDATE trips SET heard_at = $1", long_ago)
    await world.change(trip, status="cancelled", updated_at=long_ago)
    assert await sweep("cancel bookings of cancelled trips") == 1
    assert await pool.fetchval("SELECT status FROM bookings WHERE id = $1", booking.id) == "cancelled"


def plan_of(trip: Trip, world: World) -> dict[str, Any]:
    """What the owner answers."""
    return {
        "trip": {
            name: trip.told[name]
            for name in (
                "id", "company_id", "route_id", "layout_id", "bus_id", "driver_id", "service_date",
                "departs_at", "arrives_at", "delay_min", "status", "cancel_reason", "updated_at",
            )
        },
        "company": {
            name: trip.company.told[name]
            for name in ("id", "name", "status", "currency", "time_zone", "refund_policy")
        },
        "route": {
            "id": trip.route.id,
            "name": trip.route.told["name"],
            "currency": trip.company.currency,
            "calls": [
                {
                    "seq": call["seq"],
                    "stop": world.stop_told(call["stop_id"], trip.company, f"City {call['seq']}"),
                    "arrive_s": call["arrive_s"],
                    "depart_s": call["depart_s"],
                    "leg_fare": call["leg_fare_minor"],
                }
                for call in trip.route.told["calls"]
            ],
        },
        "layout": {
            "id": trip.layout.id,
            "capacity": len(trip.layout.seats),
            "decks": [{"deck": "lower", "rows": 3, "columns": 5}],
            "classes": [{"code": "seater", "name": "Seater", "fare_percent": 100}],
            "seats": [
                {"seat": seat, "deck": "lower", "row": 1, "column": 1, "class": "seater"}
                for seat in trip.layout.seats
            ],
        },
    }  # fmt: skip


def profile_of(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "email": user.email,
        "full_name": "Asha",
        "phone": "+919845012345",
        "locale": "hi",
        "updated_at": datetime.now(UTC),
    }


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "new"}])
async def test_a_departure_and_an_account_made_a_moment_ago_are_asked_for_once(
    client, world, pool: Pool, site: Site, headers: dict[str, str]
) -> None:
    trip, user = await world.trip(), await world.user(known=False)
    site.answers[f"/api/trips/{trip.id}/plan"] = plan_of(trip, world)
    site.answers["/api/users/me"] = profile_of(user)
    await pool.execute(
        "TRUNCATE companies, layouts, stops, routes, trips, route_stops, stretches, places, layout_seats,"
        " layout_fares"
    )
    status, booking = await hold(client, world, user, order(trip, "1A", "2B"), **headers)
    assert status == 201, booking
    assert booking["total"]["amount"] == 60000
    assert booking["contact"] == {"email": user.email, "phone": "+919845012345"}
    assert [path for path, _ in site.asked] == [f"/api/trips/{trip.id}/plan", "/api/users/me"]
    assert (await hold(client, world, user, order(trip, "3A")))[0] == 201
    assert len(site.asked) == 2
    # the event, when it comes, counts for more
    await world.tell("company.trip.changed", {**trip.told, "delay_min": 45})
    seen = await (await client.get(f"/api/bookings/{booking['id']}", headers=world.bearer(user))).json()
    assert seen["delay_min"] == 45


async def test_a_seat_map_of_a_departure_made_a_moment_ago_is_asked_for(client, world, site: Site) -> None:
    trip = await world.trip(known=False)
    site.answers[f"/api/trips/{trip.id}/plan"] = plan_of(trip, world)
    answer = await client.get(f"/api/trips/{trip.id}/seats")
    assert answer.status == 200
    assert (await answer.json())["seats_left"] == 12


async def test_when_nobody_can_be_asked_the_answer_is_to_try_again(client, world, site: Site) -> None:
    trip = await world.trip(known=False)
    site.answers[f"/api/trips/{trip.id}/plan"] = 503
    status, problem = await hold(client, world, await world.user(), order(trip, "1A"))
    assert (status, problem["type"]) == (503, "urn:banyan:problem:unavailable")


async def test_a_booking_is_shown_as_it_was_sold_where_its_trip_is_not_known(
    client, world, pool: Pool
) -> None:
    trip = await world.trip()
    booking = await world.booking(trip, from_seq=1)
    path, headers = f"/api/bookings/{booking.id}", world.bearer(booking.user)
    before = await (await client.get(path, headers=headers)).json()
    assert before["from"]["name"] == "Mysuru Bus Stand"
    await pool.execute("TRUNCATE trips, companies")
    after = await (await client.get(path, headers=headers)).json()
    assert after["from"]["name"] == "Sold from"
    assert after["from"]["departs_at"] == before["from"]["departs_at"]
    assert after["to"]["arrives_at"] == before["to"]["arrives_at"]
    assert after["company_name"] == before["company_name"]
    # what giving it back would pay cannot be known now
    answer = await client.post(f"{path}/cancel", headers=headers)
    assert answer.status == 503


async def test_a_departure_whose_layout_is_not_known_yet_is_asked_for_or_not_offered(
    client, world, pool: Pool, site: Site
) -> None:
    trip = await world.trip()
    await pool.execute("TRUNCATE layouts, layout_seats, layout_fares")
    day = (trip.departs_at + timedelta(hours=5, minutes=30)).date()
    for sort in ("departure", "price"):
        question = {"from": "bengaluru", "to": "mangaluru", "date": str(day), "sort": sort}
        answer = await client.get("/api/search", params=question)
        assert (answer.status, (await answer.json())["items"]) == (200, [])
    path = f"/api/trips/{trip.id}/seats"
    assert (await client.get(path)).status == 404
    site.answers[f"/api/trips/{trip.id}/plan"] = plan_of(trip, world)
    assert (await client.get(path)).status == 200
    assert (await hold(client, world, await world.user(), order(trip, "1A")))[0] == 201
