"""The scanner at the door of the bus: by keyboard, as hand scanners type, and without a network."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from tests.browser.conftest import NARROW
from tests.contract.world import confirmed, in_hours, qr_token

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.browser.conftest import OpenWindow
    from tests.browser.visitor import Visitor
    from tests.contract.client import Client
    from tests.contract.world import Company

GREEN = "rgb(20, 98, 47)"
TIME_OF_DAY = re.compile(r"\d:\d\d\b")
OFFLINE = "net::ERR_INTERNET_DISCONNECTED"


def verdict(page: Page) -> Locator:
    return page.locator("[aria-live=assertive]")


def test_an_inspector_checks_in_by_keyboard_and_a_second_time_is_refused(
    open_window: OpenWindow, company: Company, passenger: Client, inspector: Client
) -> None:
    trip = company.trip(departs_at=in_hours(2))
    token = qr_token(passenger, confirmed(passenger, trip, "A7")["tickets"][0])
    visitor = open_window(width=NARROW)
    visitor.expects("POST /api/check-ins: 409")
    page = visitor.go("/scan")

    visitor.type_into("E-mail address", inspector.email)
    visitor.type_into("Password", inspector.password)
    visitor.send()
    choice = page.get_by_role("combobox", name="Departure")
    visitor.tab_to(choice)
    page.keyboard.press("Home")
    for _ in range(choice.locator("option").count()):
        if choice.input_value() == trip["id"]:
            break
        page.keyboard.press("ArrowDown")
    visitor.follow(page.get_by_role("button", name="Choose this departure"))

    field = page.get_by_label("Code of the ticket")
    expect(field).to_be_focused()
    visitor.check_fit()
    page.keyboard.insert_text(token)
    page.keyboard.press("Enter")
    expect(verdict(page)).to_contain_text("Checked in")
    expect(verdict(page)).to_contain_text("A7")
    expect(verdict(page)).to_contain_text("Rider A7")
    expect(verdict(page)).to_have_css("background-color", GREEN)
    expect(field).to_be_focused()
    expect(field).to_have_value("")

    page.keyboard.insert_text(token)
    page.keyboard.press("Enter")
    expect(verdict(page)).to_contain_text("Already used")
    expect(verdict(page)).to_contain_text("Somebody has boarded with this ticket before.")
    expect(verdict(page)).not_to_have_css("background-color", GREEN)
    expect(field).to_be_focused()
    visitor.check_fit()


def test_a_code_is_only_looked_at_and_what_is_no_ticket_is_refused(
    open_window: OpenWindow, company: Company, passenger: Client, inspector: Client
) -> None:
    trip = company.trip(departs_at=in_hours(2))
    token = qr_token(passenger, confirmed(passenger, trip)["tickets"][0])
    visitor = open_window(inspector)
    visitor.expects("POST /api/check-ins: 409")
    page = visitor.go(f"/scan?trip_id={trip['id']}")
    field = page.get_by_label("Code of the ticket")
    for _ in range(2):  # looking changes nothing
        field.fill(token)
        page.get_by_role("button", name="Only look").click()
        expect(verdict(page)).to_contain_text("Good")
        field.fill("HELLO")
        page.keyboard.press("Enter")
        expect(verdict(page)).to_contain_text("Not a ticket")


def gate(open_window: OpenWindow, inspector: Client, trip: dict[str, Any]) -> Visitor:
    """An inspector who has all that the departure needs without a network, and then has none."""
    visitor = open_window(inspector)
    visitor.expects(f"POST /api/check-ins: {OFFLINE}")
    with visitor.page.expect_response("**/offline-list") as fetched:
        visitor.go(f"/scan?trip_id={trip['id']}")
    fetched.value.finished()
    visitor.page.wait_for_function("id => localStorage.getItem(`banyan.list.${id}`)", arg=trip["id"])
    visitor.context.set_offline(True)
    return visitor


def check_in_without_a_network(page: Page, token: str, seat: str) -> None:
    page.get_by_label("Code of the ticket").fill(token)
    page.keyboard.press("Enter")
    expect(verdict(page)).to_contain_text(re.compile(f"Checked in.*{seat}.*Without a network", re.DOTALL))


def test_scans_without_a_network_are_judged_kept_and_brought_in_later(
    open_window: OpenWindow, company: Company, passenger: Client, inspector: Client
) -> None:
    trip = company.trip(departs_at=in_hours(2))
    tickets = confirmed(passenger, trip, "A1", "A2")["tickets"]
    first, second = (qr_token(passenger, ticket) for ticket in tickets)
    visitor = gate(open_window, inspector, trip)
    page = visitor.page

    check_in_without_a_network(page, first, "A1")
    check_in_without_a_network(page, second, "A2")
    expect(page.get_by_text("Scans kept on this device: 2")).to_be_visible()
    page.get_by_label("Code of the ticket").fill(first)
    page.keyboard.press("Enter")
    expect(verdict(page)).to_contain_text("Already used")
    expect(page.get_by_text("Scans kept on this device: 2")).to_be_visible()

    visitor.context.set_offline(False)
    expect(page.get_by_text("Scans brought in: 2")).to_be_visible()
    recorded = inspector.get(f"/api/trips/{trip['id']}/check-ins").ok()["items"]
    assert {scan["seat"] for scan in recorded} == {"A1", "A2"}
    assert all(scan["offline"] for scan in recorded)
    office = open_window(company.operator).go(f"/operator/trips/{trip['id']}")
    expect(office.get_by_role("main")).to_contain_text(re.compile(r"2\s*checked in"))
    aboard = office.get_by_role("listitem").or_(office.get_by_role("row")).filter(has_text="Rider A1")
    expect(aboard).to_contain_text(TIME_OF_DAY)


def test_a_scan_that_the_site_refuses_is_put_aside_and_holds_up_no_other(
    open_window: OpenWindow, company: Company, passenger: Client, inspector: Client
) -> None:
    trip = company.trip(departs_at=in_hours(2))
    tickets = confirmed(passenger, trip, "A1", "A2", "A3")["tickets"]
    first, second, third = (qr_token(passenger, ticket) for ticket in tickets)
    visitor = gate(open_window, inspector, trip)
    visitor.expects("POST /api/check-ins/batch: 422")
    page = visitor.page
    check_in_without_a_network(page, first, "A1")
    check_in_without_a_network(page, second, "A2")
    nonce = page.evaluate(
        "JSON.parse(localStorage.getItem(`banyan.scans.${document.getElementById('scan').dataset.user}`))[0].nonce"
    )
    scan = {"token": third, "trip_id": trip["id"], "nonce": nonce}
    inspector.post("/api/check-ins", scan).ok(201)  # so that it is another ticket's

    with page.expect_response("**/offline-list") as fetched:
        visitor.context.set_offline(False)
    fetched.value.finished()
    expect(page.get_by_text("Scans brought in: 1")).to_be_visible()
    expect(page.get_by_text("Scans refused and kept apart on this device: 1")).to_be_visible()
    recorded = inspector.get(f"/api/trips/{trip['id']}/check-ins").ok()["items"]
    assert {scan["seat"] for scan in recorded} == {"A2", "A3"}

    visitor.context.set_offline(True)
    page.get_by_label("Code of the ticket").fill(first)
    page.keyboard.press("Enter")
    expect(verdict(page)).to_contain_text("Already used")  # who boarded with it is on board
    visitor.context.set_offline(False)
    visitor.go(f"/scan?trip_id={trip['id']}")
    expect(page.get_by_text("Scans refused and kept apart on this device: 1")).to_be_visible()
    expect(page.get_by_text(re.compile(r"Scans kept on this device: \d"))).to_have_count(0)
