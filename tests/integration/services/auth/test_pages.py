"""The pages of accounts and sessions, as a browser without JavaScript uses them."""

from __future__ import annotations

import asyncio
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

PASSWORD = "correct horse battery"
NEW_PASSWORD = "another staple entirely"


class Browser:
    """Keeps cookies, sends what browsers send, and follows redirects only when told to."""

    def __init__(self, client, address="203.0.113.7") -> None:
        self.client = client
        self.cookies: dict[str, str] = {}
        self.headers = {
            "Accept": "text/html,*/*;q=0.8",
            "Origin": "http://banyan.test",
            "User-Agent": "Firefox on the bus",
            "X-Forwarded-For": address,
        }

    async def send(self, method: str, path: str, **options: Any):
        self.client.session.cookie_jar.clear()
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {**self.headers, **({"Cookie": cookies} if cookies else {}), **options.pop("headers", {})}
        answer = await self.client.request(method, path, headers=headers, allow_redirects=False, **options)
        for header in answer.headers.getall("Set-Cookie", ()):
            for name, morsel in SimpleCookie(header).items():
                if morsel["max-age"] == "0" or not morsel.value:
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        return answer

    async def get(self, path, **options: Any):
        return await self.send("GET", path, **options)

    async def post(self, path, data=None, **options: Any):
        return await self.send("POST", path, data=data or {}, **options)

    async def follow(self, answer):
        """Where the browser ends up: 303 is a GET, 307 repeats the request."""
        hops = 0
        while answer.status in {303, 307}:
            hops += 1
            assert hops < 6, "a loop"
            body = self.sent if answer.status == 307 else None
            method = "POST" if answer.status == 307 else "GET"
            answer = await self.send(method, answer.headers["Location"], data=body)
        return answer

    async def submit(self, path, data):
        self.sent = data
        return await self.follow(await self.post(path, data))

    async def register(self, email="asha@example.org"):
        form = {"email": email, "password": PASSWORD, "full_name": "Asha Rao", "next": "/account"}
        answer = await self.post("/register", form)
        assert answer.status == 303, await answer.text()
        return answer


@pytest.fixture
def browser(client):
    return Browser(client)


class TestLogin:
    async def test_who_is_sent_to_log_in_comes_back_afterwards(self, browser):
        await browser.register()
        await browser.post("/logout")
        answer = await browser.get("/account?x=1")
        assert answer.status == 303
        location = answer.headers["Location"]
        assert location == "/login?next=%2Faccount%3Fx%3D1"
        page = await (await browser.get(location)).text()
        assert 'name="next" value="/account?x=1"' in page
        form = {"email": "Asha@example.org", "password": PASSWORD, "next": "/account?x=1"}
        answer = await browser.post("/login", form)
        assert (answer.status, answer.headers["Location"]) == (303, "/account?x=1")
        assert "asha@example.org" in await (await browser.get("/account")).text()

    @pytest.mark.parametrize("onward", ["//evil.example", "https://evil.example/", "/\\evil.example"])
    async def test_nobody_is_sent_off_the_site(self, browser, onward):
        await browser.register()
        await browser.post("/logout")
        form = {"email": "asha@example.org", "password": PASSWORD, "next": onward}
        answer = await browser.post("/login", form)
        assert answer.headers["Location"] == "/dashboard"

    async def test_a_wrong_password_shows_the_form_again_with_the_address_and_not_the_password(self, browser):
        form = {"email": "asha@example.org", "password": "secret guess", "next": "/"}
        answer = await browser.post("/login", form)
        page = await answer.text()
        assert answer.status == 422
        assert 'value="asha@example.org"' in page
        assert "secret guess" not in page
        assert 'aria-invalid="true" aria-describedby="password-error"' in page
        assert 'id="password-error"' in page

    async def test_too_many_guesses_are_told_how_long_to_wait(self, browser):
        form = {"email": "asha@example.org", "password": "guess"}
        for _ in range(10):
            await browser.post("/login", form)
        answer = await browser.post("/login", form)
        assert answer.status == 429
        assert int(answer.headers["Retry-After"]) > 0
        assert 'role="alert"' in await answer.text()

    async def test_another_site_logs_nobody_in(self, browser):
        form = {"email": "asha@example.org", "password": PASSWORD}
        answer = await browser.post("/login", form, headers={"Origin": "https://evil.example"})
        assert answer.status == 403
        assert "text/html" in answer.headers["Content-Type"]

    async def test_cookies_are_for_the_browser_alone(self, browser):
        answer = await browser.register()
        cookies = [
            c for c in answer.headers.getall("Set-Cookie") if c.startswith("banyan_") and "lang" not in c
        ]
        assert len(cookies) == 2
        assert all("HttpOnly" in cookie and "SameSite=Lax" in cookie for cookie in cookies)

    async def test_pages_of_somebody_are_kept_by_nobody(self, browser):
        await browser.register()
        answer = await browser.get("/account")
        assert answer.headers["Cache-Control"] == "no-store"
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]


