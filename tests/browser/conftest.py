"""Chromium in front of each side in turn: one browser per worker, a window of their own per person."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests import chromium
from tests.browser.visitor import PATIENCE_MS, Visitor
from tests.contract.world import Company, World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.client import Client
    from tests.stack import RunningStack

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WIDE, NARROW = 1280, 390
HEIGHT = 844

expect.set_options(timeout=PATIENCE_MS)


class OpenWindow(Protocol):
    """Opens a window, for nobody or for a person who is signed in already."""

    def __call__(
        self, person: Client | None = None, *, width: int = WIDE, javascript: bool = True
    ) -> Visitor: ...


def found(path: str | None) -> str:
    """The path, or an end of the test that needs it."""
    if path is None:
        reason = "there is no such Chromium on this machine: python -m tests.chromium"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return path


# Ends with this folder: as long as it is there, playwright's event loop passes for the thread's running one,
# and no asynchronous test could start its own.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = found(chromium.find())
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield opened
        opened.close()


@pytest.fixture
def open_window(browser: Browser, site: RunningStack) -> Iterator[OpenWindow]:
    """Windows that are closed after the test, none of which may have complained."""
    address = str(site.facts["public_url"])
    visitors: list[Visitor] = []

    def open_window(person: Client | None = None, *, width: int = WIDE, javascript: bool = True) -> Visitor:
        context = browser.new_context(
            viewport={"width": width, "height": HEIGHT},
            java_script_enabled=javascript,
            locale="en-GB",
            timezone_id="Asia/Kolkata",
            reduced_motion="reduce",
        )
        context.set_default_timeout(PATIENCE_MS)
        visitor = Visitor(context.new_page(), address)
        visitors.append(visitor)
        return visitor.sign_in(person) if person else visitor

    yield open_window
    complaints = [each for visitor in visitors for each in visitor.unexpected()]
    for visitor in visitors:
        visitor.context.close()
    assert not complaints, "\n".join(complaints)


@pytest.fixture(scope="session")
def world(site: RunningStack) -> World:
    return World(site.gateway_url, site.admin_email, site.admin_password)


@pytest.fixture(scope="session")
def company(world: World) -> Company:
    """A company that tests share; each makes its own departures."""
    return world.company()


@pytest.fixture(scope="session")
def inspector(world: World, company: Company) -> Client:
    return world.staff(company.operator, company.id, "inspector")


@pytest.fixture
def passenger(world: World) -> Client:
    return world.passenger()
