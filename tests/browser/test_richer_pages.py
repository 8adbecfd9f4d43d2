"""What the services' pages have and the monolith's plainer ones never promised."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NARROW
from tests.browser.qr_reading import read_code
from tests.browser.test_scanner import OFFLINE, verdict
from tests.browser.test_seats import seat
from tests.contract.world import confirmed, hold, in_hours, qr_token

if TYPE_CHECKING:
    from tests.browser.conftest import OpenWindow
    from tests.contract.client import Client
    from tests.contract.world import Company, World

# Everything that both sides owe is tested on both, in the other files.
pytestmark = pytest.mark.parametrize("site", ["service"], indirect=True)


def test_the_scanner_is_loaded_again_without_a_network_and_goes_on(
    open_window: OpenWindow, company: Company, passenger: Client, inspector: Client
) -> None:
    trip = company.trip(departs_at=in_hours(2))
    token = qr_token(passenger, confirmed(passenger, trip, "A4")["tickets"][0])
    visitor = open_window(inspector, width=NARROW)
    visitor.expects(rf"/api/(trips/.*/offline-list|check-ins(/batch)?): {OFFLINE}")
    page = visitor.go(f"/scan?trip_id={trip['id']}")
    page.wait_for_function("id => localStorage.getItem(`banyan.list.${id}`)", arg=trip["id"])
    visitor.wait_until_kept()

    visitor.context.set_offline(True)
    page.reload()
    expect(page.get_by_text("There is no network.")).to_be_visible()
    expect(page.get_by_label("Code of the ticket")).to_be_focused()
    page.keyboard.type(token)
    page.keyboard.press("Enter")
    expect(verdict(page)).to_contain_text(re.compile(r"Checked in.*A4", re.DOTALL))
    visitor.check_fit()
    page.reload()  # what was scanned is kept, too
    expect(page.get_by_text("Scans kept on this device: 1")).to_be_visible()

    visitor.context.set_offline(False)
    expect(page.get_by_text("Scans brought in: 1")).to_be_visible()
    recorded = inspector.get(f"/api/trips/{trip['id']}/check-ins").ok()["items"]
    assert [(scan["seat"], scan["offline"]) for scan in recorded] == [("A4", True)]


def test_arrow_keys_lead_from_seat_to_seat_and_past_those_that_are_taken(
    open_window: OpenWindow, world: World, company: Company, passenger: Client
) -> None:
    trip = company.trip()  # four in a row: A1 A2, the aisle, A3 A4
    hold(world.passenger("Somebody Else"), trip, "A3", "A6")
    visitor = open_window(passenger)
    page = visitor.go(f"/trips/{trip['id']}?from=0&to=3&passengers=1")
    seat(page, "A1").focus()
    for key, name in (
        ("ArrowRight", "A2"),
        ("ArrowRight", "A4"),  # across the aisle, past A3
        ("ArrowDown", "A8"),
        ("ArrowLeft", "A7"),
        ("ArrowLeft", "A5"),  # past A6
        ("ArrowUp", "A1"),
        ("ArrowUp", "A1"),  # there is none further on
    ):
        page.keyboard.press(key)
        expect(seat(page, name)).to_be_focused()
        visitor.check_focus()
    page.keyboard.press("Space")
    expect(seat(page, "A1")).to_be_checked()
    expect(page.get_by_role("status")).to_contain_text("A1")


def test_a_person_one_travels_with_is_filled_in_by_one_press(
    open_window: OpenWindow, company: Company, passenger: Client
) -> None:
    body = {"name": "Meera Rao", "age": 61, "gender": "female"}
    passenger.post("/api/users/me/travellers", body).ok(201)
    page = open_window(passenger).go(f"/trips/{company.trip()['id']}?from=0&to=3&passengers=1")
    page.get_by_role("button", name="Meera Rao").click()
    expect(page.get_by_label("Name")).to_have_value("Meera Rao")
    expect(page.get_by_role("spinbutton", name="Age")).to_have_value("61")
    expect(page.get_by_label("Gender")).to_have_value("female")


def test_a_ticket_fills_the_screen_and_leads_to_the_others_of_its_booking(
    open_window: OpenWindow, company: Company, passenger: Client
) -> None:
    first, second = confirmed(passenger, company.trip(), "A1", "A2")["tickets"]
    visitor = open_window(passenger, width=NARROW)
    page = visitor.go(f"/tickets/{first['id']}")
    page.get_by_role("navigation", name="Tickets of this booking").get_by_role("link", name="A2").click()
    expect(page.get_by_text("Rider A2").filter(visible=True)).to_have_count(1)
    assert visitor.path == f"/tickets/{second['id']}"

    page.get_by_role("button", name="Fill the screen").click()
    large = page.get_by_role("dialog", name="Ticket for seat A2")
    code = large.get_by_role("img", name="QR code")
    expect(code).to_be_in_viewport(ratio=1)
    page.wait_for_function("() => document.querySelector('dialog img').complete")
    assert read_code(code.screenshot()) == qr_token(passenger, second)
    page.keyboard.press("Escape")
    expect(large).to_be_hidden()
    expect(page.get_by_role("button", name="Fill the screen")).to_be_focused()


def test_plots_have_names_and_their_numbers_are_in_a_table(
    open_window: OpenWindow, world: World, passenger: Client
) -> None:
    company = world.company()
    trip = company.trip(leg_fare=150)
    confirmed(passenger, trip)
    for person, path, name, number in (
        (company.operator, "/operator/sales", "Revenue day by day", "₹450"),
        (world.admin, "/admin", "Tickets sold day by day", None),
    ):
        page = open_window(person).go(path)
        plot = page.get_by_role("img", name=name)
        expect(plot).to_be_visible()
        expect(plot).to_have_accessible_name(re.compile(r"the table below has the same numbers"))
        box = plot.bounding_box()
        assert box is not None
        assert box["width"] > 300, "too small to be read"
        page.get_by_text("The same as a table").click()
        table = page.get_by_role("table").filter(visible=True).first
        expect(table).to_be_visible()
        if number:
            expect(table).to_contain_text(number)


def test_an_operators_departure_shows_who_sits_where_and_who_is_aboard(
    open_window: OpenWindow, company: Company, passenger: Client, inspector: Client
) -> None:
    trip = company.trip(departs_at=in_hours(2))
    tickets = confirmed(passenger, trip, "A1", "A2")["tickets"]
    body = {"token": qr_token(passenger, tickets[0]), "trip_id": trip["id"], "nonce": "a" * 24}
    inspector.post("/api/check-ins", body).ok(201)
    page = open_window(company.operator).go(f"/operator/trips/{trip['id']}")
    expect(page.get_by_role("img", name="2 of 12 seats sold")).to_be_visible()
    rows = page.get_by_role("region", name="Passengers").get_by_role("row")
    expect(rows).to_have_count(3)  # with the head
    expect(rows.filter(has_text="Rider A1")).to_contain_text(re.compile(r"\d:\d\d"))
    expect(rows.filter(has_text="Rider A2")).not_to_contain_text(re.compile(r"\d:\d\d"))


def test_a_seat_layout_is_drawn_while_it_is_thought_up(open_window: OpenWindow, world: World) -> None:
    page = open_window(world.company().operator).go("/operator/fleet")
    form = page.get_by_role("region", name="Make a layout")
    expect(form).to_contain_text("40 seats")
    form.get_by_label("Rows").first.fill("5")
    expect(form).to_contain_text("20 seats")
    form.get_by_label("Name").fill("Small bus")
    form.get_by_role("button", name="Make the layout").click()
    expect(page.get_by_role("heading", name="Small bus")).to_be_visible()
    expect(page.get_by_role("img", name="20 seats").first).to_be_visible()
