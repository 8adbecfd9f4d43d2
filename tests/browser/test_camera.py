"""The scanner with a camera: one that films tickets, one that may not be used, and none."""

from __future__ import annotations

import re
from random import Random
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests import chromium
from tests.browser.code_pictures import ALPHANUMERIC, FRAME, Code, Scene
from tests.browser.conftest import FLAGS, HEIGHT, NARROW, WIDE, found
from tests.browser.test_scanner import OFFLINE, verdict
from tests.browser.visitor import PATIENCE_MS, Visitor
from tests.contract.world import confirmed, in_hours, qr_token

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from playwright.sync_api import Browser, Locator, Page

    from tests.contract.client import Client
    from tests.contract.world import Company
    from tests.stack import RunningStack

# The monolith's plainer page has a camera only where the browser itself reads codes, as Debian's does not.
pytestmark = pytest.mark.parametrize("site", ["service"], indirect=True)


READS_OTHER_CODES, FAILS = (
    f"window.BarcodeDetector = class {{"
    f"static async getSupportedFormats() {{ return {formats}; }}"
    "async detect() { throw new Error('no service'); }"
    "};"
    for formats in ('["ean_13"]', '["ean_13", "qr_code"]')
)

HAS_A_LIGHT: Final = """
const { getCapabilities } = MediaStreamTrack.prototype;
Object.assign(MediaStreamTrack.prototype, {
  getCapabilities() { return { ...getCapabilities.call(this), torch: true }; },
  async applyConstraints(wanted) { window.lit = wanted.advanced[0].torch; },
});
"""

IN_USE: Final = "label => document.querySelector('video').srcObject?.getVideoTracks()[0]?.label === label"


class Film(Protocol):
    """A window of a browser whose camera shows the pictures, a second each, and then from the start.

    Without pictures there are two cameras that show nothing of worth; None means no camera at all. The script
    runs before the page's own. The browser is a whole one, which asks for the camera as a person's does.
    """

    def __call__(
        self,
        pictures: Sequence[Image.Image] | None,
        person: Client,
        *,
        width: int = NARROW,
        allowed: bool = True,
        script: str = "",
    ) -> Visitor: ...


@pytest.fixture
def film(browser: Browser, site: RunningStack, tmp_path: Path) -> Iterator[Film]:
    opened: list[tuple[Browser, Visitor]] = []

    def film(
        pictures: Sequence[Image.Image] | None,
        person: Client,
        *,
        width: int = NARROW,
        allowed: bool = True,
        script: str = "",
    ) -> Visitor:
        flags = [] if pictures is None else _cameras(pictures, tmp_path / "camera.y4m")
        whole = found(chromium.find_whole())
        opened_here = browser.browser_type.launch(executable_path=whole, args=[*FLAGS, *flags])
        context = opened_here.new_context(
            viewport={"width": width, "height": HEIGHT},
            locale="en-GB",
            timezone_id="Asia/Kolkata",
            permissions=["camera"] if allowed else [],
        )
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(script)
        visitor = Visitor(context.new_page(), str(site.facts["public_url"]))
        opened.append((opened_here, visitor))
        return visitor.sign_in(person)

    yield film
    complaints = [each for _, visitor in opened for each in visitor.unexpected()]
    for opened_here, _ in opened:
        opened_here.close()
    assert not complaints, "\n".join(complaints)


def _cameras(pictures: Sequence[Image.Image], path: Path) -> list[str]:
    """What makes Chromium believe in them."""
    fake = "--use-fake-device-for-media-stream"
    if not pictures:
        return [f"{fake}=device-count=2"]
    path.write_bytes(_y4m(pictures))
    return [fake, f"--use-file-for-fake-video-capture={path}"]


