"""The operator's page of buses with their layouts."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from common.database import POOL
from common.problems import NotFound
from common.web.forms import parse_form
from common.web.layout import render, see_other
from services.company.pages.frame import attempt, company_of, form_id, frame, require_own
from services.company.pages.plans import plans_of
from services.company.repository import boards
from services.company.repository import fleet as repository
from services.company.schemas.fleet import (
    SEAT_CLASSES,
    SEATS_ABREAST,
    BusChanges,
    NewArrangement,
    NewBus,
    arrangement_layout,
)
from services.company.service import fleet

if TYPE_CHECKING:
    from aiohttp import web

    from services.company.pages.frame import Outcomes
    from services.company.repository.fleet import Row

MOST_SHOWN = 500
NEW_BUS = NewBus()
BUS_CHANGES = BusChanges()
ARRANGEMENT = NewArrangement()


async def show_fleet(request: web.Request) -> web.Response:
    """Buses and layouts, with forms for new ones."""
    return await _page(request, await company_of(request))


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
            outcome = await attempt(form, lambda: fleet.change_bus(pool, bus["id"], changes))
            done = "bus-changed"
        case _:
            raise NotFound
    if outcome.made is not None:
        return see_other("/operator/fleet", flash=done)
    return await _page(request, company, {str(posted["action"]): outcome}, status=422)


async def _page(
    request: web.Request, company: Row, outcomes: Outcomes | None = None, status: int = 200
) -> web.Response:
    pool, company_id = request.app[POOL], company["id"]
    layouts = await repository.list_layout_names(pool, company_id, MOST_SHOWN)
    buses = await repository.list_buses(pool, company_id, None, MOST_SHOWN)
    context = {
        # Those that run come first.
        "buses": sorted(buses, key=lambda bus: (bus["status"] == "retired", bus["plate"])),
        "layouts": {layout["id"]: layout for layout in layouts},
        "drawn": await plans_of(request, [layout["id"] for layout in layouts]),
        "used": Counter(bus["layout_id"] for bus in buses if bus["status"] == "active"),
        "ahead": await boards.next_departures_of_buses(pool, company_id, datetime.now(UTC)),
        "abreast": SEATS_ABREAST,
        "classes": SEAT_CLASSES,
        "outcomes": outcomes or {},
    }
    return render(request, "operator_fleet.html", {**frame(request, company), **context}, status=status)
