"""A driver may sign in with an account of the company's staff: known from events, else asked of auth."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest


@pytest.fixture
async def company(world):
    return await world.company()


@pytest.fixture
def add(client, world, company):
    async def post(user_id: Any, expect: int) -> Any:
        body = {"name": "Ravi", "licence": f"DL {uuid4().hex[:6]}", "user_id": str(user_id)}
        async with client.post(
            f"/api/companies/{company.id}/drivers", json=body, headers=world.operator(company)
        ) as answer:
            data = await answer.json()
            assert answer.status == expect, data
            return data

    return post


def staff_page(*ids: Any, next_cursor: str | None = None) -> dict[str, Any]:
    return {
        "items": [
            {"id": str(each), "email": "r@example.org", "role": "driver", "status": "active"} for each in ids
        ],
        "next_cursor": next_cursor,
    }


async def test_of_staff_that_is_known_nobody_is_asked(add, site, world, company):
    member = await world.staff(company)
    assert (await add(member.id, 201))["user_id"] == str(member.id)
    assert site.asked == []


async def test_a_member_of_staff_of_a_moment_ago_is_asked_for_once(add, site, company, pool):
    member = uuid4()
    site.answers = {f"/api/companies/{company.id}/staff": staff_page(uuid4(), member)}
    await add(member, 201)
    await add(member, 201)
    assert len(site.asked) == 1
    assert await pool.fetchval("SELECT source_seq FROM users WHERE id = $1", member) == 0


async def test_who_works_for_nobody_or_for_others_is_refused(add, site, world, company):
    site.answers = {f"/api/companies/{company.id}/staff": staff_page()}
    stranger = await world.staff(await world.company())
    for user_id in (uuid4(), stranger.id):
        assert "user_id" in (await add(user_id, 422))["errors"]


async def test_without_auth_an_unknown_account_waits(add, site):
    site.down = True
    await add(uuid4(), 503)


async def test_a_driver_whose_account_has_left_can_still_be_changed(client, world, company, pool, site):
    user = await world.staff(company)
    driver = await world.driver(company, user=user)
    await pool.execute("UPDATE users SET company_id = NULL")
    site.down = True
    async with client.patch(
        f"/api/drivers/{driver}",
        json={"phone": "+919845012345", "user_id": str(user.id)},
        headers=world.operator(company),
    ) as answer:
        assert answer.status == 200
