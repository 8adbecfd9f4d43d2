"""What becomes of seats that nobody pays for, while one looks on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import asyncpg
from playwright.sync_api import expect

from tests.contract.world import hold
from tests.databases import wait_for

if TYPE_CHECKING:
    from tests.browser.conftest import OpenWindow
    from tests.contract.client import Client
    from tests.contract.world import Company
    from tests.stack import RunningStack

LEFT_S = 6


def test_a_hold_counts_down_to_zero_and_the_page_says_by_itself_that_it_is_over(
    open_window: OpenWindow, site: RunningStack, company: Company, passenger: Client
) -> None:
    booking = hold(passenger, company.trip())
    visitor = open_window(passenger)
    visitor.go("/bookings")  # loads what it needs, so that the seconds below are the countdown's
    wait_for(_almost_over(site, booking))
    page = visitor.go(f"/bookings/{booking['id']}")
    expect(page.get_by_role("timer")).to_have_text(re.compile(r"^0:0\d"))
    expect(page.get_by_role("timer")).to_have_count(0)
    expect(page.get_by_role("main")).to_contain_text("Expired")
    expect(page.get_by_role("button", name="Pay")).to_have_count(0)


async def _almost_over(site: RunningStack, booking: dict[str, Any]) -> None:
    """Let the hold be an old one: only time can do that over the API."""
    side = "legacy" if "legacy" in site.processes else "ticketing"
    connection = await asyncpg.connect(site.dsn(side))
    try:
        await connection.execute(
            "UPDATE bookings SET expires_at = now() + make_interval(secs => $2) WHERE id = $1",
            booking["id"],
            LEFT_S,
        )
    finally:
        await connection.close()
