"""The pages: what a browser without JavaScript can do."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import pytest

from tests.contract.client import Client
from tests.contract.world import PASSWORD, booking_becomes, confirmed, hold, in_hours, qr_token

HTML = {"Accept": "text/html"}


class Browser(Client):
    """Keeps cookies, sends forms, and says where it comes from as a browser does."""

    def page(self, path, status=200):
        answer = self.get(path, headers=HTML)
        assert answer.status == status, f"{path}: {answer.status} {answer.text[:400]}"
        if status == 200:
            assert answer.headers["Content-Type"].startswith("text/html")
        return answer

    def send(self, path, **fields: Any):
        headers = {**HTML, "Origin": self.origin, "Content-Type": "application/x-www-form-urlencoded"}
        return self.call("POST", path, data=fields, headers=headers)

    origin = ""


@pytest.fixture
def browser(world, public_url):
    client = Browser(world.base_url)
    client.origin = public_url
    return client


@pytest.fixture
def signed_in(browser, passenger):
    answer = browser.send("/login", email=passenger.email, password=PASSWORD)
    assert answer.status == 303, answer.text[:500]
    browser.user, browser.email = passenger.user, passenger.email
    return browser


def location(answer):
    assert answer.status == 303, f"{answer.status} {answer.text[:800]}"
    return answer.headers["Location"]


@pytest.mark.parametrize("path", ["/", "/login", "/register", "/password-reset"])
def test_a_visitor_reads_public_pages_in_two_languages(browser, path):
    page = browser.page(path)
    assert '<html lang="en"' in page.text
    assert "<main" in page.text
    hindi = browser.page(f"{path}?lang=hi")
    assert '<html lang="hi"' in hindi.text
    assert re.search(r"[\u0900-\u097f]", hindi.text)


@pytest.mark.parametrize(
    "path", ["/bookings", "/account", "/dashboard", "/profile", "/scan", "/operator", "/admin"]
)
def test_a_visitor_is_asked_to_sign_in_and_comes_back(browser, path):
    assert unquote(location(browser.page(path, 303))) == f"/login?next={path}"


def test_a_person_registers_signs_out_and_in_again(browser):
    email = f"{uuid4().hex[:10]}@passengers.example"
    location(browser.send("/register", email=email, password=PASSWORD, full_name="Asha Rao"))
    assert "Asha" in browser.page("/profile").text
    location(browser.send("/logout"))
    assert browser.page("/bookings", 303)
    assert location(browser.send("/login", email=email, password=PASSWORD, next="/bookings")) == "/bookings"


def test_login_does_not_send_people_elsewhere(browser, passenger):
    for target in ("https://evil.example/", "//evil.example", "/\\evil.example"):
        answer = browser.send("/login", email=passenger.email, password=PASSWORD, next=target)
        assert "evil" not in location(answer)


def test_a_wrong_password_brings_the_form_again(browser, passenger):
    answer = browser.send("/login", email=passenger.email, password="not this one")
    assert answer.status in {401, 422}
    assert passenger.email in answer.text
    assert "not this one" not in answer.text


def test_a_form_from_elsewhere_is_refused(signed_in):
    answer = signed_in.call(
        "POST", "/profile", data={"full_name": "Mallory"}, headers={**HTML, "Origin": "https://evil.example"}
    )
    assert answer.status == 403


def test_a_passenger_books_pays_and_cancels_with_forms_alone(signed_in, company):
    trip = company.trip(leg_fare=100)
    first, last = trip["stops"][0], trip["stops"][-1]
    found = signed_in.page(
        f"/search?from={first['stop_id']}&to={last['stop_id']}&date={trip['service_date']}&passengers=1"
    )
    assert f"/trips/{trip['id']}" in found.text
    seats = signed_in.page(f"/trips/{trip['id']}?from=0&to=3&passengers=1")
    assert "A12" in seats.text
    held = location(
        signed_in.call(
            "POST",
            f"/trips/{trip['id']}/hold",
            data=form_of(seats.text, f"/trips/{trip['id']}/hold", seat="A1", name="Asha Rao"),
            headers={**HTML, "Origin": signed_in.origin},
        )
    )
    booking_path = held.split("?", maxsplit=1)[0]
    assert re.fullmatch(r"/bookings/[0-9a-f-]{36}", booking_path)
    assert "A1" in signed_in.page(booking_path).text
    booking_id = booking_path.rsplit("/", 1)[1]
    checkout = location(signed_in.send("/checkout", booking_id=booking_id))
    assert re.fullmatch(r"/checkout/[0-9a-f-]{36}", checkout)
    card = form_of(
        signed_in.page(checkout).text, checkout, number="4242424242424242", expiry="12/40", cvc="123"
    )
    location(signed_in.call("POST", checkout, data=card, headers={**HTML, "Origin": signed_in.origin}))
    booking = booking_becomes(signed_in, {"id": booking_id}, "confirmed")
    page = signed_in.page(booking_path)
    ticket_path = f"/tickets/{booking['tickets'][0]['id']}"
    assert ticket_path in page.text
    ticket = signed_in.page(ticket_path)
    assert "<svg" in ticket.text or "/qr?" in ticket.text
    offered = location(signed_in.send(f"{booking_path}/cancel"))  # first what it would bring
    accept = form_of(
        signed_in.page(offered.partition("#")[0]).text, f"{booking_path}/cancel", offer_id=offer_in(offered)
    )
    location(signed_in.send(f"{booking_path}/cancel", **accept))
    booking_becomes(signed_in, booking, "cancelled")


def offer_in(address):
    return re.search(r"offer=([0-9a-f-]{36})", address)[1]


def form_of(page, target, **fields: Any):
    """The hidden fields of the form with this action, and those that a person fills in.

    `seat` and `name` are filled into whatever the page calls them: the first choice with that value, and the
    first field that asks for a name.
    """
    form = next(
        part
        for part in re.findall(r"<form\b.*?</form>", page, flags=re.DOTALL)
        if f'action="{target}"' in html.unescape(part)
    )
    inputs = re.findall(r"<input\b[^>]*>", form)

    def attribute(tag, name) -> str | None:
        match = re.search(rf'\b{name}="([^"]*)"', tag)
        return html.unescape(match[1]) if match else None

    data = {
        attribute(tag, "name"): attribute(tag, "value")
        for tag in inputs
        if attribute(tag, "type") == "hidden"
    }
    seat, name = fields.pop("seat", None), fields.pop("name", None)
    if seat is not None:
        choice = next(tag for tag in inputs if attribute(tag, "value") == seat)
        data[attribute(choice, "name")] = seat
    if name is not None:
        asked = next(
            tag
            for tag in inputs
            if "name" in (attribute(tag, "name") or "") and attribute(tag, "type") != "hidden"
        )
        data[attribute(asked, "name")] = name
    return {**data, **fields}


def test_an_inspector_scans_with_a_form(world, public_url, company, passenger, inspector):
    trip = company.trip(departs_at=in_hours(2))
    token = qr_token(passenger, confirmed(passenger, trip)["tickets"][0])
    browser = Browser(world.base_url)
    browser.origin = public_url
    location(browser.send("/login", email=inspector.email, password=PASSWORD, next="/scan"))
    seen = []
    for _ in range(2):
        form = form_of(
            browser.page(f"/scan?trip_id={trip['id']}").text, "/scan", token=token, action="check-in"
        )
        seen.append(browser.send("/scan", **form))
    assert [answer.status for answer in seen] == [200, 200]
    assert "Rider A1" in seen[0].text
    assert seen[0].text != seen[1].text


@pytest.mark.parametrize(
    "path",
    ["", "/fleet", "/drivers", "/network", "/schedule", "/sales"],
)
def test_an_operators_pages_open_for_operators_alone(world, public_url, company, passenger, path):
    browser = Browser(world.base_url)
    browser.origin = public_url
    location(browser.send("/login", email=company.operator.email, password=PASSWORD))
    browser.page(f"/operator{path}")
    other = Browser(world.base_url)
    other.origin = public_url
    location(other.send("/login", email=passenger.email, password=PASSWORD))
    other.page(f"/operator{path}", 403)


def test_a_page_that_is_not_there_says_so_to_a_person(browser):
    answer = browser.page("/nowhere", 404)
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "<main" in answer.text


def test_somebody_elses_booking_is_not_found(signed_in, stranger, company):
    booking = hold(stranger, company.trip())
    assert signed_in.page(f"/bookings/{booking['id']}", 404)


def test_a_bad_form_comes_back_with_what_was_typed(browser):
    answer = browser.send("/register", email="not an address", password="short", full_name="Asha Rao")
    assert answer.status == 422
    assert "Asha Rao" in answer.text
    assert "not an address" in answer.text


def test_a_held_booking_shows_its_reference(signed_in, passenger, company):
    booking = hold(passenger, company.trip())
    assert booking["reference"] in signed_in.page(f"/bookings/{booking['id']}").text
