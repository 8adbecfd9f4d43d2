"""A company's day: a bus, a departure, a delay, a cancellation."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.contract.world import confirmed

if TYPE_CHECKING:
    from tests.browser.conftest import OpenWindow
    from tests.contract.client import Client
    from tests.contract.world import World


def test_an_operator_puts_a_bus_on_the_road_and_takes_it_off_again(
    open_window: OpenWindow, world: World, passenger: Client
) -> None:
    company = world.company()
    route = company.route()
    layout = company.layout()
    plate = world.plate()
    visitor = open_window(company.operator)
    page = visitor.go("/operator")

    page.get_by_role("link", name="Fleet").click()
    page.get_by_label("Plate").fill(plate)
    page.locator("#add-bus").get_by_label("Layout").select_option(layout["id"])
    page.get_by_role("button", name="Add the bus").click()
    expect(page.get_by_role("rowheader", name=plate)).to_be_visible()

    page.get_by_role("link", name="Schedule").click()
    day = date.today() + timedelta(days=3)  # ruff: ignore[call-date-today] — any day soon
    one = page.locator("details", has=page.locator("summary", has_text="One departure"))
    one.get_by_label("Route").select_option(route["id"])
    one.get_by_label("Day").fill(str(day))
    one.get_by_label("Time at the first stop").fill("21:30")
    one.get_by_label("Bus", exact=True).select_option(label=plate)
    one.get_by_role("button", name="Put it on sale").click()
    expect(page.get_by_role("status")).to_be_visible()
    expect(page.get_by_role("cell", name=route["name"])).to_be_visible()
    page.get_by_role("link", name="9:30").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(route["name"])
    trip_id = visitor.path.rsplit("/", 1)[1]
    booking = confirmed(passenger, {"id": trip_id, "stops": route["stops"]}, "A1")

    page.get_by_label("Minutes late").fill("25")
    page.get_by_role("region", name="Delay").get_by_role("button", name="Save").click()
    expect(page.get_by_text(re.compile(r"25 mins? late"))).to_be_visible()

    page.get_by_text("Cancel this departure", exact=True).click()
    expect(page.get_by_text("1 passenger gets the whole price back")).to_be_visible()
    page.get_by_label("Reason").fill("The road is flooded.")
    cancel = page.get_by_role("button", name="Cancel the departure")
    cancel.click()  # without the tick nothing is sent
    expect(page.get_by_label("Yes, cancel this departure")).to_be_focused()
    page.get_by_label("Yes, cancel this departure").check()
    asked: list[str] = []
    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    cancel.click()
    assert asked == ["Cancel this departure for good?"]
    page.once("dialog", lambda dialog: dialog.accept())
    cancel.click()
    expect(page.get_by_text("The road is flooded.")).to_be_visible()
    expect(page.get_by_role("button", name="Cancel the departure")).to_have_count(0)

    told = open_window(passenger).go(f"/bookings/{booking['id']}")
    expect(told.get_by_role("alert")).to_contain_text("has cancelled this departure")
    expect(told.get_by_role("alert")).to_contain_text("The road is flooded.")


def test_a_refused_form_says_what_is_wrong_and_takes_the_reader_there(
    open_window: OpenWindow, world: World
) -> None:
    company = world.company()
    bus = company.bus(company.layout()["id"])
    visitor = open_window(company.operator)
    visitor.expects("POST /operator/fleet: 4(22|09)")
    page = visitor.go("/operator/fleet")
    page.get_by_label("Plate").fill(bus["plate"])
    page.get_by_role("button", name="Add the bus").click()
    alert = page.get_by_role("alert")
    expect(alert).to_be_visible()
    expect(alert).to_be_focused()
    expect(page.get_by_label("Plate")).to_have_value(bus["plate"])
