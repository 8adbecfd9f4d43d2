"""Companies, fleet, drivers, stops and routes over the API: made, read, changed, refused."""

from typing import Any

import pytest

LAYOUT = {
    "name": "Mini",
    "decks": [{"deck": "lower", "rows": 2, "columns": 3}],
    "classes": [{"code": "seater", "name": "Seater", "fare_percent": 100}],
    "seats": [
        {"seat": "1A", "deck": "lower", "row": 1, "column": 1, "class": "seater"},
        {"seat": "1B", "deck": "lower", "row": 1, "column": 3, "class": "seater"},
    ],
}
STOP = {"name": "Majestic", "city": "Bengaluru", "lat": 12.97, "lon": 77.57, "time_zone": "Asia/Kolkata"}


@pytest.fixture
async def company(world):
    return await world.company("Hill Coaches")


@pytest.fixture
def operator(world, company):
    return world.operator(company)


@pytest.fixture
def admin(world):
    return world.admin()


@pytest.fixture
def call(client, operator):
    """An operator's request; answers the JSON and, if it is a resource, its ETag as `etag`."""

    async def send(method: str, path: str, body: Any = None, expect: int = 200, headers: Any = None) -> Any:
        async with client.request(method, f"/api{path}", json=body, headers=headers or operator) as answer:
            data = await answer.json()
            assert answer.status == expect, data
            if answer.status == 201:
                assert answer.headers["Location"]
            if "ETag" in answer.headers:
                data["etag"] = answer.headers["ETag"]
            return data

    return send


def made_of(path: str, things: dict[str, Any]) -> Any:
    """What to post to a collection, with the ids of what it needs."""
    money = {"amount": 100, "currency": "INR"}
    return {
        "layouts": LAYOUT,
        "buses": {"plate": "ka 1", "layout_id": things.get("layout")},
        "drivers": {"name": "Ravi", "licence": "DL1", "phone": "+91 98450 12345"},
        "stops": STOP,
        "routes": {
            "name": "Royal",
            "stops": [
                {
                    "stop_id": things.get("stop"),
                    "arrive_s": 0,
                    "depart_s": 0,
                    "leg_fare": {**money, "amount": 0},
                },
                {"stop_id": things.get("stop"), "arrive_s": 60, "depart_s": 60, "leg_fare": money},
            ],
        },
    }[path]


@pytest.fixture
async def things(call, company):
    """One of everything."""
    found: dict[str, Any] = {}
    for path, name in (
        ("layouts", "layout"),
        ("buses", "bus"),
        ("drivers", "driver"),
        ("stops", "stop"),
        ("routes", "route"),
    ):
        found[name] = (await call("POST", f"/companies/{company.id}/{path}", made_of(path, found), 201))["id"]
    return found


async def test_what_was_made_is_read_the_same_alone_and_in_its_list(call, company, things):
    for path, name in (
        ("layouts", "layout"),
        ("buses", "bus"),
        ("drivers", "driver"),
        ("stops", "stop"),
        ("routes", "route"),
    ):
        alone = await call("GET", f"/{path}/{things[name]}")
        del alone["etag"]
        listed = (await call("GET", f"/companies/{company.id}/{path}"))["items"]
        assert listed == [alone]
    assert (await call("GET", f"/buses/{things['bus']}"))["plate"] == "KA 1"
    assert (await call("GET", f"/stops/{things['stop']}"))["place"] == "bengaluru"


async def test_an_admin_takes_in_a_company_and_only_an_admin_suspends_it(call, admin, company, client):
    wanted = {
        "name": "São Coaches",
        "contact_email": "a@b.example",
        "time_zone": "Asia/Kolkata",
        "currency": "INR",
    }
    await call("POST", "/companies", wanted, 403)
    made = await call("POST", "/companies", wanted, 201, admin)
    assert (made["slug"], made["status"]) == ("sao-coaches", "active")
    assert made["refund_policy"]["steps"]
    assert (await call("POST", "/companies", wanted, 409, admin))["type"].endswith(":slug-taken")
    assert (
        "currency" in (await call("POST", "/companies", {**wanted, "currency": "KWD"}, 422, admin))["errors"]
    )
    path = f"/companies/{company.id}"
    await call("PATCH", path, {"status": "suspended"}, 403)
    await call("PATCH", path, {"status": "suspended"}, 200, admin)
    async with client.get("/api/companies") as answer:
        assert [each["slug"] for each in (await answer.json())["items"]] == ["sao-coaches"]
    assert len((await call("GET", "/companies", headers=admin))["items"]) == 2


