"""The same rows give the same bytes and entity tags on both sides: no client notices a cutover."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiohttp.test_utils import TestClient, TestServer

import legacy
from common.database import open_pool
from common.keyring import write_new_key
from common.migrations import migrate
from common.sweeps import SWEEPER
from legacy import app as monolith
from legacy.config import Config as LegacyConfig

TABLES = ("companies", "layouts", "buses", "drivers", "stops", "routes", "trips")


@pytest.fixture
async def copied(clone_database, pool):
    """Copies what is in the service's database to a monolith's; answers the monolith's address."""
    dsn = await clone_database(
        "legacy", lambda dsn: migrate(dsn, Path(legacy.__file__).parent / "migrations")
    )

    async def copy() -> str:
        theirs = await open_pool(dsn, min_size=1, max_size=2)
        for table in TABLES:
            for row in await pool.fetch(f"SELECT to_jsonb(t) AS row FROM {table} t ORDER BY id"):
                await theirs.execute(
                    f"INSERT INTO {table} SELECT * FROM jsonb_populate_record(NULL::{table}, $1)", row["row"]
                )
            if table == "routes":
                for row in await pool.fetch("SELECT id, calls FROM routes"):
                    await theirs.execute(
                        """INSERT INTO route_stops
                           SELECT $1, seq, stop_id, arrive_s, depart_s, leg_fare_minor / 100.0,
                                  fare_sum_minor / 100.0
                           FROM jsonb_to_recordset($2) AS k (seq int, stop_id uuid, arrive_s int,
                               depart_s int, leg_fare_minor bigint, fare_sum_minor bigint)""",
                        row["id"],
                        row["calls"],
                    )
        await theirs.close()
        return str(dsn)

    return copy


