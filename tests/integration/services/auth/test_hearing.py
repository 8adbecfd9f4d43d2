"""What accounts hear of profiles and companies, and what is asked where nothing has been heard."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from common.events import Event
from common.ids import uuid7
from services.auth.events import HANDLERS

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def heard(type_, seq, **data: Any):
    subject = data.get("user_id") or data["id"]
    return Event(type_.partition(".")[0], seq, type_, 1, subject, NOW, data)


def profile(user, seq, name, locale="en"):
    return heard(
        "user.profile.changed",
        seq,
        user_id=str(user.id),
        full_name=name,
        phone=None,
        locale=locale,
        updated_at="2026-05-01T00:00:00+00:00",
    )


def company(company_id, seq, name):
    return heard("company.company.changed", seq, id=str(company_id), name=name, status="active")


@pytest.fixture
def hear(pool):
    """Apply a batch of events of one type, as the consumer does."""

    async def apply(*events: Event) -> None:
        handler = next(each for each in HANDLERS if events[0].type in each.types)
        async with pool.acquire() as conn, conn.transaction():
            await handler.apply(conn, events)

    return apply


class TestProfiles:
    async def test_an_account_is_found_by_the_name_that_it_has_now_and_no_more_by_the_first(
        self, client, world, hear
    ):
        admin = world.bearer(await world.user(role="admin"))
        renamed, other = await world.user(), await world.user()
        await hear(profile(renamed, 1, "Ravi Kumar"))

        async def found(q: str) -> set[str]:
            answer = await client.get("/api/users", params={"q": q}, headers=admin)
            return {user["id"] for user in (await answer.json())["items"]}

        assert await found("ravi") == {str(renamed.id)}
        assert str(renamed.id) not in await found("Asha")
        assert str(other.id) in await found("asha")
        assert await found(renamed.email) == {str(renamed.id)}

    async def test_what_an_account_was_opened_with_stays(self, client, world, hear):
        user = await world.user()
        await hear(profile(user, 1, "Ravi Kumar", "hi"))
        answer = await client.get("/api/auth/registration", headers=world.bearer(user))
        opened = await answer.json()
        assert (opened["full_name"], opened["locale"]) == ("Asha Rao", "en")

    async def test_of_what_comes_twice_late_or_out_of_order_the_newest_stays(self, world, hear, pool):
        user = await world.user()
        await hear(profile(user, 3, "Third"), profile(user, 5, "Fifth"), profile(user, 4, "Fourth"))
        await hear(profile(user, 4, "Fourth"), profile(user, 5, "Fifth"))
        await hear(profile(user, 2, "Second"))
        assert await pool.fetchval("SELECT full_name FROM profiles") == "Fifth"

    async def test_a_mail_greets_by_the_name_and_in_the_language_of_the_profile(
        self, client, world, hear, pool, sweep
    ):
        user = await world.user()
        await hear(profile(user, 1, "Ravi Kumar", "hi"))
        await client.post("/api/auth/password-reset", json={"email": user.email})
        await sweep("send reset links")
        assert "नमस्ते Ravi Kumar" in await pool.fetchval("SELECT body FROM mails")

    async def test_the_name_of_the_profile_is_no_password(self, client, pool):
        body = {"email": "asha@example.org", "password": "correct horse battery", "full_name": "Asha"}
        tokens = await (await client.post("/api/auth/register", json=body)).json()
        user_id = await pool.fetchval("SELECT id FROM users")
        await pool.execute("INSERT INTO profiles VALUES ($1, 'Ravi Venkatesh', 'en', 1)", user_id)
        answer = await client.post(
            "/api/auth/password",
            json={"current_password": body["password"], "new_password": "ravi venkatesh"},
            headers={"Authorization": f"Bearer {tokens['access_token']}"},
        )
        assert answer.status == 422


class TestCompanies:
    async def test_one_that_was_heard_of_is_not_asked_for(self, client, world, hear, site):
        admin, user, company_id = await world.user(role="admin"), await world.user(), uuid7()
        await hear(company(company_id, 1, "Kaveri"), company(company_id, 2, "Kaveri Travels"))
        body = {"role": "operator", "company_id": str(company_id)}
        answer = await client.patch(f"/api/users/{user.id}", json=body, headers=world.bearer(admin))
        assert answer.status == 200
        assert site.asked == []

    async def test_one_that_was_not_is_asked_for_once_with_the_callers_token(self, client, world, site, pool):
        admin, user, company_id = world.bearer(await world.user(role="admin")), await world.user(), uuid7()
        path = f"/api/companies/{company_id}"
        site.answers[path] = {"id": str(company_id), "name": "Kaveri", "status": "active"}
        body = {"role": "operator", "company_id": str(company_id)}
        answer = await client.patch(f"/api/users/{user.id}", json=body, headers=admin)
        assert (await answer.json())["company_id"] == str(company_id)
        assert (await client.get(f"{path}/staff", headers=admin)).status == 200
        assert site.asked == [(path, admin["Authorization"])]
        assert await pool.fetchval("SELECT source_seq FROM companies") == 0

    async def test_what_was_asked_gives_way_to_what_is_heard(self, world, hear, pool):
        made = await world.company()
        await pool.execute("UPDATE companies SET source_seq = 0")
        await hear(company(made.id, 1, "Renamed"))
        assert await pool.fetchval("SELECT name FROM companies") == "Renamed"

    async def test_one_that_nobody_knows_is_refused(self, client, world):
        admin, user = world.bearer(await world.user(role="admin")), await world.user()
        body = {"role": "operator", "company_id": str(uuid7())}
        answer = await client.patch(f"/api/users/{user.id}", json=body, headers=admin)
        assert answer.status == 422
        answer = await client.get(f"/api/companies/{uuid7()}/staff", headers=admin)
        assert answer.status == 404

    async def test_while_nobody_answers_an_unknown_company_is_neither_taken_nor_refused(
        self, client, world, site, pool
    ):
        admin, user, company_id = world.bearer(await world.user(role="admin")), await world.user(), uuid7()
        site.answers[f"/api/companies/{company_id}"] = 502
        body = {"role": "operator", "company_id": str(company_id)}
        answer = await client.patch(f"/api/users/{user.id}", json=body, headers=admin)
        assert answer.status == 503
        assert await pool.fetchval("SELECT role FROM users WHERE id = $1", user.id) == "passenger"

    async def test_an_operators_own_company_is_vouched_for_by_the_token(self, client, world, site, pool):
        operator = world.bearer(await world.user(role="operator", company=await world.company()))
        company_id = await pool.fetchval("DELETE FROM companies RETURNING id")
        body = {"email": "d@x.example", "password": "correct horse", "full_name": "D", "role": "driver"}
        made = await client.post(f"/api/companies/{company_id}/staff", json=body, headers=operator)
        assert made.status == 201
        assert site.asked == []
