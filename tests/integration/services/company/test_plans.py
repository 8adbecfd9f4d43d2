"""The plan of a departure: what another service needs to know of one whose event has not come yet."""

from uuid import uuid4


async def test_it_names_company_route_stops_and_seats(client, world, pool):
    company = await world.company()
    route = await world.route(company, ("Bengaluru", "Mysuru"), leg_fares=(12_345,))
    trip = await world.trip(company, route=route, rows=2)
    async with client.get(f"/api/trips/{trip.id}/plan") as answer:
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
        plan = await answer.json()
    async with client.get(f"/api/trips/{trip.id}") as answer:
        shown = await answer.json()
    assert {key: plan["trip"][key] for key in shown} == shown
    assert plan["trip"]["timetable_id"] is None
    assert plan["company"]["id"] == str(company.id)
    assert plan["company"]["refund_policy"]["steps"]
    assert [call["leg_fare"] for call in plan["route"]["calls"]] == [0, 12_345]
    assert [call["stop"]["place"] for call in plan["route"]["calls"]] == ["bengaluru", "mysuru"]
    assert [seat["seat"] for seat in plan["layout"]["seats"]] == list(trip.layout.seats)


async def test_an_unknown_departure_has_none(client):
    async with client.get(f"/api/trips/{uuid4()}/plan") as answer:
        assert answer.status == 404