@pytest.fixture
def both(config, token_keys, tmp_path, copied, client, aiohttp_client):
    """`await both(method, path, …)`: (status, tag, body) of each side, which must be the same."""
    sides: list[TestClient[Any, Any]] = [client]
    codes, tokens = tmp_path / "codes.json", tmp_path / "tokens.json"
    write_new_key(codes)
    write_new_key(tokens)

    async def start_legacy() -> TestClient[Any, Any]:
        settings = LegacyConfig(
            database_url=await copied(),
            host="127.0.0.1",
            port=1,
            public_url=config.public_url,
            token_keys_file=tokens,
            qr_keys_file=codes,
            secret_key=b"0123456789abcdef0123456789abcdef",
            sandbox_webhook_secrets=("a secret of the sandbox provider",),
            mail_url=f"file://{tmp_path / 'mail'}",
            mail_from="Banyan <tickets@banyan.example>",
            hold_s=600,
            pool_size=5,
            log_level="warning",
            log_format="text",
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(monolith.KeyRing, "from_file", staticmethod(lambda _path: token_keys))
            made = monolith.create_app(replace(settings))
        made.cleanup_ctx.remove(made[SWEEPER].run)
        started: TestClient[Any, Any] = await aiohttp_client(TestServer(made))
        return started

    async def ask(method: str, path: str, body: Any = None, headers: Any = None) -> Any:
        if len(sides) == 1:
            sides.append(await start_legacy())
        answers = []
        for side in sides:
            sent = {"X-Request-ID": "the-same-request", **(headers or {})}
            async with side.request(method, path, json=body, headers=sent) as answer:
                told = {name: answer.headers.get(name) for name in ("ETag", "Cache-Control", "Content-Type")}
                answers.append((answer.status, told, await answer.text()))
        assert answers[0] == answers[1]
        return answers[0]

    return ask


async def test_what_is_read_is_the_same(both, world, pool):
    company = await world.company("São Coaches")
    layout = await world.layout(company, rows=4, front_rows=1)
    bus, driver = await world.bus(layout), await world.driver(company)
    route = await world.route(company, leg_fares=(12_345, 1, 99_999))
    trip = await world.trip(company, route=route, layout=layout, bus_id=bus, driver_id=driver, delay_min=7)
    await world.trip(company, route=route, layout=layout)
    await pool.execute("UPDATE stops SET lat = 13, lon = 77.123456789 WHERE id = $1", route.stop_ids[0])
    operator = world.operator(company)
    of_company = f"/api/companies/{company.id}"
    for path in (
        "/api/companies",
        of_company,
        *(f"{of_company}/{what}" for what in ("layouts", "buses", "drivers", "stops", "routes", "trips")),
        f"{of_company}/trips?limit=1",
        f"{of_company}/trips?from=2030-01-01&status=cancelled",
        f"{of_company}/timetables?date=2030-01-01",
        f"/api/layouts/{layout.id}",
        f"/api/buses/{bus}",
        f"/api/drivers/{driver}",
        f"/api/stops/{route.stop_ids[0]}",
        f"/api/routes/{route.id}",
        f"/api/trips/{trip.id}",
        f"/api/trips/{trip.id}/plan",
    ):
        assert (await both("GET", path, headers=operator))[0] == 200, path
    _, told, _ = await both("GET", f"/api/trips/{trip.id}")
    stale = {"If-None-Match": told["ETag"]}
    assert (await both("GET", f"/api/trips/{trip.id}", headers=stale))[0] == 304


async def test_what_is_refused_is_refused_in_the_same_words(both, world):
    company, other = await world.company(), await world.company()
    layout = await world.layout(company)
    bus, driver = await world.bus(layout), await world.driver(company)
    route = await world.route(company)
    trip = await world.trip(company, route=route, layout=layout, bus_id=bus, driver_id=driver)
    operator, stranger = world.operator(company), world.operator(other)
    admin, passenger = world.admin(), world.bearer(world.user())
    leaves = {"departs_at": trip.departs_at.isoformat(), "route_id": str(route.id)}
    of_company = f"/api/companies/{company.id}"
    trips, nothing = f"{of_company}/trips", str(uuid4())
    stop = {
        "stop_id": nothing,
        "arrive_s": 0,
        "depart_s": 0,
        "leg_fare": {"amount": 0, "currency": "INR"},
    }
    dear = [
        {**stop, "stop_id": str(route.stop_ids[0])},
        {**stop, "stop_id": str(route.stop_ids[1]), "arrive_s": 60, "depart_s": 60,
         "leg_fare": {"amount": 300_000_001, "currency": "INR"}},
    ]  # fmt: skip
    for method, path, body, headers, expected in (
        ("GET", f"{of_company}/buses", None, None, 401),
        ("GET", f"{of_company}/buses", None, passenger, 403),
        ("GET", f"{of_company}/buses", None, stranger, 404),
        ("GET", f"/api/companies/{uuid4()}/stops", None, None, 404),
        ("GET", f"/api/companies/{uuid4()}/routes", None, None, 404),
        ("GET", f"/api/companies/{uuid4()}/buses", None, admin, 404),
        ("GET", f"{of_company}/trips?from=soon&limit=0", None, operator, 422),
        ("GET", f"{of_company}/stops?cursor=x", None, None, 422),
        ("POST", "/api/companies", {"name": "X"}, operator, 403),
        ("POST", "/api/companies", {"name": "", "currency": "KWD"}, admin, 422),
        ("PATCH", of_company, {"currency": "EUR"}, operator, 409),
        ("PATCH", of_company, {"status": "suspended"}, operator, 403),
        ("PATCH", of_company, {"contact_phone": "0"}, stranger, 404),
        ("PATCH", f"/api/buses/{bus}", {"status": "retired"}, operator, 409),
        ("PATCH", f"/api/buses/{bus}", {"plate": "KA 2"}, operator, 422),
        ("PATCH", f"/api/drivers/{driver}", {"status": "retired"}, operator, 409),
        ("PATCH", f"/api/routes/{route.id}", {"stops": dear}, operator, 409),
        ("POST", f"{of_company}/routes", {"name": "Dear", "stops": dear}, operator, 422),
        ("POST", f"{of_company}/routes", {"name": "None", "stops": [stop, stop]}, operator, 422),
        ("POST", f"{of_company}/buses", {"plate": "ka 9", "layout_id": nothing}, operator, 422),
        ("POST", f"{of_company}/drivers", {"name": "R", "licence": "9", "user_id": nothing}, operator, 422),
        ("POST", trips, {**leaves, "bus_id": str(bus)}, operator, 409),
        ("POST", trips, {**leaves, "driver_id": str(driver), "layout_id": str(layout.id)}, operator, 409),
        ("POST", trips, {**leaves, "layout_id": nothing}, operator, 422),
        ("POST", trips, {**leaves, "route_id": nothing, "bus_id": str(bus)}, operator, 422),
        ("PATCH", f"/api/trips/{trip.id}", {"delay_min": 2000}, operator, 422),
        ("PATCH", f"/api/trips/{trip.id}", {}, operator, 422),
        ("PATCH", f"/api/trips/{trip.id}", {"delay_min": 1}, stranger, 404),
        ("PATCH", f"/api/trips/{trip.id}", {"bus_id": nothing}, operator, 422),
        ("PATCH", f"/api/trips/{trip.id}", {"delay_min": 1}, {**operator, "If-Match": '"old"'}, 412),
    ):  # fmt: skip
        status, _, said = await both(method, path, body, headers)
        assert status == expected, (method, path, said)
