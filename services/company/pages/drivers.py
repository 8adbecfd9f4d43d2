"""The operator's page of drivers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from common.database import POOL
from common.problems import NotFound
from common.web.forms import parse_form
from common.web.layout import render, see_other
from services.company.neighbours import staff_finder
from services.company.pages.frame import attempt, company_of, form_id, frame, require_own
from services.company.repository import boards
from services.company.repository import fleet as repository
from services.company.schemas.fleet import DriverChanges, NewDriver
from services.company.service import fleet

if TYPE_CHECKING:
    from aiohttp import web

    from services.company.pages.frame import Outcomes
    from services.company.repository.fleet import Row

MOST_SHOWN = 500
NEW_DRIVER = NewDriver()
DRIVER_CHANGES = DriverChanges()


async def show_drivers(request: web.Request) -> web.Response:
    """Drivers, with a form for a new one."""
    return await _page(request, await company_of(request))


async def post_drivers(request: web.Request) -> web.Response:
    """A new driver, or a changed one."""
    company = await company_of(request)
    pool, company_id = request.app[POOL], company["id"]
    posted = await request.post()
    match posted.get("action"):
        case "add-driver":
            form = await parse_form(request, NEW_DRIVER)
            outcome = await attempt(
                form,
                lambda: fleet.create_driver(pool, company_id, form.data, find_staff=staff_finder(request)),
            )
            done = "driver-added"
        case "change-driver":
            driver = await fleet.find_driver(pool, form_id(posted.get("id")))
            require_own(driver, company)
            form = await parse_form(request, DRIVER_CHANGES)
            changes = {"phone": None, **form.data}
            outcome = await attempt(
                form, lambda: fleet.change_driver(pool, driver, changes, find_staff=staff_finder(request))
            )
            done = "driver-changed"
        case _:
            raise NotFound
    if outcome.made is not None:
        return see_other("/operator/drivers", flash=done)
    return await _page(request, company, {str(posted["action"]): outcome}, status=422)


async def _page(
    request: web.Request, company: Row, outcomes: Outcomes | None = None, status: int = 200
) -> web.Response:
    pool, company_id = request.app[POOL], company["id"]
    drivers = await repository.list_drivers(pool, company_id, None, MOST_SHOWN)
    context = {
        "drivers": sorted(drivers, key=lambda driver: (driver["status"] == "retired", driver["name"])),
        "ahead": await boards.next_departures_of_drivers(pool, company_id, datetime.now(UTC)),
        "outcomes": outcomes or {},
    }
    return render(request, "operator_drivers.html", {**frame(request, company), **context}, status=status)
