"""A passenger's journey at a desk: from making an account to giving the seats back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from uuid import uuid4

from playwright.sync_api import expect

from tests.browser.qr_reading import read_code
from tests.contract.world import PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.browser.conftest import OpenWindow
    from tests.contract.world import Company


def seat(page: Page, name: str) -> Locator:
    return page.get_by_role("checkbox", name=re.compile(rf"^{name}\b"))


def test_a_passenger_registers_books_pays_shows_the_code_and_cancels(
    open_window: OpenWindow, company: Company
) -> None:
    trip = company.trip(leg_fare=150)
    visitor = open_window()
    page = visitor.go("/")

    page.get_by_role("link", name="Register").click()
    page.get_by_label("Your name").fill("Asha Rao")
    page.get_by_label("E-mail address").fill(f"{uuid4().hex[:12]}@passengers.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make the account").click()
    expect(page.get_by_role("button", name="Log out")).to_be_visible()

    page.get_by_role("link", name="Banyan").click()
    page.get_by_label("From", exact=True).fill(trip["stops"][0]["city"])
    page.get_by_label("To", exact=True).fill(trip["stops"][-1]["city"])
    page.get_by_label("Day", exact=True).fill(trip["service_date"])
    page.get_by_label("Passengers").select_option("2")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("→")
    expect(page.get_by_text("12 seats left")).to_be_visible()
    page.get_by_role("link", name="Choose seats").click()

    seat(page, "A5").click()
    seat(page, "A8").click()
    expect(page.get_by_role("status")).to_contain_text("A5, A8")
    expect(page.get_by_role("status")).to_contain_text("₹900")
    seat(page, "A11").click()  # one too many: the first choice gives way
    expect(seat(page, "A5")).not_to_be_checked()
    expect(page.get_by_role("status")).to_contain_text("A8, A11")
    for number, name in ((1, "Asha Rao"), (2, "Ravi Rao")):
        page.get_by_role("group", name=f"Passenger {number}").get_by_label("Name").fill(name)
    page.get_by_role("button", name="Hold these seats").click()

    countdown = page.get_by_role("timer")
    expect(countdown).to_have_text(re.compile(r"^\d+:\d\d"))
    before = countdown.inner_text()
    expect(countdown).not_to_have_text(before)
    booking = visitor.path
    page.get_by_role("button", name="Pay ₹900").click()

    page.get_by_label("Card number").press_sequentially("4242424242424242")
    expect(page.get_by_label("Card number")).to_have_value("4242 4242 4242 4242")
    page.get_by_label("Expires").press_sequentially("1240")
    expect(page.get_by_label("Expires")).to_have_value("12/40")
    page.get_by_label("Security code").fill("123")
    page.get_by_role("button", name="Pay ₹900").click()
    page.wait_for_url(f"**{booking}*")
    expect(page.get_by_role("main")).to_contain_text("Confirmed")
    expect(page.get_by_role("link", name="Show ticket")).to_have_count(2)

    page.get_by_role("link", name="Show ticket").first.click()
    expect(page.get_by_text("Asha Rao").filter(visible=True)).to_have_count(1)
    code = page.get_by_role("img", name="QR code")
    box = code.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 300, "too small to be scanned from a hand"
    ticket_id = visitor.path.rsplit("/", 1)[1]
    token = visitor.context.request.get(f"{visitor.site}/api/tickets/{ticket_id}/qr").json()["token"]
    assert read_code(code.screenshot()) == token

    page.get_by_role("link", name=re.compile(r"^[2-9A-Z]{8}$")).click()
    page.get_by_role("button", name="What would I get back?").click()
    expect(page.get_by_text("₹810")).to_be_visible()
    page.get_by_role("button", name="Cancel these seats").click()
    expect(page.get_by_text("The seats are given back.")).to_be_visible()
    expect(page.get_by_role("link", name="Show ticket")).to_have_count(0)
