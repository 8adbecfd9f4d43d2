"""Departures of a feed: as many at once as a network has in weeks, and each of them once."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from common.ids import uuid7

TIMETABLES = 1000


@pytest.fixture
async def company(world):
    return await world.company()


@pytest.fixture
async def timetables(world, company, pool):
    """A thousand trips a day of one route."""
    route = await world.route(company)
    await pool.execute(
        """INSERT INTO calendars (company_id, service_id, weekdays, start_date, end_date)
           VALUES ($1, 'DAILY', '{1,2,3,4,5,6,7}', $2, $3)""",
        company.id,
        date(2030, 1, 1),
        date(2030, 12, 31),
    )
    ids = [uuid7() for _ in range(TIMETABLES)]
    await pool.executemany(
        """INSERT INTO timetables (id, company_id, gtfs_trip_id, route_id, service_id, start_s, time_zone)
           VALUES ($1, $2, $3, $4, 'DAILY', $5, 'Asia/Kolkata')""",
        [(each, company.id, f"T{number}", route.id, number * 60) for number, each in enumerate(ids)],
    )
    return ids


@pytest.fixture
async def publish(client, world, company):
    layout = await world.layout(company)

    async def post(expect: int = 201, **span: Any) -> Any:
        body = {"timetables": span, "layout_id": str(layout.id)}
        async with client.post(
            f"/api/companies/{company.id}/trips", json=body, headers=world.operator(company)
        ) as answer:
            data = await answer.json()
            assert answer.status == expect, data
            return data

    return post


async def test_twenty_thousand_departures_are_made_and_told_of_by_one_request(publish, timetables, pool):
    made = await publish(**{"from": "2030-03-01", "to": "2030-03-20"})
    assert (made["created"], made["skipped"], len(made["items"])) == (20_000, 0, 100)
    assert await pool.fetchval("SELECT count(*) FROM banyan.outbox WHERE tbl = 'trips'") == 20_000
    again = await publish(**{"from": "2030-03-20", "to": "2030-03-21"})
    assert (again["created"], again["skipped"]) == (1000, 1000)
    assert "timetables.to" in (await publish(422, **{"from": "2030-04-01", "to": "2030-04-21"}))["errors"]


async def test_some_timetables_run_and_unknown_ones_are_named(publish, timetables):
    two = [str(timetables[1]), str(timetables[0])]
    made = await publish(**{"from": "2030-03-01", "to": "2030-03-01"}, ids=two)
    assert [trip["departs_at"] for trip in made["items"]] == ["2030-02-28T18:30:00Z", "2030-02-28T18:31:00Z"]
    refused = await publish(422, **{"from": "2030-03-01", "to": "2030-03-01"}, ids=[two[0], str(uuid7())])
    assert list(refused["errors"]) == ["timetables.ids.1"]


async def test_a_list_of_timetables_can_be_of_a_day(client, world, company, timetables):
    for day, expected in (("2030-06-01", 2), ("2031-06-01", 0)):
        async with client.get(
            f"/api/companies/{company.id}/timetables?limit=2&date={day}", headers=world.operator(company)
        ) as answer:
            assert len((await answer.json())["items"]) == expected