class TestRenewal:
    async def test_an_expired_access_cookie_does_not_log_a_reader_out(self, browser):
        await browser.register()
        before = dict(browser.cookies)
        del browser.cookies["banyan_access"]
        answer = await browser.get("/account?a=1")
        assert answer.status == 303
        assert urlsplit(answer.headers["Location"]).path == "/session/renew"
        assert parse_qs(urlsplit(answer.headers["Location"]).query)["next"] == ["/account?a=1"]
        answer = await browser.follow(answer)
        assert answer.status == 200
        assert "asha@example.org" in await answer.text()
        assert browser.cookies["banyan_refresh"] != before["banyan_refresh"]

    async def test_a_form_that_was_filled_in_slowly_still_arrives(self, browser):
        await browser.register()
        del browser.cookies["banyan_access"]
        form = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
        answer = await browser.submit("/account/password", form)
        assert answer.status == 200
        assert "Your password is changed" in await answer.text()

    async def test_tabs_that_are_opened_together_all_stay_logged_in(self, client, browser):
        await browser.register()
        del browser.cookies["banyan_access"]
        tabs = [Browser(client) for _ in range(8)]
        for tab in tabs:
            tab.cookies = dict(browser.cookies)

        async def open_tab(tab: Browser) -> Any:
            return await tab.follow(await tab.get("/account"))

        answers = await asyncio.gather(*(open_tab(tab) for tab in tabs))
        assert [answer.status for answer in answers] == [200] * 8
        assert len({tab.cookies["banyan_refresh"] for tab in tabs}) == 1

    async def test_a_session_that_was_ended_leads_to_the_login_and_not_in_circles(self, browser, pool):
        await browser.register()
        await pool.execute("UPDATE refresh_tokens SET revoked_at = now()")
        del browser.cookies["banyan_access"]
        answer = await browser.follow(await browser.get("/account"))
        assert answer.status == 200
        assert "banyan_refresh" not in browser.cookies
        page = await answer.text()
        assert 'name="next" value="/account"' in page

    async def test_going_back_never_leaves_the_site(self, browser):
        await browser.register()
        answer = await browser.get("/session/renew?next=//evil.example")
        assert answer.headers["Location"] == "/"

    async def test_the_api_is_not_redirected(self, browser):
        await browser.register()
        del browser.cookies["banyan_access"]
        assert (await browser.get("/api/auth/me")).status == 401