def _y4m(pictures: Sequence[Image.Image]) -> bytes:
    """YUV4MPEG2 in grey: each frame its brightness, and no colour."""
    colour = bytes([128]) * (FRAME[0] * FRAME[1] // 2)
    frames = [b"FRAME\n" + picture.tobytes() + colour for picture in pictures]
    return b"YUV4MPEG2 W%d H%d F1:1 Ip A1:1 C420\n" % FRAME + b"".join(frames)


def _photograph(token: str, seed: int) -> Image.Image:
    """The ticket on a telephone, held up by hand under a lamp."""
    scene = Scene(tilt=0.12, uneven=True, noise=8)
    code = Code(6, "M", token, ALPHANUMERIC, seed % 8)
    return scene.fitting(code.version).photograph(Random(seed), code.draw())


def _said(page: Page) -> Locator:
    """Notices, the verdict not among them."""
    return page.get_by_role("status").and_(page.locator(":not([aria-live])"))


NOTHING: Final = Image.new("L", FRAME, 90)


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_tickets_before_the_camera_are_checked_in_one_after_the_other_and_each_once(
    film: Film, company: Company, passenger: Client, inspector: Client, width: int
) -> None:
    trip = company.trip(departs_at=in_hours(2))
    tickets = confirmed(passenger, trip, "A1", "A2")["tickets"]
    first, second = (_photograph(qr_token(passenger, ticket), seed) for seed, ticket in enumerate(tickets))
    # Hands shake, and the next in the queue is there too early: that makes no second scan of the first.
    scenes = [first] * 3 + [NOTHING] + [first] * 2 + [second, first] + [second] * 25
    visitor = film(scenes, inspector, width=width)
    page = visitor.go(f"/scan?trip_id={trip['id']}")
    page.get_by_role("button", name="Use the camera").click()
    expect(verdict(page)).to_contain_text(re.compile(r"Checked in.*A1", re.DOTALL))
    expect(page.get_by_label("What the camera sees")).to_be_visible()
    expect(verdict(page)).to_contain_text(re.compile(r"Checked in.*A2", re.DOTALL))
    visitor.check_fit()
    assert [urlsplit(worker.url).path for worker in page.workers] == ["/static/qr/qr_reader.js"]
    seats = page.get_by_role("list", name="Last scans").get_by_role("listitem")
    expect(seats).to_contain_text(["Seat A2", "Seat A1"])
    recorded = inspector.get(f"/api/trips/{trip['id']}/check-ins").ok()["items"]
    assert sorted(scan["seat"] for scan in recorded) == ["A1", "A2"]

    page.get_by_role("button", name="Stop the camera").click()
    expect(page.get_by_label("What the camera sees")).to_be_hidden()
    expect(page.get_by_label("Code of the ticket")).to_be_focused()


@pytest.mark.parametrize("detector", [READS_OTHER_CODES, FAILS], ids=["reads other codes", "fails"])
def test_a_browser_that_reads_no_qr_codes_after_all_is_helped_out(
    film: Film, company: Company, passenger: Client, inspector: Client, detector: str
) -> None:
    trip = company.trip(departs_at=in_hours(2))
    [ticket] = confirmed(passenger, trip, "A5")["tickets"]
    visitor = film([_photograph(qr_token(passenger, ticket), 5)], inspector, script=detector)
    page = visitor.go(f"/scan?trip_id={trip['id']}")
    page.get_by_role("button", name="Use the camera").click()
    expect(verdict(page)).to_contain_text(re.compile(r"Checked in.*A5", re.DOTALL))


def test_one_of_several_cameras_is_chosen_and_stays_chosen(
    film: Film, company: Company, inspector: Client
) -> None:
    visitor = film([], inspector, width=WIDE)
    page = visitor.go(f"/scan?trip_id={company.trip(departs_at=in_hours(2))['id']}")
    page.get_by_role("button", name="Use the camera").click()
    choice = page.get_by_role("combobox", name="Camera")
    expect(choice.locator("option")).to_have_text(["fake_device_0", "fake_device_1"])
    choice.select_option("fake_device_1")
    page.wait_for_function(IN_USE, arg="fake_device_1")
    page.reload()
    page.get_by_role("button", name="Use the camera").click()
    page.wait_for_function(IN_USE, arg="fake_device_1")
    expect(choice.locator("option:checked")).to_have_text("fake_device_1")


def test_a_camera_with_a_light_has_a_button_for_it(film: Film, company: Company, inspector: Client) -> None:
    visitor = film([], inspector, script=HAS_A_LIGHT)
    page = visitor.go(f"/scan?trip_id={company.trip(departs_at=in_hours(2))['id']}")
    expect(page.get_by_role("button", name="Light")).to_be_hidden()
    page.get_by_role("button", name="Use the camera").click()
    light = page.get_by_role("button", name="Light")
    for lit in (True, False):
        light.click()
        expect(light).to_have_attribute("aria-pressed", str(lit).lower())
        assert page.evaluate("lit") is lit
    page.get_by_role("button", name="Stop the camera").click()
    expect(light).to_be_hidden()


def test_a_camera_that_may_not_be_used_is_said_to_be_so(
    film: Film, company: Company, inspector: Client
) -> None:
    page = film([NOTHING], inspector, allowed=False).go(
        f"/scan?trip_id={company.trip(departs_at=in_hours(2))['id']}"
    )
    page.get_by_role("button", name="Use the camera").click()
    expect(_said(page)).to_contain_text("This page may not use the camera.")
    expect(page.get_by_role("button", name="Use the camera")).to_be_focused()


def test_a_device_without_a_camera_is_said_to_have_none(
    film: Film, company: Company, inspector: Client
) -> None:
    page = film(None, inspector).go(f"/scan?trip_id={company.trip(departs_at=in_hours(2))['id']}")
    page.get_by_role("button", name="Use the camera").click()
    expect(_said(page)).to_contain_text("This device has no camera.")
    expect(page.get_by_label("What the camera sees")).to_be_hidden()


def test_the_camera_reads_tickets_without_a_network_too(
    film: Film, company: Company, passenger: Client, inspector: Client
) -> None:
    trip = company.trip(departs_at=in_hours(2))
    [ticket] = confirmed(passenger, trip, "A3")["tickets"]
    visitor = film([_photograph(qr_token(passenger, ticket), 3)], inspector)
    visitor.expects(rf"/api/(trips/.*/offline-list|check-ins(/batch)?): {OFFLINE}")
    page = visitor.go(f"/scan?trip_id={trip['id']}")
    page.wait_for_function("id => localStorage.getItem(`banyan.list.${id}`)", arg=trip["id"])
    visitor.wait_until_kept(str(page.locator("#scan").get_attribute("data-reader")))
    visitor.context.set_offline(True)
    page.reload()
    page.get_by_role("button", name="Use the camera").click()
    expect(verdict(page)).to_contain_text(re.compile(r"Checked in.*A3.*Without a network", re.DOTALL))
    expect(page.get_by_text("Scans kept on this device: 1")).to_be_visible()
