"""Refresh tokens, cookies and the sessions that they stand for."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from http.cookies import SimpleCookie
from typing import Any

import pytest

from services.auth import app as wired
from services.auth.domain import successor

PASSWORD = "correct horse battery"
ORIGIN = "http://banyan.test"


@pytest.fixture
async def tokens(client):
    body = {"email": "asha@example.org", "password": PASSWORD, "full_name": "Asha Rao"}
    return await (await client.post("/api/auth/register", json=body)).json()


def bearer(tokens):
    return {"Authorization": f"Bearer {tokens['access_token']}"}


async def refresh(client, token, **options: Any):
    return await client.post("/api/auth/refresh", json={"refresh_token": token}, **options)


async def live(pool):
    return await pool.fetchval(
        "SELECT count(*) FROM refresh_tokens WHERE used_at IS NULL AND revoked_at IS NULL"
    )


def cookies_of(response):
    jar = SimpleCookie()
    for header in response.headers.getall("Set-Cookie", ()):
        jar.load(header)
    return jar


class TestRefresh:
    async def test_all_who_refresh_at_once_get_the_same_successor(self, client, tokens, pool, config):
        answers = await asyncio.gather(*(refresh(client, tokens["refresh_token"]) for _ in range(16)))
        assert {answer.status for answer in answers} == {200}
        bodies = [await answer.json() for answer in answers]
        assert {body["refresh_token"] for body in bodies} == {
            successor(tokens["refresh_token"], config.secret_key)
        }
        assert await pool.fetchval("SELECT count(*) FROM refresh_tokens") == 2
        assert await live(pool) == 1

    async def test_two_processes_agree_on_the_successor(self, client, live_client, tokens):
        answers = await asyncio.gather(
            *(refresh(each, tokens["refresh_token"]) for each in (client, live_client) for _ in range(6))
        )
        assert {answer.status for answer in answers} == {200}
        assert len({(await answer.json())["refresh_token"] for answer in answers}) == 1

    async def test_the_new_access_token_is_of_the_same_session(self, client, tokens):
        renewed = await (await refresh(client, tokens["refresh_token"])).json()
        for each in (tokens, renewed):
            listed = await (await client.get("/api/auth/sessions", headers=bearer(each))).json()
            assert [session["current"] for session in listed["items"]] == [True]

    async def test_after_the_grace_the_parent_is_a_stolen_copy(self, client, tokens, pool):
        child = (await (await refresh(client, tokens["refresh_token"])).json())["refresh_token"]
        await pool.execute("UPDATE refresh_tokens SET used_at = used_at - interval '11 seconds'")
        answer = await refresh(client, tokens["refresh_token"])
        assert answer.status == 401
        assert (await answer.json())["type"] == "urn:banyan:problem:refresh-reused"
        answer = await refresh(client, child)
        assert answer.status == 401
        assert (await answer.json())["type"] == "urn:banyan:problem:refresh-invalid"
        assert await live(pool) == 0

    async def test_a_grandparent_is_a_stolen_copy_even_at_once(self, client, tokens, pool):
        child = (await (await refresh(client, tokens["refresh_token"])).json())["refresh_token"]
        assert (await refresh(client, child)).status == 200
        answer = await refresh(client, tokens["refresh_token"])
        assert (await answer.json())["type"] == "urn:banyan:problem:refresh-reused"
        assert await live(pool) == 0

    async def test_reuse_ends_that_session_and_no_other(self, client, tokens, pool):
        body = {"email": "asha@example.org", "password": PASSWORD}
        phone = await (await client.post("/api/auth/login", json=body)).json()
        await refresh(client, tokens["refresh_token"])
        await pool.execute("UPDATE refresh_tokens SET used_at = used_at - interval '1 minute'")
        assert (await refresh(client, tokens["refresh_token"])).status == 401
        assert (await refresh(client, phone["refresh_token"])).status == 200

    async def test_a_renewal_beside_a_logout_leaves_no_session(self, client, tokens, pool):
        leaving = {"refresh_token": tokens["refresh_token"]}
        await asyncio.gather(
            *(refresh(client, tokens["refresh_token"]) for _ in range(4)),
            client.post("/api/auth/logout", json=leaving),
            *(refresh(client, tokens["refresh_token"]) for _ in range(4)),
        )
        assert await live(pool) == 0

    async def test_an_expired_token_is_not_valid(self, client, tokens, pool):
        await pool.execute("UPDATE refresh_tokens SET expires_at = now()")
        answer = await refresh(client, tokens["refresh_token"])
        assert (await answer.json())["type"] == "urn:banyan:problem:refresh-invalid"

    async def test_a_session_ends_after_half_a_year_however_busy(self, client, tokens, pool):
        await pool.execute("UPDATE refresh_tokens SET session_started_at = now() - interval '179 days'")
        renewed = await (await refresh(client, tokens["refresh_token"])).json()
        assert 0 < renewed["refresh_expires_in"] <= 86400

    async def test_a_changed_role_is_in_the_next_access_token(self, client, tokens, pool):
        await pool.execute("UPDATE users SET role = 'admin'")
        assert (await client.get("/api/users", headers=bearer(tokens))).status == 403
        renewed = await (await refresh(client, tokens["refresh_token"])).json()
        assert (await client.get("/api/users", headers=bearer(renewed))).status == 200

    async def test_no_token_is_stored(self, tokens, pool):
        rows = await pool.fetch("SELECT refresh_tokens::text FROM refresh_tokens")
        assert all(tokens["refresh_token"] not in row[0] for row in rows)

    @pytest.mark.parametrize("token", ["nonsense", "\ud83d", "x" * 200])
    async def test_nonsense_is_not_valid(self, client, token):
        assert (await refresh(client, token)).status in {401, 422}


class TestCookies:
    async def signed_in(self, client):
        body = {"email": "asha@example.org", "password": PASSWORD, "cookie": True}
        return cookies_of(await client.post("/api/auth/login", json=body))

    @pytest.mark.usefixtures("tokens")
    async def test_a_cookie_is_renewed_as_a_cookie_from_our_own_pages_alone(self, client):
        jar = await self.signed_in(client)
        client.session.cookie_jar.clear()
        sent = {"Cookie": f"banyan_refresh={jar['banyan_refresh'].value}"}
        foreign = {**sent, "Origin": "https://evil.example"}
        assert (await client.post("/api/auth/refresh", headers=foreign)).status == 403
        answer = await client.post("/api/auth/refresh", headers={**sent, "Origin": ORIGIN})
        assert answer.status == 200
        fresh = cookies_of(answer)
        assert fresh["banyan_refresh"].value == (await answer.json())["refresh_token"]
        assert fresh["banyan_access"]["max-age"] == "900"
        assert fresh["banyan_access"]["httponly"]
        assert fresh["banyan_access"]["samesite"] == "Lax"
        assert not fresh["banyan_access"]["secure"]

    @pytest.mark.usefixtures("tokens")
    async def test_logging_out_clears_them_and_ends_the_session(self, client, pool):
        jar = await self.signed_in(client)
        client.session.cookie_jar.clear()
        sent = {"Cookie": f"banyan_refresh={jar['banyan_refresh'].value}", "Origin": ORIGIN}
        answer = await client.post("/api/auth/logout", headers=sent)
        assert answer.status == 204
        assert {morsel.value for morsel in cookies_of(answer).values()} == {""}
        assert (await refresh(client, jar["banyan_refresh"].value)).status == 401
        assert await live(pool) == 1  # the one that registering opened

    async def test_they_are_secure_where_the_site_is(self, aiohttp_client, config):
        secure = await aiohttp_client(wired.create_app(replace(config, public_url="https://banyan.test")))
        body = {"email": "b@example.org", "password": PASSWORD, "full_name": "B", "cookie": True}
        jar = cookies_of(await secure.post("/api/auth/register", json=body))
        assert jar["banyan_access"]["secure"]
        assert jar["banyan_refresh"]["secure"]


class TestSessions:
    async def test_they_are_listed_and_ended_one_by_one(self, client, tokens):
        body = {"email": "asha@example.org", "password": PASSWORD}
        headers = {"User-Agent": "Phone/1.0", "X-Forwarded-For": "203.0.113.7"}
        phone = await (await client.post("/api/auth/login", json=body, headers=headers)).json()
        listed = await (await client.get("/api/auth/sessions", headers=bearer(tokens))).json()
        assert [session["current"] for session in listed["items"]] == [False, True]
        other = listed["items"][0]
        assert (other["user_agent"], other["address"]) == ("Phone/1.0", "203.0.113.7")
        path = f"/api/auth/sessions/{other['id']}"
        answers = await asyncio.gather(*(client.delete(path, headers=bearer(tokens)) for _ in range(5)))
        assert Counter(answer.status for answer in answers) == {204: 1, 404: 4}
        assert (await refresh(client, phone["refresh_token"])).status == 401
        assert (await refresh(client, tokens["refresh_token"])).status == 200

    async def test_logging_out_with_a_bearer_ends_its_session(self, client, tokens):
        assert (await client.post("/api/auth/logout", headers=bearer(tokens))).status == 204
        assert (await refresh(client, tokens["refresh_token"])).status == 401

    async def test_what_is_no_id_is_not_found(self, client, tokens):
        assert (await client.delete("/api/auth/sessions/1", headers=bearer(tokens))).status == 404


@pytest.mark.usefixtures("tokens")
async def test_old_tokens_and_attempts_are_forgotten(pool, sweep):
    await pool.execute("UPDATE refresh_tokens SET expires_at = now() - interval '8 days'")
    await pool.execute(
        "INSERT INTO login_failures (account, address, at) VALUES ('a', 'b', now() - interval '2 h')"
    )
    await pool.execute("INSERT INTO login_failures (account, address) VALUES ('a', 'b')")
    assert await sweep("forget old attempts") == 2
    assert await pool.fetchval("SELECT count(*) FROM refresh_tokens") == 0
    assert await pool.fetchval("SELECT count(*) FROM login_failures") == 1