async def test_a_company_keeps_its_currency_once_it_has_fares(call, company):
    path = f"/companies/{company.id}"
    await call("PATCH", path, {"currency": "EUR"})
    await call("PATCH", path, {"currency": "INR"})
    stop = (await call("POST", f"{path}/stops", STOP, 201))["id"]
    await call("POST", f"{path}/routes", made_of("routes", {"stop": stop}), 201)
    assert (await call("PATCH", path, {"currency": "EUR"}, 409))["type"].endswith(":currency-in-use")
    rising = {"steps": [{"hours_before": 1, "percent": 10}, {"hours_before": 2, "percent": 20}]}
    refused = await call("PATCH", path, {"refund_policy": rising}, 422)
    assert "refund_policy.steps.1.percent" in refused["errors"]


@pytest.mark.parametrize(
    ("name", "path", "changes"),
    [
        ("bus", "buses", {"name": "Red one"}),
        ("driver", "drivers", {"phone": None, "name": "Ravi K"}),
        ("stop", "stops", {"city": "Mysuru", "code": "M1"}),
        ("route", "routes", {"name": "Royal Express", "distance_km": 140}),
    ],
)
async def test_a_change_is_made_to_the_version_that_was_read(call, operator, things, name, path, changes):
    where = f"/{path}/{things[name]}"
    etag = (await call("GET", where))["etag"]
    changed = await call("PATCH", where, changes, 200, {**operator, "If-Match": etag})
    assert {key: changed[key] for key in changes} == changes
    await call("PATCH", where, changes, 412, {**operator, "If-Match": etag})
    await call("PATCH", where, {}, 422)
    await call("PATCH", where, {"id": things[name]}, 422)
    assert (await call("GET", where))["etag"] == changed["etag"]


async def test_names_that_must_be_one_of_a_kind_are_refused_a_second_time(call, company, things):
    base = f"/companies/{company.id}"
    for path, slug in (("buses", "plate-taken"), ("drivers", "licence-taken")):
        assert (await call("POST", f"{base}/{path}", made_of(path, things), 409))["type"].endswith(slug)
    await call("POST", f"{base}/stops", {**STOP, "code": "M"}, 201)
    assert (await call("POST", f"{base}/stops", {**STOP, "code": "M"}, 409))["type"].endswith("code-taken")
    assert (await call("PATCH", f"/stops/{things['stop']}", {"code": "M"}, 409))["type"].endswith(
        "code-taken"
    )


@pytest.mark.parametrize(
    ("path", "changes", "field"),
    [
        ("stops", {"time_zone": "Mars/Base"}, "time_zone"),
        ("stops", {"lat": 90.1}, "lat"),
        ("stops", {"lon": "77"}, "lon"),
        ("stops", {"city": "?!"}, "city"),
        ("stops", {"place": "x"}, "place"),
        ("buses", {"layout_id": "00000000-0000-7000-8000-000000000000"}, "layout_id"),
        ("drivers", {"user_id": "00000000-0000-7000-8000-000000000000"}, "user_id"),
        ("drivers", {"phone": "12345"}, "phone"),
        ("layouts", {"seats": LAYOUT["seats"][:1] * 2}, "seats.1.seat"),
        ("layouts", {"seats": []}, "seats"),
        ("routes", {"stops": []}, "stops"),
    ],
)
async def test_what_is_wrong_is_named_by_its_field(call, company, things, path, changes, field):
    body = {**made_of(path, things), **changes}
    if path == "drivers":
        body["licence"] = "another"
    assert field in (await call("POST", f"/companies/{company.id}/{path}", body, 422))["errors"]


async def test_a_routes_offsets_never_fall_and_its_fares_are_in_the_companys_money(
    call, company, things, pool
):
    body = made_of("routes", things)
    body["stops"][1]["arrive_s"] = 120
    wrong = await call("POST", f"/companies/{company.id}/routes", body, 422)
    assert list(wrong["errors"]) == ["stops.1.depart_s"]
    body = made_of("routes", things)
    body["stops"][1]["leg_fare"] = {"amount": 100, "currency": "EUR"}
    wrong = await call("POST", f"/companies/{company.id}/routes", body, 422)
    assert list(wrong["errors"]) == ["stops.1.leg_fare.currency"]
    calls = await pool.fetchval("SELECT calls FROM routes")
    assert [each["fare_sum_minor"] for each in calls] == [0, 100]


