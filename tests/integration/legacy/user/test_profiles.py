"""Profiles and travellers, over the API and on their pages."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest


@pytest.fixture
async def asha(world):
    return await world.user(full_name="Asha Rao")


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


class TestPage:
    async def test_the_profile_is_saved_and_its_language_spoken_from_then_on(self, client, world, asha):
        form = {"full_name": "आशा राव", "phone": "", "locale": "hi"}
        answer = await client.post("/profile", data=form, headers=world.browser(asha), allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (303, "/profile")
        assert answer.cookies["banyan_lang"].value == "hi"
        page = await (await client.get("/profile", headers=world.browser(asha))).text()
        assert 'value="आशा राव"' in page

    async def test_travellers_are_added_and_forgotten(self, client, world, asha, pool):
        browser = world.browser(asha)
        form = {"name": "Meera <b>", "age": "7", "gender": "female"}
        await client.post("/profile/travellers", data=form, headers=browser, allow_redirects=False)
        page = await (await client.get("/profile", headers=browser)).text()
        assert "Meera &lt;b&gt;" in page
        traveller_id = await pool.fetchval("SELECT id FROM travellers")
        path = f"/profile/travellers/{traveller_id}/delete"
        for _ in range(2):
            answer = await client.post(path, headers=browser, allow_redirects=False)
            assert answer.status == 303
        assert await pool.fetchval("SELECT count(*) FROM travellers") == 0

    @pytest.mark.parametrize(
        ("path", "form", "field"),
        [
            ("/profile", {"full_name": "", "locale": "en"}, "full_name"),
            ("/profile", {"full_name": "A", "locale": "en", "phone": "1"}, "phone"),
            ("/profile/travellers", {"name": "A", "age": "121"}, "age"),
            ("/profile/travellers", {"name": "A", "age": "seven"}, "age"),
            ("/profile/travellers", {}, "name"),
        ],
    )
    async def test_a_fault_is_told_beside_its_field(self, client, world, asha, path, form, field):
        answer = await client.post(path, data=form, headers=world.browser(asha))
        assert answer.status == 422
        assert f'id="{field}-error"' in await answer.text()

    async def test_another_site_changes_nothing(self, client, world, asha):
        headers = {**world.browser(asha), "Origin": "https://evil.example"}
        answer = await client.post("/profile", data={"full_name": "X", "locale": "en"}, headers=headers)
        assert answer.status == 403
