"""What the checkout tells a person whose card does not simply work."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.contract.world import hold

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import OpenWindow
    from tests.browser.visitor import Visitor
    from tests.contract.client import Client
    from tests.contract.world import Company

GOOD, DECLINED, CHALLENGED, SLOW = (
    "4242424242424242",
    "4000000000000002",
    "4000000000003220",
    "4000000000000077",
)


def at_checkout(open_window: OpenWindow, company: Company, passenger: Client) -> Visitor:
    booking = hold(passenger, company.trip())
    visitor = open_window(passenger)
    visitor.go(f"/bookings/{booking['id']}").get_by_role("button", name="Pay").click()
    return visitor


def pay_with(page: Page, number: str) -> None:
    page.get_by_label("Card number").fill(number)
    page.get_by_label("Expires").fill("12/40")
    page.get_by_label("Security code").fill("123")
    page.get_by_role("button", name="Pay").click()


def test_a_declined_card_is_explained_and_another_one_works(
    open_window: OpenWindow, company: Company, passenger: Client
) -> None:
    page = at_checkout(open_window, company, passenger).page
    pay_with(page, DECLINED)
    expect(page.get_by_role("alert")).to_contain_text("Nothing was charged")
    page.get_by_role("button", name="Try again").click()
    pay_with(page, GOOD)
    expect(page.get_by_role("link", name="Show ticket")).to_be_visible()


def test_a_mistyped_card_brings_the_form_again_with_the_fault_beside_the_field(
    open_window: OpenWindow, company: Company, passenger: Client
) -> None:
    visitor = at_checkout(open_window, company, passenger)
    visitor.expects("POST /checkout/.*: 422")
    page = visitor.page
    pay_with(page, "4242424242424241")
    field = page.get_by_label("Card number")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(field).to_have_accessible_description(re.compile(r"\w+"))


def test_a_bank_that_wants_a_code_gets_it_on_a_page_of_its_own(
    open_window: OpenWindow, company: Company, passenger: Client
) -> None:
    page = at_checkout(open_window, company, passenger).page
    pay_with(page, CHALLENGED)
    expect(page.get_by_role("heading", level=1)).to_have_text("Confirm the payment")
    expect(page.get_by_label("Code")).to_be_focused()
    page.keyboard.type("123456")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Show ticket")).to_be_visible()


def test_a_wrong_code_fails_the_payment_and_says_so(
    open_window: OpenWindow, company: Company, passenger: Client
) -> None:
    page = at_checkout(open_window, company, passenger).page
    pay_with(page, CHALLENGED)
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was charged")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()


def test_a_slow_bank_is_waited_for_and_the_page_goes_on_by_itself(
    open_window: OpenWindow, company: Company, passenger: Client
) -> None:
    page = at_checkout(open_window, company, passenger).page
    pay_with(page, SLOW)
    expect(page.get_by_role("status")).to_contain_text("goes on by itself")
    expect(page.get_by_role("link", name="Show ticket")).to_be_visible()
