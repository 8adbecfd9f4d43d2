"""Choosing seats while others do the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.contract.world import hold

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.browser.conftest import OpenWindow
    from tests.contract.client import Client
    from tests.contract.world import Company, World


def seat(page: Page, name: str) -> Locator:
    return page.get_by_role("checkbox", name=re.compile(rf"^{name}\b"))


def test_a_seat_taken_meanwhile_is_named_and_the_other_choices_are_kept(
    open_window: OpenWindow, world: World, company: Company, passenger: Client
) -> None:
    trip = company.trip()
    visitor = open_window(passenger)
    visitor.expects(f"POST /trips/{trip['id']}/hold: 409")
    page = visitor.go(f"/trips/{trip['id']}?from=0&to=3&passengers=2")
    seat(page, "A5").check()
    seat(page, "A6").check()
    for number, name in ((1, "Asha Rao"), (2, "Ravi Rao")):
        page.get_by_role("group", name=f"Passenger {number}").get_by_label("Name").fill(name)
    hold(world.passenger("Somebody Else"), trip, "A5")

    page.get_by_role("button", name="Hold these seats").click()
    expect(page.get_by_role("alert")).to_contain_text("A5")
    expect(page.get_by_role("alert")).not_to_contain_text("A6")
    expect(seat(page, "A5")).to_be_disabled()
    expect(seat(page, "A6")).to_be_checked()
    expect(page.get_by_role("group", name="Passenger 2").get_by_label("Name")).to_have_value("Ravi Rao")

    seat(page, "A7").check()
    page.get_by_role("button", name="Hold these seats").click()
    expect(page.get_by_role("timer")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("A7")


def test_a_seat_that_goes_while_one_looks_is_crossed_out_and_said_so(
    open_window: OpenWindow, world: World, company: Company, passenger: Client
) -> None:
    trip = company.trip()
    visitor = open_window(passenger)
    page = visitor.page
    page.clock.install()
    visitor.go(f"/trips/{trip['id']}?from=0&to=3&passengers=2")
    seat(page, "A5").check()
    seat(page, "A6").check()
    hold(world.passenger("Somebody Else"), trip, "A5")
    page.clock.run_for(15_000)  # the page asks now and then
    expect(page.get_by_role("status")).to_contain_text("A5 has just been taken")
    expect(seat(page, "A5")).to_be_disabled()
    expect(seat(page, "A5")).to_have_accessible_name(re.compile(r"taken"))
    expect(seat(page, "A6")).to_be_checked()


def test_a_visitor_who_chose_a_stretch_comes_back_to_it_after_logging_in(
    open_window: OpenWindow, company: Company, passenger: Client
) -> None:
    trip = company.trip()
    page = open_window().go(f"/trips/{trip['id']}?from=1&to=2&passengers=2")
    page.get_by_role("link", name="Log in to book").click()
    page.get_by_label("E-mail address").fill(passenger.email)
    page.get_by_label("Password").fill(passenger.password)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_label("Board at")).to_have_value("1")
    expect(page.get_by_label("Get off at")).to_have_value("2")
    expect(page.get_by_role("button", name="Hold these seats")).to_be_visible()


def test_who_finds_too_few_seats_is_told_when_there_are_some(
    open_window: OpenWindow, world: World, company: Company, passenger: Client
) -> None:
    trip = company.trip(seats=2)
    hold(world.passenger("Somebody Else"), trip, "A1", "A2")
    page = open_window(passenger).go(f"/trips/{trip['id']}?from=0&to=3&passengers=1")
    page.get_by_role("button", name="Tell me").click()
    expect(page.get_by_text("You are told by mail")).to_be_visible()
    page.get_by_role("link", name="My bookings").click()
    page.get_by_role("button", name="Wait no longer").click()
    expect(page.get_by_text("You wait no longer.")).to_be_visible()
