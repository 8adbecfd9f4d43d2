"""Everything that matters works where no script runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.contract.world import confirmed, in_hours, qr_token

if TYPE_CHECKING:
    from tests.browser.conftest import OpenWindow
    from tests.contract.client import Client
    from tests.contract.world import Company


def test_a_passenger_books_and_pays_without_javascript(
    open_window: OpenWindow, company: Company, passenger: Client
) -> None:
    trip = company.trip()
    visitor = open_window(javascript=False)
    page = visitor.go("/login")
    page.get_by_label("E-mail address").fill(passenger.email)
    page.get_by_label("Password").fill(passenger.password)
    page.get_by_role("button", name="Log in").click()

    visitor.go("/")
    page.get_by_label("From", exact=True).fill(trip["stops"][0]["city"])
    page.get_by_label("To", exact=True).fill(trip["stops"][-1]["city"])
    page.get_by_label("Day", exact=True).fill(trip["service_date"])
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="Choose seats").click()
    page.get_by_role("checkbox", name=re.compile(r"^A5\b")).check()
    page.get_by_label("Name").fill("Asha Rao")
    page.get_by_role("button", name="Hold these seats").click()
    expect(page.get_by_text("held for you until")).to_be_visible()
    page.get_by_role("button", name="Pay").click()
    page.get_by_label("Card number").fill("4000 0000 0000 0077")  # the bank takes three seconds
    page.get_by_label("Expires").fill("12/40")
    page.get_by_label("Security code").fill("123")
    page.get_by_role("button", name="Pay").click()
    page.get_by_role("link", name="Show ticket").click()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()


def test_an_inspector_scans_without_javascript(
    open_window: OpenWindow, company: Company, passenger: Client, inspector: Client
) -> None:
    trip = company.trip(departs_at=in_hours(2))
    token = qr_token(passenger, confirmed(passenger, trip)["tickets"][0])
    page = open_window(inspector, javascript=False).go("/scan")
    page.get_by_role("combobox", name="Departure").select_option(trip["id"])
    page.get_by_role("button", name="Choose this departure").click()
    for word in ("Checked in", "Already used"):
        page.get_by_label("Code of the ticket").fill(token)
        page.get_by_role("button", name="Check in").click()
        expect(page.locator("#verdict")).to_contain_text(word)
