"""Hindi, chosen once, stays."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NARROW
from tests.browser.page_rules import faults

if TYPE_CHECKING:
    from tests.browser.conftest import OpenWindow
    from tests.contract.client import Client
    from tests.contract.world import Company

HINDI = re.compile(r"[\u0900-\u097f]")
ENGLISH_SENTENCE = re.compile(r"\b[A-Za-z]+ [a-z]+ [a-z]+\b")


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
    visitor = open_window(None if path in {"/", "/login", "/register"} else passenger, width=NARROW)
    page = visitor.go(f"{path}?lang=hi")
    assert not faults(page, "hi")
    page.locator("main").get_by_text(HINDI).first.wait_for()
    english = ENGLISH_SENTENCE.findall(page.locator("body").inner_text())
    assert not english
