"""A person at a browser window of the site, and all that the window complained of meanwhile."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request, Response

    from tests.contract.client import Client

# A page that is left while a request of its own is under way, and a link that turns out to be a download.
LEFT_EARLY = "net::ERR_ABORTED"
MOST_TABS = 200

FOCUS = """
() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const style = getComputedStyle(at), box = at.getBoundingClientRect();
  const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  return {
    what: at.outerHTML.slice(0, 160),
    // A date has parts with a focus of their own, which Chromium marks.
    drawn: outlined || ["date", "time"].includes(at.type) || style.boxShadow !== "none",
    inside: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
  };
}
"""

# To be evaluated and not waited for as a function, whose promise counts as true before it is kept.
MISSING = """
async ([addresses, patience]) => {
  const end = performance.now() + patience;
  for (;;) {
    const missing = [];
    for (const each of addresses) if (!(await caches.match(each, { ignoreVary: true }))) missing.push(each);
    if (!navigator.serviceWorker.controller) missing.push("a service worker");
    if (!missing.length || performance.now() > end) return missing;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
"""
PATIENCE_MS = 20_000


@dataclass
class Visitor:
    """One window with cookies of its own."""

    page: Page
    site: str
    complaints: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        self.page.on("requestfailed", self._miss)
        self.page.on("response", self._look)

    @property
    def context(self) -> BrowserContext:
        return self.page.context

    @property
    def path(self) -> str:
        return urlsplit(self.page.url).path

    def go(self, path: str) -> Page:
        self.page.goto(self.site + path)
        return self.page

    def sign_in(self, person: Client) -> Visitor:
        """Cookies as the login page would set them, without its typing."""
        answer = self.context.request.post(
            f"{self.site}/api/auth/login",
            data={"email": person.email, "password": person.password, "cookie": True},
        )
        assert answer.ok, f"{person.email} cannot log in: {answer.status} {answer.text()}"
        return self

    def expects(self, *patterns: str) -> None:
        """Complaints that belong to what the test does, as regular expressions; each has to come."""
        self.expected += patterns

    def unexpected(self) -> list[str]:
        """What nobody asked for: other complaints, and expected ones that did not come."""
        surplus = [each for each in self.complaints if not any(re.search(one, each) for one in self.expected)]
        missing = [
            f"expected, but did not come: {one}"
            for one in self.expected
            if not any(re.search(one, each) for each in self.complaints)
        ]
        return surplus + missing

    def tab_to(self, target: Locator, key: str = "Tab") -> None:
        """Go there by keyboard as anybody would, who must see at each step where they are."""
        self.page.bring_to_front()
        for _ in range(MOST_TABS):
            self.page.keyboard.press(key)
            self.check_focus()
            if target.evaluate("each => each === document.activeElement"):
                return
        raise AssertionError(f"{key} does not lead to {target}")

    def check_focus(self) -> None:
        """What has the focus is marked and in sight."""
        at: dict[str, Any] | None = self.page.evaluate(FOCUS)
        if at is not None:
            assert at["drawn"], f"nothing shows that this has the focus: {at['what']}"
            assert at["inside"], f"this has the focus, out of sight: {at['what']}"

    def type_into(self, label: str, text: str) -> None:
        """Fill a field in by keyboard."""
        self.tab_to(self.page.get_by_label(label, exact=True))
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.type(text)

    def press(self, target: Locator, key: str = "Enter") -> None:
        """Go there by keyboard, and press a key."""
        self.tab_to(target)
        self.page.keyboard.press(key)

    def follow(self, target: Locator, key: str = "Enter") -> None:
        """Go there by keyboard, and on to the page that it leads to."""
        self.tab_to(target)
        self.send(key)

    def send(self, key: str = "Enter") -> None:
        """Press a key that leads to another page, and wait for that."""
        with self.page.expect_event("load"):
            self.page.keyboard.press(key)

    def check_fit(self) -> None:
        """Nobody has to scroll sideways."""
        width, room = self.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert width <= room, f"{self.path} is {width} pixels wide in a window of {room}"

    def wait_until_kept(self, *addresses: str) -> None:
        """The page and the addresses are at hand without a network, and so is who hands them out."""
        wanted = [self.page.url, *(urljoin(self.page.url, each) for each in addresses)]
        missing = self.page.evaluate(MISSING, [wanted, PATIENCE_MS])
        assert not missing, f"not kept for a time without a network: {missing}"

    def _hear(self, message: ConsoleMessage) -> None:
        # What could not be loaded is told by its response, with the address.
        if message.type in {"error", "warning"} and not message.text.startswith("Failed to load resource"):
            self.complaints.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _miss(self, request: Request) -> None:
        if request.failure != LEFT_EARLY:
            self.complaints.append(f"{request.method} {urlsplit(request.url).path}: {request.failure}")

    def _look(self, response: Response) -> None:
        if response.status >= 400:
            path = urlsplit(response.url).path
            self.complaints.append(f"{response.request.method} {path}: {response.status}")
