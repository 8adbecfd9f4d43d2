"""The pages: what they show, and what their forms do without JavaScript."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
async def asha(world):
    return await world.user(name="Asha Rao")


async def page_of(client, path, browser, status=200):
    answer = await client.get(path, headers=browser)
    text = await answer.text()
    assert answer.status == status, text
    assert "style=" not in text
    assert "<script>" not in text
    return text


@pytest.mark.parametrize("path", ["/dashboard", "/profile", "/admin", "/operator/sales"])
async def test_a_visitor_signs_in_first(client, path):
    answer = await client.get(path, headers={"Accept": "text/html"}, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, f"/login?next={path.replace('/', '%2F')}")


class TestDashboard:
    async def test_it_is_empty_first_and_leads_on(self, client, world, asha):
        page = await page_of(client, "/dashboard", world.browser(asha))
        assert "You have no trip ahead" in page
        assert 'class="button" href="/"' in page
        assert "<svg class" not in page

    async def test_it_shows_journeys_and_months(self, client, world, asha):
        soon = await world.booking(await world.trip(), asha)
        for days in (40, 110):
            await world.booking(await world.trip(departs_at=NOW - timedelta(days=days)), asha)
        page = await page_of(client, "/dashboard", world.browser(asha))
        assert f'href="/bookings/{soon.id}"' in page
        assert soon.reference in page
        assert "₹900" in page
        plot = page[page.index("<svg") : page.index("</svg>")]
        assert 'role="img" aria-labelledby="spent-inr-title spent-inr-desc"' in plot
        assert len(re.findall(r'class="column"', plot)) >= 3  # also the months without a trip

    async def test_staff_find_their_own_numbers_from_here(self, client, world):
        operator = await world.user("operator", await world.company())
        assert 'href="/operator/sales"' in await page_of(client, "/dashboard", world.browser(operator))
        admin = await world.user("admin")
        assert 'href="/admin"' in await page_of(client, "/dashboard", world.browser(admin))

    async def test_it_speaks_hindi(self, client, world, asha):
        await world.booking(await world.trip(), asha)
        page = await page_of(client, "/dashboard?lang=hi", world.browser(asha))
        assert '<html lang="hi"' in page
        assert "अगली यात्राएँ" in page


class TestProfile:
    async def test_it_is_saved_and_its_language_spoken_from_then_on(self, client, world, asha):
        form = {"full_name": "आशा राव", "phone": "", "locale": "hi"}
        answer = await client.post("/profile", data=form, headers=world.browser(asha), allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (303, "/profile")
        assert answer.cookies["banyan_lang"].value == "hi"
        page = await page_of(client, "/profile", world.browser(asha))
        assert 'value="आशा राव"' in page

    async def test_what_was_done_is_said_once_on_the_next_page(self, client, world, asha):
        form = {"full_name": "A", "locale": "en"}
        page = await (await client.post("/profile", data=form, headers=world.browser(asha))).text()
        assert "flash:" not in page
        browser = world.browser(asha)
        browser["Cookie"] += "; banyan_flash=profile-saved"
        assert "Your profile is saved." in await page_of(client, "/profile", browser)

    async def test_travellers_are_added_and_forgotten(self, client, world, asha, pool):
        browser = world.browser(asha)
        form = {"name": "Meera <b>", "age": "7", "gender": "female"}
        await client.post("/profile/travellers", data=form, headers=browser, allow_redirects=False)
        page = await page_of(client, "/profile", browser)
        assert "Meera &lt;b&gt;" in page
        assert "7 years, female" in page
        traveller_id = await pool.fetchval("SELECT id FROM travellers")
        path = f"/profile/travellers/{traveller_id}/delete"
        for _ in range(2):
            answer = await client.post(path, headers=browser, allow_redirects=False)
            assert answer.status == 303
        assert await pool.fetchval("SELECT count(*) FROM travellers") == 0

    async def test_there_is_room_for_twenty(self, client, world, asha):
        browser = world.browser(asha)
        for n in range(20):
            await client.post(
                "/profile/travellers", data={"name": f"T {n}"}, headers=browser, allow_redirects=False
            )
        answer = await client.post("/profile/travellers", data={"name": "More"}, headers=browser)
        assert answer.status == 422
        page = await answer.text()
        assert "There is room for twenty travellers." in page
        assert 'action="/profile/travellers"' not in page

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

    async def test_a_fault_is_told_in_hindi(self, client, world, asha):
        browser = world.browser(asha)
        browser["Cookie"] += "; banyan_lang=hi"
        answer = await client.post("/profile/travellers", data={"name": "A", "age": "121"}, headers=browser)
        assert "0 से 120 के बीच होना चाहिए।" in await answer.text()

    async def test_another_site_changes_nothing(self, client, world, asha):
        headers = {**world.browser(asha), "Origin": "https://evil.example"}
        answer = await client.post("/profile", data={"full_name": "X", "locale": "en"}, headers=headers)
        assert answer.status == 403


class TestSales:
    @pytest.fixture
    async def company(self, world):
        return await world.company("Ananda Bus")

    @pytest.fixture
    async def browser(self, world, company):
        return world.browser(await world.user("operator", company))

    async def test_it_shows_them_and_says_when_there_are_none(self, client, world, company, browser):
        assert "Nothing was sold in these days" in await page_of(client, "/operator/sales", browser)
        booking = await world.booking(await world.trip(company, departs_at=NOW), seats=("1A",))
        await world.refund(booking, 4500)
        page = await page_of(client, "/operator/sales?utm_source=mail", browser)
        assert 'aria-labelledby="sales-title sales-desc"' in page
        assert '<rect class="against"' in page
        assert "₹300" in page
        assert "₹45" in page
        assert 'href="/operator/schedule"' in page

    async def test_a_bad_period_comes_back_with_the_usual_one_below_it(self, client, browser):
        page = await page_of(client, "/operator/sales?from=2026-02-01&to=2026-01-01", browser, 422)
        assert 'id="to-error"' in page
        assert 'value="2026-02-01"' in page

    async def test_periods_are_one_click_away(self, client, browser):
        page = await page_of(client, "/operator/sales", browser)
        links = re.findall(r'<a href="(/operator/sales\?from=[^"]+)"( aria-current="true")?', page)
        assert len(links) == 4
        assert [bool(current) for _, current in links] == [False, True, False, False]
        for link, _ in links:
            await page_of(client, link.replace("&amp;", "&"), browser)

    async def test_an_admin_chooses_a_company(self, client, world, company):
        admin = world.browser(await world.user("admin"))
        other = await world.company("Zebra Lines")
        page = await page_of(client, f"/operator/sales?company_id={other.id}", admin)
        assert re.search(rf'<option value="{other.id}" selected>', page)
        assert f"company_id={other.id}&amp;from=" in page
        assert company.name in await page_of(client, "/operator/sales", admin)
        assert 'class="tabs"' not in page
        await page_of(client, "/operator/sales?company_id=x", admin, 404)

    @pytest.mark.parametrize("role", ["inspector", "driver"])
    async def test_it_is_not_for_those_who_ride_along(self, client, world, company, role):
        browser = world.browser(await world.user(role, company))
        await page_of(client, "/operator/sales", browser, 403)


class TestPlatform:
    async def test_it_shows_companies_and_days(self, client, world):
        admin = world.browser(await world.user("admin"))
        assert "There is no company yet." in await page_of(client, "/admin", admin)
        for name, currency in (("Ananda Bus", "INR"), ("Zebra Lines", "LKR")):
            await world.booking(await world.trip(await world.company(name, currency=currency)))
        page = await page_of(client, "/admin", admin)
        assert 'aria-labelledby="tickets-title tickets-desc"' in page
        assert "Zebra Lines" in page
        assert "₹300" in page
        hindi = await page_of(client, "/admin?lang=hi", admin)
        assert "कंपनी के हिसाब से" in hindi
        await page_of(client, "/admin?from=2026-02-01&to=2026-01-01", admin, 422)
