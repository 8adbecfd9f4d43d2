from __future__ import annotations

import re

import pytest

from tests.integration.services.payment.conftest import CARD, CHALLENGE, DECLINED, SLOW, Till

FORM = {"number": CARD["number"], "expiry": "12/40", "cvc": "123", "name": "Asha Rao"}


Form = dict[str, str]
Answer = tuple[int, str | None, str]


class Browser:
    """A passenger's browser that runs no scripts."""

    def __init__(self, till: Till) -> None:
        self.till = till
        self.headers = till.world.browser(till.passenger)

    async def get(self, path: str, **headers: str) -> Answer:
        return await self._read("GET", path, None, headers)

    async def post(self, path: str, form: Form, **headers: str) -> Answer:
        return await self._read("POST", path, form, headers)

    async def _read(self, method: str, path: str, form: Form | None, headers: Form) -> Answer:
        async with self.till.client.request(
            method, path, data=form, headers={**self.headers, **headers}, allow_redirects=False
        ) as answer:
            return answer.status, answer.headers.get("Location"), await answer.text()

    async def start(self) -> str:
        status, location, _ = await self.post("/checkout", {"booking_id": str(self.till.booking.id)})
        assert status == 303
        return location


@pytest.fixture
def browser(till):
    return Browser(till)


async def test_a_booking_leads_to_its_checkout(browser):
    location = await browser.start()
    assert re.fullmatch(r"/checkout/[0-9a-f-]{36}", location)
    assert await browser.start() == location
    status, _, page = await browser.get(location)
    assert status == 200
    assert "₹600" in page
    assert browser.till.booking.reference in page
    for name in ("cc-number", "cc-exp", "cc-csc", "cc-name"):
        assert f'autocomplete="{name}"' in page
    assert "4000 0000 0000 3220" in page


async def test_paying_without_scripts(browser):
    path = await browser.start()
    assert (await browser.post(path, FORM))[:2] == (303, path)
    status, _, page = await browser.get(path)
    assert status == 200
    assert '<meta http-equiv="refresh" content="2">' in page
    assert "4242424242424242" not in page
    await browser.till.settle()
    assert (await browser.get(path))[:2] == (303, f"/bookings/{browser.till.booking.id}")


async def test_a_declined_card_leads_to_another_try(browser):
    path = await browser.start()
    await browser.post(path, FORM | {"number": DECLINED})
    await browser.till.settle()
    status, _, page = await browser.get(path)
    assert status == 200
    assert "The card was declined." in page
    assert 'action="/checkout"' in page
    again = await browser.start()
    assert again != path
    await browser.post(again, FORM)
    await browser.till.settle()
    assert (await browser.get(again))[0] == 303


@pytest.mark.parametrize(("code", "end"), [("123456", "succeeded"), ("111111", "failed")])
async def test_a_challenge_asks_for_its_code(browser, code, end):
    path = await browser.start()
    await browser.post(path, FORM | {"number": CHALLENGE})
    _, _, page = await browser.get(path)
    assert f'action="{path}/challenge"' in page
    assert 'autocomplete="one-time-code"' in page
    assert (await browser.post(f"{path}/challenge", {"code": ""}))[0] == 422
    assert (await browser.post(f"{path}/challenge", {"code": code}))[:2] == (303, path)
    await browser.till.settle()
    payment = await browser.till.show(path.rpartition("/")[2])
    assert payment["status"] == end


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"number": "4242 4242 4242 4241"}, "check digit"),
        ({"number": ""}, "Must be 12 to 19 digits."),
        ({"expiry": "13/40"}, "Write month and year"),
        ({"expiry": "01/20"}, "The card has expired."),
        ({"cvc": "12"}, "Must be 3 digits."),
    ],
)
async def test_a_wrong_field_is_said_and_no_number_is_shown_again(browser, change, message):
    path = await browser.start()
    status, _, page = await browser.post(path, FORM | change)
    assert status == 422
    assert message in page
    assert 'aria-invalid="true"' in page
    assert "4242 4242 4242 42" not in page.replace("4242 4242 4242 4242</code>", "")
    assert 'value="123"' not in page
    assert 'value="Asha Rao"' in page


async def test_a_form_sent_twice_charges_once(browser):
    path = await browser.start()
    assert (await browser.post(path, FORM))[:2] == (303, path)
    assert (await browser.post(path, FORM))[:2] == (303, path)
    await browser.till.settle()
    assert await browser.till.ledger() == [("provider", "company", 60_000)]


async def test_seats_that_are_not_held_any_more_take_no_card(browser):
    path = await browser.start()
    await browser.till.world.tell_booking(browser.till.booking, status="expired")
    _, _, page = await browser.get(path)
    assert "not held for you any more" in page
    assert "cc-number" not in page
    status, location, _ = await browser.post("/checkout", {"booking_id": str(browser.till.booking.id)})
    assert (status, location) == (303, f"/bookings/{browser.till.booking.id}")


async def test_the_checkout_is_for_who_pays(browser):
    path = await browser.start()
    status, location, _ = await browser.get(path, Cookie="")
    assert (status, location) == (303, "/login?next=" + path.replace("/", "%2F"))
    stranger = browser.till.world.browser(browser.till.world.user())
    assert (await browser.get(path, **stranger))[0] == 404
    assert (await browser.post(path, FORM, **stranger))[0] == 404
    assert (await browser.post("/checkout", {"booking_id": str(browser.till.booking.id)}, **stranger))[
        0
    ] == 404
    assert (await browser.post("/checkout", {"booking_id": "x"}))[0] == 404


async def test_another_site_cannot_pay(browser):
    path = await browser.start()
    assert (await browser.post(path, FORM, Origin="https://evil.example"))[0] == 403


async def test_the_checkout_speaks_hindi(browser):
    path = await browser.start()
    _, _, page = await browser.get(f"{path}?lang=hi")
    assert '<html lang="hi"' in page
    assert "कार्ड नंबर" in page
    assert "Card number" not in page
    await browser.post(path, FORM | {"number": SLOW})
    _, _, page = await browser.get(f"{path}?lang=hi")
    assert "आपका भुगतान" in page


async def test_the_page_says_what_it_is_waiting_for(browser):
    path = await browser.start()
    await browser.post(path, FORM | {"number": SLOW})
    _, _, page = await browser.get(path)
    assert 'role="status"' in page
    assert "ending in 0077" in page
    assert "checkout.js" in page
