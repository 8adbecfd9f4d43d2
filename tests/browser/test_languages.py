"""Hindi, chosen once, stays."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NARROW
from tests.browser.page_rules import faults
from tests.contract.world import confirmed, hold, in_hours

if TYPE_CHECKING:
    from tests.browser.conftest import OpenWindow
    from tests.browser.visitor import Visitor
    from tests.contract.client import Client
    from tests.contract.world import Company, World

HINDI = re.compile(r"[\u0900-\u097f]")
# Three words in a row; names of places and people, which stay as they are, have none such.
ENGLISH = re.compile(r"\b[A-Za-z]+ (?!to )[a-z]+ [a-z]+\b")


def test_hindi_stays_from_page_to_page_and_after_logging_in(
    open_window: OpenWindow, passenger: Client
) -> None:
    visitor = open_window()
    page = visitor.go("/")
    page.get_by_role("link", name="हिन्दी").click()
    expect(page.locator("html")).to_have_attribute("lang", "hi")
    expect(page.get_by_role("heading", level=1)).to_have_text(HINDI)
    visitor.go("/login")
    expect(page.locator("html")).to_have_attribute("lang", "hi")
    page.locator("#email").fill(passenger.email)
    page.locator("#password").fill(passenger.password)
    page.locator("main form button").click()
    visitor.go("/bookings")
    expect(page.get_by_role("heading", level=1)).to_have_text(HINDI)
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("My bookings")


def test_a_form_that_was_refused_can_be_read_in_the_other_language(
    open_window: OpenWindow, company: Company, passenger: Client
) -> None:
    trip = company.trip()
    visitor = open_window(passenger)
    visitor.expects(f"POST /trips/{trip['id']}/hold: 422")
    page = visitor.go(f"/trips/{trip['id']}?from=0&to=3&passengers=1")
    page.get_by_label("Name").fill("Asha Rao")
    page.get_by_role("button", name="Hold these seats").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_role("link", name="हिन्दी").click()
    expect(page.locator("html")).to_have_attribute("lang", "hi")
    expect(page.get_by_role("group").first).to_be_visible()


@pytest.mark.parametrize(
    "path", ["/", "/login", "/register", "/bookings", "/profile", "/dashboard", "/account"]
)
def test_a_page_in_hindi_fits_a_phone_and_leaves_no_sentence_in_english(
    open_window: OpenWindow, passenger: Client, path: str
) -> None:
    look_at(open_window(None if path in {"/", "/login", "/register"} else passenger, width=NARROW), path)


def test_the_way_to_a_ticket_is_in_hindi_all_along(
    open_window: OpenWindow, company: Company, passenger: Client
) -> None:
    trip = company.trip()
    booking, paid = hold(passenger, trip), confirmed(passenger, trip, "A2")
    payment = passenger.post("/api/payments", {"booking_id": booking["id"]}).ok(201)
    start, end = (trip["stops"][seq]["stop_id"] for seq in (0, -1))
    visitor = open_window(passenger, width=NARROW)
    for path in (
        f"/search?from={start}&to={end}&date={trip['service_date']}",
        f"/trips/{trip['id']}",
        f"/bookings/{booking['id']}",
        f"/checkout/{payment['id']}",
        f"/bookings/{paid['id']}",
        f"/tickets/{paid['tickets'][0]['id']}",
    ):
        look_at(visitor, path)


def test_the_pages_of_a_companys_people_are_in_hindi(
    open_window: OpenWindow, world: World, company: Company
) -> None:
    company.bus(company.layout()["id"])
    company.driver()
    trip = company.trip(departs_at=in_hours(2))
    visitor = open_window(company.operator, width=NARROW)
    for page in ("", "/fleet", "/drivers", "/network", "/schedule", "/sales", f"/trips/{trip['id']}"):
        look_at(visitor, f"/operator{page}")
    look_at(visitor, f"/scan?trip_id={trip['id']}")
    look_at(open_window(world.admin, width=NARROW), "/admin")


def look_at(visitor: Visitor, path: str) -> None:
    page = visitor.go(f"{path}{'&' if '?' in path else '?'}lang=hi")
    page.locator("main").get_by_text(HINDI).first.wait_for()
    wrong = faults(page, "hi")
    wrong += [f"in English: {each}" for each in ENGLISH.findall(page.locator("body").inner_text())]
    assert not wrong, f"{path}: {wrong}"
