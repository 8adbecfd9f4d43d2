"""The same journey without a mouse, in a window as narrow as a phone."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING
from uuid import uuid4

from playwright.sync_api import expect

from tests.browser.conftest import NARROW
from tests.contract.world import PASSWORD

if TYPE_CHECKING:
    from tests.browser.conftest import OpenWindow
    from tests.contract.world import Company


def test_a_passenger_registers_books_pays_and_cancels_by_keyboard_on_a_narrow_screen(
    open_window: OpenWindow, company: Company
) -> None:
    trip = company.trip(leg_fare=150)
    visitor = open_window(width=NARROW)
    page = visitor.go("/")
    visitor.check_fit()

    visitor.follow(page.get_by_role("link", name="Register"))
    visitor.type_into("Your name", "Asha Rao")
    visitor.check_fit()
    visitor.type_into("E-mail address", f"{uuid4().hex[:12]}@passengers.example")
    visitor.type_into("Password", PASSWORD)
    visitor.send()
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
    visitor.check_fit()

    visitor.follow(page.get_by_role("link", name="Banyan"))
    visitor.type_into("From", trip["stops"][0]["city"])
    visitor.type_into("To", trip["stops"][-1]["city"])
    shown = date.fromisoformat(page.get_by_label("Day", exact=True).input_value())
    visitor.follow(page.get_by_role("button", name="Search"))
    while shown != date.fromisoformat(trip["service_date"]):
        visitor.follow(page.get_by_role("link", name="Day after →"))
        shown = date.fromordinal(shown.toordinal() + 1)
        expect(page.get_by_label("Day", exact=True)).to_have_value(str(shown))
    visitor.check_fit()

    # The way past the head of the page.
    page.reload()
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport(ratio=1)
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("From", exact=True)).to_be_focused()

    visitor.follow(page.get_by_role("link", name="Choose seats"))
    seat = page.get_by_role("checkbox", name=re.compile(r"^A5\b"))
    visitor.press(seat, "Space")
    expect(seat).to_be_checked()
    visitor.check_fit()
    visitor.type_into("Name", "Asha Rao")
    visitor.follow(page.get_by_role("button", name="Hold these seats"), "Space")

    expect(page.get_by_role("timer")).to_have_text(re.compile(r"^\d+:\d\d"))
    visitor.check_fit()
    visitor.follow(page.get_by_role("button", name="Pay ₹450"))
    visitor.type_into("Card number", "4242424242424242")
    visitor.check_fit()
    visitor.type_into("Expires", "1240")
    visitor.type_into("Security code", "123")
    visitor.send()

    ticket = page.get_by_role("link", name="Show ticket")
    expect(ticket).to_be_visible()
    visitor.check_fit()
    visitor.follow(ticket)
    expect(page.get_by_role("img", name="QR code")).to_be_in_viewport(ratio=1)
    visitor.check_fit()

    # Backwards from the end of the page.
    visitor.tab_to(page.get_by_role("link", name="For developers"))
    visitor.tab_to(page.get_by_role("link", name=re.compile(r"^[2-9A-Z]{8}$")), "Shift+Tab")
    visitor.send()
    visitor.follow(page.get_by_role("button", name="What would I get back?"))
    expect(page.get_by_text("₹405")).to_be_visible()
    visitor.check_fit()
    visitor.follow(page.get_by_role("button", name="Cancel these seats"))
    expect(page.get_by_text("The seats are given back.")).to_be_visible()
    visitor.check_fit()
