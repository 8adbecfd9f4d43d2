"""Every page, wide and narrow: what each keeps to, and a picture of it for people to look at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import NARROW, WIDE
from tests.browser.page_rules import faults, keyboard_faults
from tests.contract.world import confirmed, hold, in_hours

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.browser.conftest import OpenWindow
    from tests.contract.client import Client
    from tests.contract.world import Company, World
    from tests.stack import RunningStack

SCREENSHOTS = Path(__file__).parents[2] / "artefacts" / "screenshots"


@dataclass(frozen=True)
class Scene:
    """People and things that pages are about."""

    passenger: Client
    operator: Client
    inspector: Client
    admin: Client
    paths: Mapping[str, str]


@pytest.fixture(scope="session")
def scene(world: World, company: Company, inspector: Client) -> Scene:
    passenger = world.passenger()
    trip = company.trip(seats=40)
    held = hold(passenger, trip, "A1", "A2")
    paid = confirmed(passenger, trip, "A3")
    soon = company.trip(departs_at=in_hours(2))
    payment = passenger.post("/api/payments", {"booking_id": held["id"]}).ok(201)
    start, end = trip["stops"][0]["stop_id"], trip["stops"][-1]["stop_id"]
    passenger.post("/api/users/me/travellers", {"name": "Meera Rao", "age": 61, "gender": "female"}).ok(201)
    company.bus(company.layout()["id"])
    company.driver()
    return Scene(
        passenger,
        company.operator,
        inspector,
        world.admin,
        {
            "search": f"/search?from={start}&to={end}&date={trip['service_date']}&passengers=2",
            "trip": f"/trips/{trip['id']}?from=0&to=3&passengers=2",
            "booking-held": f"/bookings/{held['id']}",
            "booking-confirmed": f"/bookings/{paid['id']}",
            "ticket": f"/tickets/{paid['tickets'][0]['id']}",
            "checkout": f"/checkout/{payment['id']}",
            "scan": f"/scan?trip_id={soon['id']}",
            "operator-trip": f"/operator/trips/{trip['id']}",
        },
    )


def passenger(scene: Scene) -> Client:
    return scene.passenger


def operator(scene: Scene) -> Client:
    return scene.operator


def inspector_of(scene: Scene) -> Client:
    return scene.inspector


def admin(scene: Scene) -> Client:
    return scene.admin


# The page, who looks at it, and its address where that does not depend on the scene.
PAGES: list[tuple[str, Callable[[Scene], Client] | None, str]] = [
    ("home", None, "/"),
    ("home-signed-in", passenger, "/"),
    ("search", None, ""),
    ("search-nothing-asked", None, "/search"),
    ("trip", passenger, ""),
    ("trip-visitor", None, "trip"),
    ("bookings", passenger, "/bookings"),
    ("bookings-past", passenger, "/bookings?when=past"),
    ("booking-held", passenger, ""),
    ("booking-confirmed", passenger, ""),
    ("ticket", passenger, ""),
    ("checkout", passenger, ""),
    ("login", None, "/login"),
    ("register", None, "/register"),
    ("password-reset", None, "/password-reset"),
    ("password-reset-confirm", None, "/password-reset/confirm?token=unknown"),
    ("account", passenger, "/account"),
    ("profile", passenger, "/profile"),
    ("dashboard", passenger, "/dashboard"),
    ("scan", inspector_of, ""),
    ("scan-choose", inspector_of, "/scan"),
    ("operator", operator, "/operator"),
    ("operator-fleet", operator, "/operator/fleet"),
    ("operator-drivers", operator, "/operator/drivers"),
    ("operator-network", operator, "/operator/network"),
    ("operator-schedule", operator, "/operator/schedule"),
    ("operator-trip", operator, ""),
    ("operator-sales", operator, "/operator/sales"),
    ("admin", admin, "/admin"),
    ("not-found", None, "/nowhere"),
]


@pytest.mark.parametrize(("name", "who", "path"), PAGES, ids=[name for name, _, _ in PAGES])
def test_a_page_is_named_labelled_legible_and_fits_its_window(
    open_window: OpenWindow,
    site: RunningStack,
    scene: Scene,
    name: str,
    who: Callable[[Scene], Client] | None,
    path: str,
) -> None:
    address = path if path.startswith("/") else scene.paths[path or name]
    visitor = open_window(who(scene) if who else None)
    if name == "not-found":
        visitor.expects("GET /nowhere: 404")
    page = visitor.go(address)
    wrong = {}
    for width in (WIDE, NARROW):
        page.set_viewport_size({"width": width, "height": 844})
        wrong[f"{width} wide"] = faults(page)
        page.screenshot(path=SCREENSHOTS / site.folders.state.name / f"{name}-{width}.png", full_page=True)
    wrong["by keyboard"] = keyboard_faults(page)
    page.emulate_media(color_scheme="dark")
    wrong["dark"] = [each for each in faults(page) if each not in wrong[f"{NARROW} wide"]]
    assert not any(wrong.values()), "\n".join(
        f"{where}: {each}" for where, found in wrong.items() for each in found
    )
