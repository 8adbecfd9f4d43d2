"""The operator's pages of buses with their layouts, and of drivers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.database import POOL
from common.problems import NotFound
from common.web.forms import parse_form
from legacy import fleet
from legacy.pages import render, see_other
from legacy.pages.operator import attempt, company_of, form_id, frame, require_own, whichever
from legacy.queries import fleet as queries
from legacy.rules.layouts import grid
from legacy.schemas.fleet import (
    SEAT_CLASSES,
    SEATS_ABREAST,
    BusChanges,
    DriverChanges,
    NewArrangement,
    NewBus,
    NewDriver,
    arrangement_layout,
)

if TYPE_CHECKING:
    from aiohttp import web

    from legacy.pages.operator import Outcomes
    from legacy.queries.fleet import Row

MOST_SHOWN = 500
NEW_BUS = NewBus()
BUS_CHANGES = BusChanges()
ARRANGEMENT = NewArrangement()
NEW_DRIVER = NewDriver()
DRIVER_CHANGES = DriverChanges()


async def show_fleet(request: web.Request) -> web.Response:
    """Buses and layouts, with forms for new ones."""
    return await _fleet_page(request, await company_of(request))


async def post_fleet(request: web.Request) -> web.Response:
    """A new bus or layout, or a changed bus: whatever the form's `action` says."""
    company = await company_of(request)
    pool, company_id = request.app[POOL], company["id"]
    posted = await request.post()
    match posted.get("action"):
        case "add-bus":
            form = await parse_form(request, NEW_BUS)
            outcome = await attempt(form, lambda: fleet.create_bus(pool, company_id, form.data))
            done = "bus-added"
        case "add-layout":
            form = await parse_form(request, ARRANGEMENT)
            outcome = await attempt(
                form, lambda: fleet.create_layout(pool, company_id, arrangement_layout(form.data))
            )
            done = "layout-added"
        case "change-bus":
            bus = await fleet.find_bus(pool, form_id(posted.get("id")))
            require_own(bus, company)
            form = await parse_form(request, BUS_CHANGES)
            changes = {"name": None, **form.data}
            outcome = await attempt(
                form, lambda: fleet.change_bus(pool, bus["id"], changes, is_current=whichever)
            )
            done = "bus-changed"
        case _:
            raise NotFound
    if outcome.made is not None:
        return see_other("/operator/fleet", flash=done)
    return await _fleet_page(request, company, {str(posted["action"]): outcome}, status=422)


async def show_drivers(request: web.Request) -> web.Response:
    """Drivers, with a form for a new one."""
    return await _drivers_page(request, await company_of(request))


async def post_drivers(request: web.Request) -> web.Response:
    """A new driver, or a changed one."""
    company = await company_of(request)
    pool, company_id = request.app[POOL], company["id"]
    posted = await request.post()
    match posted.get("action"):
        case "add-driver":
            form = await parse_form(request, NEW_DRIVER)
            outcome = await attempt(form, lambda: fleet.create_driver(pool, company_id, form.data))
            done = "driver-added"
        case "change-driver":
            driver = await fleet.find_driver(pool, form_id(posted.get("id")))
            require_own(driver, company)
            form = await parse_form(request, DRIVER_CHANGES)
            changes = {"phone": None, **form.data}
            outcome = await attempt(
                form, lambda: fleet.change_driver(pool, driver["id"], changes, is_current=whichever)
            )
            done = "driver-changed"
        case _:
            raise NotFound
    if outcome.made is not None:
        return see_other("/operator/drivers", flash=done)
    return await _drivers_page(request, company, {str(posted["action"]): outcome}, status=422)


async def _fleet_page(
    request: web.Request, company: Row, outcomes: Outcomes | None = None, status: int = 200
) -> web.Response:
    pool = request.app[POOL]
    layouts = await queries.list_layouts(pool, company["id"], None, MOST_SHOWN)
    context = {
        "buses": await queries.list_buses(pool, company["id"], None, MOST_SHOWN),
        "layouts": layouts,
        "grids": {
            layout["id"]: [(deck["deck"], grid(deck, layout["seats"])) for deck in layout["decks"]]
            for layout in layouts
        },
        "layout_options": [(layout["id"], f"{layout['name']} ({layout['capacity']})") for layout in layouts],
        "abreast": SEATS_ABREAST,
        "classes": SEAT_CLASSES,
        "outcomes": outcomes or {},
    }
    return render(request, "operator_fleet.html", {**frame(request, company), **context}, status)


async def _drivers_page(
    request: web.Request, company: Row, outcomes: Outcomes | None = None, status: int = 200
) -> web.Response:
    context = {
        "drivers": await queries.list_drivers(request.app[POOL], company["id"], None, MOST_SHOWN),
        "outcomes": outcomes or {},
    }
    return render(request, "operator_drivers.html", {**frame(request, company), **context}, status)
