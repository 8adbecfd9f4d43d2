"""Profiles and travellers over the API, and where a profile comes from."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import asyncpg
import orjson
import pytest
import redis.asyncio as redis

FENCE = """
    CREATE FUNCTION fence() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'fenced' USING ERRCODE = 'BY421'; END $$;
    CREATE TRIGGER fence BEFORE INSERT OR UPDATE OR DELETE ON profiles
        FOR EACH STATEMENT EXECUTE FUNCTION fence();
"""


@pytest.fixture
async def asha(world):
    return await world.user(name="Asha Rao")


def registration(user, **changes: Any):
    return {
        "user_id": str(user.id),
        "email": user.email,
        "role": user.role,
        "full_name": "Asha Rao",
        "phone": "+919845012345",
        "locale": "hi",
        "created_at": "2026-01-05T04:30:00.250Z",
        **changes,
    }


async def profile_of(client, world, user):
    answer = await client.get("/api/users/me", headers=world.bearer(user))
    assert answer.status == 200, await answer.text()
    return await answer.json()


class TestWhereItComesFrom:
    async def test_it_begins_with_what_the_account_was_opened_with(self, client, world):
        user = world.stranger()
        data = world.account(user, full_name="Meera Iyer", phone="+919845012345", locale="hi")
        await world.tell("auth.user.changed", user.id, data)
        assert await profile_of(client, world, user) == {
            "id": str(user.id),
            "email": user.email,
            "full_name": "Meera Iyer",
            "phone": "+919845012345",
            "locale": "hi",
            "updated_at": "2026-01-05T04:30:00.250Z",
        }

    async def test_later_news_of_the_account_change_the_address_and_never_the_profile(
        self, client, world, asha, pool
    ):
        await client.patch("/api/users/me", json={"full_name": "A. Rao"}, headers=world.bearer(asha))
        data = world.account(asha, full_name="Asha Rao", email="new@example.com", role="admin")
        await world.tell("auth.user.changed", asha.id, data)
        profile = await profile_of(client, world, asha)
        assert (profile["full_name"], profile["email"]) == ("A. Rao", "new@example.com")
        assert await pool.fetchval("SELECT role FROM accounts") == "admin"

    async def test_old_news_of_an_account_come_to_nothing(self, client, world, asha):
        (first,) = world.said
        data = world.account(asha, email="new@example.com")
        await world.tell("auth.user.changed", asha.id, data)
        await world.hear([first])
        assert (await profile_of(client, world, asha))["email"] == "new@example.com"

    async def test_a_batch_may_name_an_account_twice(self, client, world):
        users = [world.stranger() for _ in range(3)]
        for name in ("first", "second"):
            for user in users:
                data = world.account(user, email=f"{name}-{user.email}")
                world.said.append(await world.tell("auth.user.changed", user.id, data))
        await world.hear(world.said)
        for user in users:
            assert (await profile_of(client, world, user))["email"] == f"second-{user.email}"

    async def test_somebody_not_heard_of_yet_is_asked_for_once(self, client, world, site):
        user = world.stranger()
        site.answers["/api/auth/registration"] = registration(user)
        profile = await profile_of(client, world, user)
        assert profile["full_name"] == "Asha Rao"
        assert profile["updated_at"] == "2026-01-05T04:30:00.250Z"
        assert await profile_of(client, world, user) == profile
        path, token = site.asked[0]
        assert (path, token[:7], len(site.asked)) == ("/api/auth/registration", "Bearer ", 1)
        # the event that comes after knows better
        await world.tell("auth.user.changed", user.id, world.account(user, email="new@example.com"))
        assert await profile_of(client, world, user) == {**profile, "email": "new@example.com"}

    async def test_the_first_thing_somebody_does_may_be_to_change_it_or_to_add_a_traveller(
        self, client, world, site
    ):
        user = world.stranger()
        site.answers["/api/auth/registration"] = registration(user)
        answer = await client.patch("/api/users/me", json={"locale": "en"}, headers=world.bearer(user))
        assert (await answer.json())["locale"] == "en"
        user = world.stranger()
        site.answers["/api/auth/registration"] = registration(user)
        answer = await client.post(
            "/api/users/me/travellers", json={"name": "Meera"}, headers=world.bearer(user)
        )
        assert answer.status == 201

    @pytest.mark.parametrize(("status", "answered"), [(404, 404), (401, 404), (503, 503)])
    async def test_who_is_no_more_has_none_and_who_cannot_be_asked_says_so(
        self, client, world, site, status, answered
    ):
        user = world.stranger()
        site.answers["/api/auth/registration"] = status
        me = world.bearer(user)
        assert (await client.get("/api/users/me", headers=me)).status == answered
        assert (await client.patch("/api/users/me", json={"locale": "en"}, headers=me)).status == answered
        answer = await client.post("/api/users/me/travellers", json={"name": "Meera"}, headers=me)
        assert answer.status == answered

    async def test_while_the_other_side_owns_profiles_accounts_are_heard_and_none_is_made(
        self, client, world, site, pool
    ):
        await pool.execute(FENCE)
        user = await world.user()
        assert await pool.fetchval("SELECT count(*) FROM accounts") == 1
        assert await pool.fetchval("SELECT count(*) FROM profiles") == 0
        site.answers["/api/auth/registration"] = registration(user, full_name="As Registered")
        assert (await profile_of(client, world, user))["full_name"] == "As Registered"

    async def test_other_faults_of_the_database_are_not_swallowed(self, world, pool):
        await pool.execute("ALTER TABLE profiles ADD CHECK (full_name <> 'Nobody')")
        with pytest.raises(asyncpg.CheckViolationError):
            await world.user(name="Nobody")


class TestProfile:
    async def test_a_stale_change_is_refused_and_a_current_one_is_not(self, client, world, asha):
        me = world.bearer(asha)
        etag = (await client.get("/api/users/me", headers=me)).headers["ETag"]
        current = {**me, "If-Match": etag}
        answer = await client.patch("/api/users/me", json={"phone": "+91 98450-12345"}, headers=current)
        assert (await answer.json())["phone"] == "+919845012345"
        stale = await client.patch("/api/users/me", json={"phone": None}, headers=current)
        assert stale.status == 412
        fresh = {**me, "If-Match": answer.headers["ETag"]}
        answer = await client.patch("/api/users/me", json={"phone": None}, headers=fresh)
        assert (await answer.json())["phone"] is None
        assert await answer.json() == await profile_of(client, world, asha)

    async def test_of_many_changes_from_one_version_one_is_made(self, client, world, asha):
        me = world.bearer(asha)
        etag = (await client.get("/api/users/me", headers=me)).headers["ETag"]
        answers = await asyncio.gather(
            *(
                client.patch(
                    "/api/users/me", json={"full_name": f"Asha {n}"}, headers={**me, "If-Match": etag}
                )
                for n in range(8)
            )
        )
        assert Counter(answer.status for answer in answers) == {200: 1, 412: 7}

    async def test_an_unchanged_profile_is_not_sent_again(self, client, world, asha):
        me = world.bearer(asha)
        answer = await client.get("/api/users/me", headers=me)
        assert answer.headers["Cache-Control"] == "no-cache"
        again = await client.get("/api/users/me", headers={**me, "If-None-Match": answer.headers["ETag"]})
        assert again.status == 304

    @pytest.mark.parametrize(
        "body", [{}, {"locale": "xx"}, {"full_name": "  "}, {"phone": "12"}, {"role": "admin"}]
    )
    async def test_what_cannot_be_is_refused(self, client, world, asha, body):
        answer = await client.patch("/api/users/me", json=body, headers=world.bearer(asha))
        assert answer.status == 422

    async def test_others_are_told_of_it_and_not_of_travellers(self, client, world, asha, redis_url):
        me = world.bearer(asha)
        await client.post("/api/users/me/travellers", json={"name": "Meera"}, headers=me)
        await client.patch("/api/users/me", json={"full_name": "A. Rao", "locale": "hi"}, headers=me)
        stream = redis.Redis.from_url(redis_url, protocol=2)
        async with asyncio.timeout(10):
            told: list[Any] = []
            while [event["data"]["full_name"] for event in told] != ["Asha Rao", "A. Rao"]:
                await asyncio.sleep(0.01)
                entries = [orjson.loads(fields[b"e"]) for _, fields in await stream.xrange("events:user")]
                told = [entry for entry in entries if entry["type"].startswith("user.")]
        await stream.aclose()
        assert told[1]["subject"] == told[1]["data"]["user_id"] == str(asha.id)
        assert told[1]["data"].keys() == {"user_id", "full_name", "phone", "locale", "updated_at"}


class TestTravellers:
    async def test_the_room_is_for_twenty_however_many_come_at_once(self, client, world, asha, pool):
        answers = await asyncio.gather(
            *(
                client.post("/api/users/me/travellers", json={"name": f"T {n}"}, headers=world.bearer(asha))
                for n in range(26)
            )
        )
        assert Counter(answer.status for answer in answers) == {201: 20, 409: 6}
        assert await pool.fetchval("SELECT count(*) FROM travellers") == 20

    async def test_they_are_listed_page_by_page_in_the_order_they_came(self, client, world, asha):
        me = world.bearer(asha)
        for n in range(5):
            await client.post("/api/users/me/travellers", json={"name": f"T {n}", "age": n}, headers=me)
        first = await (await client.get("/api/users/me/travellers?limit=3", headers=me)).json()
        params = {"limit": "3", "cursor": first["next_cursor"]}
        second = await (await client.get("/api/users/me/travellers", params=params, headers=me)).json()
        assert [item["name"] for item in first["items"] + second["items"]] == [f"T {n}" for n in range(5)]
        assert second["next_cursor"] is None

    async def test_nobody_else_sees_or_forgets_them(self, client, world, asha):
        made = await client.post(
            "/api/users/me/travellers", json={"name": "Meera", "gender": "female"}, headers=world.bearer(asha)
        )
        traveller = await made.json()
        stranger = world.bearer(await world.user())
        listed = await (await client.get("/api/users/me/travellers", headers=stranger)).json()
        assert listed["items"] == []
        assert (await client.delete(made.headers["Location"], headers=stranger)).status == 404
        assert (await client.delete(made.headers["Location"], headers=world.bearer(asha))).status == 204
        assert (await client.delete(made.headers["Location"], headers=world.bearer(asha))).status == 404
        assert traveller["age"] is None
