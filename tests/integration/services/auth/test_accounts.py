"""Registering, logging in, changing and resetting passwords, and what admins and operators do to accounts."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections import Counter
from typing import Any

import pytest

PASSWORD = "correct horse battery"
NEW_PASSWORD = "another staple entirely"


def registration(email="asha@example.org", **changes: Any):
    return {"email": email, "password": PASSWORD, "full_name": "Asha Rao", **changes}


async def register(client, email="asha@example.org", **changes: Any):
    response = await client.post("/api/auth/register", json=registration(email, **changes))
    assert response.status == 201, await response.text()
    return await response.json()


async def log_in(client, email="asha@example.org", password=PASSWORD, **options: Any):
    return await client.post("/api/auth/login", json={"email": email, "password": password}, **options)


def bearer(tokens):
    return {"Authorization": f"Bearer {tokens['access_token']}"}


class TestRegister:
    async def test_sixteen_who_want_the_same_address_at_once_are_one_account(self, client, pool):
        answers = await asyncio.gather(
            *(client.post("/api/auth/register", json=registration()) for _ in range(16))
        )
        assert Counter(answer.status for answer in answers) == {201: 1, 409: 15}
        assert await pool.fetchval("SELECT count(*) FROM users") == 1
        assert await pool.fetchval("SELECT count(*) FROM refresh_tokens") == 1
        refused = next(answer for answer in answers if answer.status == 409)
        assert (await refused.json())["type"] == "urn:banyan:problem:email-taken"

    async def test_the_account_is_signed_in_and_says_who_it_is(self, client):
        tokens = await register(client, phone="+91 98450 12345", locale="hi")
        assert tokens["token_type"] == "Bearer"
        assert tokens["expires_in"] == 900
        assert 29 * 86400 < tokens["refresh_expires_in"] <= 30 * 86400
        me = await (await client.get("/api/auth/me", headers=bearer(tokens))).json()
        assert me == tokens["user"]
        assert me["role"] == "passenger"

    @pytest.mark.stretched_passwords
    async def test_passwords_are_stored_as_argon2id(self, client, pool):
        await register(client)
        stored = await pool.fetchval("SELECT password_hash FROM users")
        assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")

    async def test_an_address_that_registers_too_often_waits(self, client, pool):
        await pool.execute(
            "INSERT INTO registration_attempts (address) SELECT '127.0.0.1' FROM generate_series(1, 299)"
        )
        await register(client)
        answer = await client.post("/api/auth/register", json=registration("b@example.org"))
        assert answer.status == 429
        assert 0 < int(answer.headers["Retry-After"]) <= 900
        # a refused attempt does not prolong the wait
        assert await pool.fetchval("SELECT count(*) FROM registration_attempts") == 300
        elsewhere = {"X-Forwarded-For": "203.0.113.9"}
        answer = await client.post(
            "/api/auth/register", json=registration("b@example.org"), headers=elsewhere
        )
        assert answer.status == 201

    @pytest.mark.parametrize("password", ["asha@example.org", "ASHA RAO", "short", "x" * 129, "password1"])
    async def test_a_password_that_is_guessed_first_is_refused(self, client, password):
        answer = await client.post("/api/auth/register", json=registration(password=password))
        assert answer.status == 422
        assert list((await answer.json())["errors"]) == ["password"]


class TestLogin:
    async def test_the_eleventh_failure_and_then_even_the_right_password_wait(self, client):
        await register(client)
        for _ in range(10):
            assert (await log_in(client, password="wrong")).status == 401
        assert (await log_in(client, password="wrong")).status == 429
        answer = await log_in(client, "ASHA@example.org")
        assert answer.status == 429
        assert 0 < int(answer.headers["Retry-After"]) <= 900

    async def test_an_account_that_does_not_exist_is_throttled_alike(self, client):
        answers = [(await log_in(client, "nobody@example.org", "wrong")).status for _ in range(11)]
        assert answers == [401] * 10 + [429]

    async def test_guesses_at_the_same_moment_tell_no_more_than_one_after_the_other(self, client):
        await register(client)
        answers = await asyncio.gather(*(log_in(client, password=f"guess {n}") for n in range(24)))
        statuses = Counter(answer.status for answer in answers)
        assert statuses[401] <= 10
        assert statuses[401] + statuses[429] == 24
        assert (await log_in(client)).status == 429

    async def test_an_address_that_fails_for_many_accounts_waits(self, client):
        here = {"X-Forwarded-For": "203.0.113.7"}
        for n in range(50):
            assert (await log_in(client, f"user{n}@example.org", "wrong", headers=here)).status == 401
        assert (await log_in(client, "fresh@example.org", "wrong", headers=here)).status == 429
        assert (await log_in(client, "fresh@example.org", "wrong")).status == 401

    async def test_what_a_client_writes_into_x_forwarded_for_changes_nothing(self, client, pool):
        for n in range(50):
            spoofed = {"X-Forwarded-For": f"198.51.100.{n}, 203.0.113.7"}
            await log_in(client, f"user{n}@example.org", "wrong", headers=spoofed)
        spoofed = {"X-Forwarded-For": "198.51.100.200, 203.0.113.7"}
        assert (await log_in(client, "fresh@example.org", "wrong", headers=spoofed)).status == 429
        assert await pool.fetch("SELECT DISTINCT address FROM login_failures") == [("203.0.113.7",)]

    async def test_the_right_password_forgets_the_failures_before(self, client, pool):
        await register(client)
        for _ in range(9):
            await log_in(client, password="wrong")
        assert (await log_in(client)).status == 200
        assert await pool.fetchval("SELECT count(*) FROM login_failures") == 0

    async def test_many_right_logins_at_once_are_all_let_in(self, client, pool):
        await register(client)
        answers = await asyncio.gather(*(log_in(client) for _ in range(20)))
        assert {answer.status for answer in answers} == {200}
        assert await pool.fetchval("SELECT count(DISTINCT family_id) FROM refresh_tokens") == 21

    async def test_unknown_wrong_and_suspended_are_told_alike(self, client, pool):
        await register(client)
        await register(client, "gone@example.org")
        await pool.execute("UPDATE users SET status = 'suspended' WHERE email = 'gone@example.org'")
        answers = [
            await log_in(client, password="wrong"),
            await log_in(client, "nobody@example.org"),
            await log_in(client, "gone@example.org"),
        ]
        bodies = [{**await answer.json(), "request_id": ""} for answer in answers]
        assert [answer.status for answer in answers] == [401] * 3
        assert bodies[0] == bodies[1] == bodies[2]
        assert bodies[0]["type"] == "urn:banyan:problem:bad-credentials"

    async def test_a_hash_of_the_older_format_is_good_too(self, client, pool):
        tokens = await register(client)
        # PBKDF2-HMAC-SHA256 of the password, as an older release wrote it
        digest = base64.b64encode(hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), b"salt", 1000)).decode()
        await pool.execute("UPDATE users SET password_hash = $1", f"pbkdf2_sha256$1000$salt${digest}")
        again = await log_in(client)
        assert (await again.json())["user"] == tokens["user"]

    @pytest.mark.parametrize("cookie", ["yes", 1, "true", None])
    async def test_cookie_is_true_or_false(self, client, cookie):
        body = {"email": "a@example.org", "password": "x", "cookie": cookie}
        answer = await client.post("/api/auth/login", json=body)
        assert answer.status == 422


class TestPassword:
    async def test_it_is_changed_and_the_other_sessions_end(self, client):
        here = await register(client)
        there = await (await log_in(client)).json()
        change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
        assert (await client.post("/api/auth/password", json=change, headers=bearer(here))).status == 204
        assert (await log_in(client)).status == 401
        assert (await log_in(client, password=NEW_PASSWORD)).status == 200
        for tokens, status in ((here, 200), (there, 401)):
            body = {"refresh_token": tokens["refresh_token"]}
            assert (await client.post("/api/auth/refresh", json=body)).status == status

    async def test_guessing_the_current_one_is_throttled_as_the_login_is(self, client):
        tokens = await register(client)
        change = {"current_password": "wrong", "new_password": NEW_PASSWORD}
        for _ in range(10):
            answer = await client.post("/api/auth/password", json=change, headers=bearer(tokens))
            assert answer.status == 401
        assert (await client.post("/api/auth/password", json=change, headers=bearer(tokens))).status == 429
        assert (await log_in(client)).status == 429

    async def test_of_two_changes_at_once_one_wins(self, client):
        tokens = await register(client)
        answers = await asyncio.gather(
            *(
                client.post(
                    "/api/auth/password",
                    json={"current_password": PASSWORD, "new_password": f"{NEW_PASSWORD} {n}"},
                    headers=bearer(tokens),
                )
                for n in range(6)
            )
        )
        statuses = Counter(answer.status for answer in answers)
        assert statuses == {204: 1, 401: 5}
        winner = [answer.status for answer in answers].index(204)
        assert (await log_in(client, password=f"{NEW_PASSWORD} {winner}")).status == 200


class TestReset:
    async def mailed(self, pool):
        bodies = await pool.fetch("SELECT body FROM mails WHERE body LIKE '%token=%' ORDER BY id")
        return [row["body"].split("token=")[1].split()[0] for row in bodies]

    async def ask(self, client, sweep, email="asha@example.org"):
        answer = await client.post("/api/auth/password-reset", json={"email": email})
        assert answer.status == 202
        assert await answer.json() == {}
        await sweep("send reset links")

    async def confirm(self, client, token, password=NEW_PASSWORD):
        body = {"token": token, "new_password": password}
        return await client.post("/api/auth/password-reset/confirm", json=body)

    async def test_the_link_sets_a_new_password_once_and_ends_every_session(self, client, pool, sweep):
        tokens = await register(client)
        await self.ask(client, sweep, "ASHA@Example.org")
        (token,) = await self.mailed(pool)
        assert (await self.confirm(client, token)).status == 204
        assert (await log_in(client, password=NEW_PASSWORD)).status == 200
        answer = await client.post("/api/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
        assert answer.status == 401
        again = await self.confirm(client, token, "yet another password")
        assert again.status == 422
        assert list((await again.json())["errors"]) == ["token"]

    async def test_of_many_who_use_the_link_at_once_one_succeeds(self, client, pool, sweep):
        await register(client)
        await self.ask(client, sweep)
        (token,) = await self.mailed(pool)
        answers = await asyncio.gather(
            *(self.confirm(client, token, f"{NEW_PASSWORD} {n}") for n in range(8))
        )
        assert Counter(answer.status for answer in answers) == {204: 1, 422: 7}

    async def test_it_opens_an_account_that_guesses_had_closed(self, client, pool, sweep):
        await register(client)
        for _ in range(10):
            await log_in(client, password="wrong")
        await self.ask(client, sweep)
        (token,) = await self.mailed(pool)
        assert (await self.confirm(client, token)).status == 204
        assert (await log_in(client, password=NEW_PASSWORD)).status == 200

    async def test_nobody_is_mailed_about_an_account_that_is_not_there_or_is_shut(self, client, pool, sweep):
        await register(client)
        await pool.execute("UPDATE users SET status = 'suspended'")
        await self.ask(client, sweep)
        await self.ask(client, sweep, "nobody@example.org")
        assert await self.mailed(pool) == []
        assert await pool.fetchval("SELECT count(*) FROM reset_requests WHERE worked_at IS NULL") == 0

    async def test_an_account_is_not_buried_in_mail(self, client, pool, sweep):
        await register(client)
        for _ in range(6):
            await self.ask(client, sweep)
        assert len(await self.mailed(pool)) == 3

    async def test_an_address_that_asks_too_often_waits(self, client):
        body = {"email": "asha@example.org"}
        answers = [await client.post("/api/auth/password-reset", json=body) for _ in range(21)]
        assert [answer.status for answer in answers] == [202] * 20 + [429]

    async def test_an_old_link_is_good_for_nothing(self, client, pool, sweep):
        await register(client)
        await self.ask(client, sweep)
        (token,) = await self.mailed(pool)
        await pool.execute("UPDATE password_resets SET expires_at = now()")
        assert (await self.confirm(client, token)).status == 422

    async def test_changing_the_password_voids_links(self, client, pool, sweep):
        tokens = await register(client)
        await self.ask(client, sweep)
        change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
        assert (await client.post("/api/auth/password", json=change, headers=bearer(tokens))).status == 204
        (token,) = await self.mailed(pool)
        assert (await self.confirm(client, token, "yet another password")).status == 422

    async def test_the_token_is_not_stored(self, client, pool, sweep):
        await register(client)
        await self.ask(client, sweep)
        (token,) = await self.mailed(pool)
        assert token.encode() not in await pool.fetchval("SELECT token_hash FROM password_resets")

    async def test_a_weak_password_does_not_spend_the_link(self, client, pool, sweep):
        await register(client)
        await self.ask(client, sweep)
        (token,) = await self.mailed(pool)
        weak = await self.confirm(client, token, "password")
        assert list((await weak.json())["errors"]) == ["new_password"]
        assert (await self.confirm(client, token)).status == 204


class TestAdministration:
    async def test_suspending_ends_sessions(self, client, world):
        admin = world.bearer(await world.user(role="admin"))
        tokens = await register(client)
        answer = await client.patch(
            f"/api/users/{tokens['user']['id']}", json={"status": "suspended"}, headers=admin
        )
        assert (await answer.json())["status"] == "suspended"
        body = {"refresh_token": tokens["refresh_token"]}
        assert (await client.post("/api/auth/refresh", json=body)).status == 401

    async def test_a_login_beside_a_suspension_leaves_no_session(self, client, world, pool):
        admin = world.bearer(await world.user(role="admin"))
        tokens = await register(client)
        suspend = client.patch(
            f"/api/users/{tokens['user']['id']}", json={"status": "suspended"}, headers=admin
        )
        refresh = client.post("/api/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
        await asyncio.gather(log_in(client), log_in(client), suspend, refresh)
        live = "SELECT count(*) FROM refresh_tokens WHERE used_at IS NULL AND revoked_at IS NULL"
        assert await pool.fetchval(live) == 0

    async def test_a_stale_change_is_refused(self, client, world):
        admin = world.bearer(await world.user(role="admin"))
        tokens = await register(client)
        path = f"/api/users/{tokens['user']['id']}"
        etag = (await client.get(path, headers=admin)).headers["ETag"]
        matching = {**admin, "If-Match": etag}
        assert (await client.patch(path, json={"status": "suspended"}, headers=matching)).status == 200
        assert (await client.patch(path, json={"status": "active"}, headers=matching)).status == 412
        assert (await client.get(path, headers={**admin, "If-None-Match": etag})).status == 200

    async def test_an_admin_cannot_be_shut_out_by_their_own_hand(self, client, world):
        user = await world.user(role="admin")
        for changes, field in (({"status": "suspended"}, "status"), ({"role": "passenger"}, "role")):
            answer = await client.patch(f"/api/users/{user.id}", json=changes, headers=world.bearer(user))
            assert answer.status == 422
            assert list((await answer.json())["errors"]) == [field]

    async def test_staff_who_leave_a_company_belong_to_none(self, client, world):
        admin = world.bearer(await world.user(role="admin"))
        company = await world.company()
        user = await world.user(role="driver", company=company)
        answer = await client.patch(f"/api/users/{user.id}", json={"role": "passenger"}, headers=admin)
        assert (await answer.json())["company_id"] is None

    @pytest.mark.parametrize(
        "company_id", [None, "00000000-0000-7000-8000-000000000000"], ids=["none", "no such"]
    )
    async def test_a_company_role_needs_a_company_that_exists(self, client, world, company_id):
        admin = world.bearer(await world.user(role="admin"))
        tokens = await register(client)
        body = {"role": "operator", "company_id": company_id}
        answer = await client.patch(f"/api/users/{tokens['user']['id']}", json=body, headers=admin)
        assert answer.status == 422
        assert list((await answer.json())["errors"]) == ["company_id"]

    async def test_users_are_found_page_by_page(self, client, world):
        admin = await world.user(role="admin")
        for n in range(5):
            await register(client, f"a_{n}@pages.example", full_name=f"Page {n}")
        await register(client, "ab1@pages.example")
        found, cursor = [], ""
        while cursor is not None:
            params = {"q": "a_", "limit": "2", **({"cursor": cursor} if cursor else {})}
            page = await (await client.get("/api/users", params=params, headers=world.bearer(admin))).json()
            found += [user["email"] for user in page["items"]]
            cursor = page["next_cursor"]
        assert found == [f"a_{n}@pages.example" for n in range(4, -1, -1)]
        params = {"q": "PAGE 3"}
        page = await (await client.get("/api/users", params=params, headers=world.bearer(admin))).json()
        assert [user["email"] for user in page["items"]] == ["a_3@pages.example"]

    async def test_a_part_of_an_address_or_name_is_found_be_it_short_or_everywhere(self, client, world):
        admin = world.bearer(await world.user(role="admin"))
        for n in range(4):
            await register(client, f"older{n}@found.example", full_name=f"Zuleikha {n}")
            await register(client, f"other{n}@found.example")

        async def found(**params: str) -> list[str]:
            answer = await client.get("/api/users", params=params, headers=admin)
            return [user["email"].partition("@")[0] for user in (await answer.json())["items"]]

        newest_first = [f"older{n}" for n in range(3, -1, -1)]
        for text in ("ULEI", "lder", "Zu", "ld"):
            assert await found(q=text) == newest_first
            assert await found(q=text, limit="2") == newest_first[:2]
            assert await found(q=text, role="driver") == []
        everywhere = [f"{who}{n}" for n in range(3, -1, -1) for who in ("other", "older")]
        assert await found(q="found.ex") == everywhere
        assert await found(q="found.ex", limit="3") == everywhere[:3]
        assert await found(q="xq") == await found(q="xqz") == []

    async def test_staff_are_made_by_operators_for_their_own_company(self, client, world):
        company, other = await world.company(), await world.company()
        operator = world.bearer(await world.user(role="operator", company=company))
        body = {"email": "d@staff.example", "password": PASSWORD, "full_name": "D", "role": "driver"}
        made = await client.post(f"/api/companies/{company.id}/staff", json=body, headers=operator)
        assert made.status == 201
        assert (await made.json())["company_id"] == str(company.id)
        again = await client.post(f"/api/companies/{company.id}/staff", json=body, headers=operator)
        assert again.status == 409
        foreign = await client.post(f"/api/companies/{other.id}/staff", json=body, headers=operator)
        assert foreign.status == 404
        admin_role = {**body, "role": "admin"}
        raised = await client.post(f"/api/companies/{company.id}/staff", json=admin_role, headers=operator)
        assert raised.status == 422
        listed = await client.get(f"/api/companies/{company.id}/staff", headers=operator)
        assert [user["role"] for user in (await listed.json())["items"]] == ["operator", "driver"]