async def test_a_routes_stops_change_only_until_it_has_a_departure(call, world, company, things):
    where = f"/routes/{things['route']}"
    stops = made_of("routes", things)["stops"]
    stops[1]["leg_fare"]["amount"] = 999
    changed = await call("PATCH", where, {"stops": stops})
    assert changed["stops"][1]["leg_fare"]["amount"] == 999
    body = {"route_id": things["route"], "departs_at": "2030-01-01T00:00:00Z", "bus_id": things["bus"]}
    await call("POST", f"/companies/{company.id}/trips", body, 201)
    assert (await call("PATCH", where, {"stops": stops}, 409))["type"].endswith(":route-in-use")
    await call("PATCH", where, {"status": "retired"})
    body["departs_at"] = "2030-02-01T00:00:00Z"
    assert "route_id" in (await call("POST", f"/companies/{company.id}/trips", body, 422))["errors"]


async def test_a_bus_and_a_driver_with_departures_ahead_stay_as_they_are(call, company, things):
    body = {
        "route_id": things["route"],
        "departs_at": "2030-01-01T00:00:00Z",
        "bus_id": things["bus"],
        "driver_id": things["driver"],
    }
    (trip,) = (await call("POST", f"/companies/{company.id}/trips", body, 201))["items"]
    other = (await call("POST", f"/companies/{company.id}/layouts", LAYOUT, 201))["id"]
    for path, changes in (
        ("buses", {"status": "retired"}),
        ("buses", {"layout_id": other}),
        ("drivers", {"status": "retired"}),
    ):
        name = {"buses": "bus", "drivers": "driver"}[path]
        refused = await call("PATCH", f"/{path}/{things[name]}", changes, 409)
        assert refused["type"].endswith(f":{name}-in-use")
        assert refused["conflicts"] == [{"departs_at": trip["departs_at"], "trip_id": trip["id"]}]
    await call("PATCH", f"/trips/{trip['id']}", {"bus_id": None, "driver_id": None})
    for name, path in (("bus", "buses"), ("driver", "drivers")):
        await call("PATCH", f"/{path}/{things[name]}", {"status": "retired"})
        refused = await call("PATCH", f"/trips/{trip['id']}", {f"{name}_id": things[name]}, 422)
        assert f"{name}_id" in refused["errors"]


async def test_things_of_another_company_are_not_there(call, world, things, client):
    stranger = world.operator(await world.company())
    passenger = world.bearer(world.user())
    for name, path in (("layout", "layouts"), ("bus", "buses"), ("driver", "drivers")):
        await call("GET", f"/{path}/{things[name]}", expect=404, headers=stranger)
        await call("GET", f"/{path}/{things[name]}", expect=403, headers=passenger)
        async with client.get(f"/api/{path}/{things[name]}") as answer:
            assert answer.status == 401
    for name, path in (("bus", "buses"), ("driver", "drivers"), ("stop", "stops"), ("route", "routes")):
        await call("PATCH", f"/{path}/{things[name]}", {"name": "mine"}, 404, stranger)
    for path in (
        "stops/nothing",
        "routes/00000000-0000-7000-8000-000000000000",
        "trips/x",
        "companies/1/stops",
    ):
        await call("GET", f"/{path}", expect=404)


async def test_lists_go_on_where_they_stopped(call, company):
    for number in range(5):
        await call("POST", f"/companies/{company.id}/stops", {**STOP, "code": f"S{number}"}, 201)
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        page = await call(
            "GET", f"/companies/{company.id}/stops?limit=2" + (f"&cursor={cursor}" if cursor else "")
        )
        seen += [stop["code"] for stop in page["items"]]
        cursor = page["next_cursor"]
    assert seen == [f"S{number}" for number in range(5)]
    for query in ("limit=0", "limit=101", "cursor=x", "limit=1&limit=2", "offset=3"):
        await call("GET", f"/companies/{company.id}/stops?{query}", expect=422)