class TestAccount:
    async def test_sessions_are_ended_from_the_page(self, client, browser):
        await browser.register()
        phone = Browser(client, "203.0.113.8")
        phone.headers["User-Agent"] = "Phone <script>"
        await phone.post("/login", {"email": "asha@example.org", "password": PASSWORD})
        page = await (await browser.get("/account")).text()
        assert "Phone &lt;script&gt;" in page
        assert page.count("/revoke") == 2
        phones = page.split("Phone &lt;script&gt;")[-1]  # one's own is the first
        path = phones.split('action="/account/sessions/')[1].split('"')[0]
        answer = await browser.post(f"/account/sessions/{path}")
        assert answer.headers["Location"] == "/account"
        del phone.cookies["banyan_access"]
        assert (await phone.follow(await phone.get("/account"))).url.path == "/login"

    async def test_ending_ones_own_session_logs_out(self, browser):
        await browser.register()
        page = await (await browser.get("/account")).text()
        path = page.split('action="/account/sessions/')[1].split('"')[0]
        answer = await browser.post(f"/account/sessions/{path}")
        assert answer.headers["Location"] == "/login"
        assert "banyan_access" not in browser.cookies

    @pytest.mark.parametrize(
        ("form", "field"),
        [
            ({"current_password": "wrong", "new_password": NEW_PASSWORD}, "current_password"),
            ({"current_password": PASSWORD, "new_password": "password"}, "new_password"),
            ({"current_password": PASSWORD}, "new_password"),
        ],
    )
    async def test_a_password_that_cannot_be_changed_says_why_beside_the_field(self, browser, form, field):
        await browser.register()
        answer = await browser.post("/account/password", form)
        assert answer.status == 422
        assert f'id="{field}-error"' in await answer.text()

    async def test_another_site_changes_no_password(self, browser):
        await browser.register()
        form = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
        answer = await browser.post("/account/password", form, headers={"Origin": "https://evil.example"})
        assert answer.status == 403


class TestRegistration:
    async def test_a_taken_address_is_told_beside_the_field(self, browser, client):
        await browser.register()
        answer = await Browser(client).post(
            "/register", {"email": "asha@example.org", "password": PASSWORD, "full_name": "Asha"}
        )
        assert answer.status == 422
        assert 'id="email-error"' in await answer.text()

    async def test_the_language_of_the_page_becomes_the_accounts(self, browser, pool):
        await browser.get("/register?lang=hi")
        await browser.register()
        assert await pool.fetchval("SELECT locale FROM users") == "hi"

    async def test_the_language_of_the_account_is_a_new_browsers(self, client, browser):
        browser.headers["Accept-Language"] = "hi"
        await browser.register()
        other = Browser(client)
        await other.post("/login", {"email": "asha@example.org", "password": PASSWORD})
        assert other.cookies["banyan_lang"] == "hi"


class TestReset:
    async def test_the_whole_way_from_forgetting_to_logging_in(self, browser, sweep, tmp_path):
        await browser.register()
        await browser.post("/logout")
        answer = await browser.follow(await browser.post("/password-reset", {"email": "asha@example.org"}))
        assert "on its way" in await answer.text()
        await sweep("send reset links")
        await sweep("send mail")
        (mail,) = (tmp_path / "mail").glob("*.eml")
        text = mail.read_text().replace("=\n", "").replace("=3D", "=")
        link = text.split("http://banyan.test")[1].split()[0]
        page = await (await browser.get(link)).text()
        token = page.split('name="token" value="')[1].split('"')[0]
        weak = await browser.post("/password-reset/confirm", {"token": token, "new_password": "password"})
        assert weak.status == 422
        assert 'id="new_password-error"' in await weak.text()
        answer = await browser.follow(
            await browser.post("/password-reset/confirm", {"token": token, "new_password": NEW_PASSWORD})
        )
        assert "Your password is set" in await answer.text()
        answer = await browser.post("/login", {"email": "asha@example.org", "password": NEW_PASSWORD})
        assert answer.status == 303
        assert "too old" in await (await browser.get(link)).text()
        again = await browser.post("/password-reset/confirm", {"token": token, "new_password": NEW_PASSWORD})
        assert again.status == 422


@pytest.mark.parametrize(
    "path", ["/login", "/register", "/password-reset", "/password-reset/confirm?token=x"]
)
@pytest.mark.parametrize("lang", ["en", "hi"])
async def test_open_pages_are_there_in_both_languages(browser, path, lang):
    answer = await browser.get(path, headers={"Accept-Language": lang})
    assert answer.status == 200
    page = await answer.text()
    assert f'<html lang="{lang}"' in page
    assert page.count("<h1>") == 1
