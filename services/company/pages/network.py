"""The operator's page of stops, routes and feeds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aiohttp.web_request import FileField

from common.database import POOL
from common.problems import NotFound
from common.web.forms import Form, load_form, parse_form
from common.web.layout import render, see_other
from services.company.gtfs import imports
from services.company.keys import CONFIG
from services.company.pages.frame import (
    Outcome,
    attempt,
    company_of,
    form_id,
    frame,
    require_own,
)
from services.company.pages.route_forms import MOST_LINES, minor_units, route_form, stop_label
from services.company.repository import boards
from services.company.repository import network as repository
from services.company.schemas.gtfs import ImportQuery
from services.company.schemas.network import RouteChanges, StopChangesForm, StopForm, route_wire
from services.company.service import network

if TYPE_CHECKING:
    from uuid import UUID

    from aiohttp import web

    from services.company.pages.frame import Outcomes
    from services.company.repository.network import Row

SHOWN = 25
MOST_STOPS = 5000
ROUTE_LINES = 6
LONGEST_NAME = 100
LATEST_IMPORTS = 5
NEW_STOP = StopForm()
STOP_CHANGES = StopChangesForm()
ROUTE_CHANGES = RouteChanges()
IMPORT = ImportQuery()


async def show_network(request: web.Request) -> web.Response:
    """Stops, routes and imports, with forms for new ones."""
    return await _page(request, await company_of(request))


async def post_stops(request: web.Request) -> web.Response:
    """A new stop, or a changed one."""
    company = await company_of(request)
    pool = request.app[POOL]
    posted = await request.post()
    match posted.get("action"):
        case "add-stop":
            form = await parse_form(request, NEW_STOP)
            outcome = await attempt(form, lambda: network.create_stop(pool, company["id"], form.data))
            done = "stop-added"
        case "change-stop":
            stop = await network.find_stop(pool, form_id(posted.get("id")))
            require_own(stop, company)
            form = await parse_form(request, STOP_CHANGES)
            changes = {"code": None, **form.data}
            outcome = await attempt(form, lambda: network.change_stop(pool, stop["id"], changes))
            done = "stop-changed"
        case _:
            raise NotFound
    if outcome.made is not None:
        return see_other("/operator/network#stops", flash=done)
    return await _page(request, company, {str(posted["action"]): outcome}, 422)


async def post_routes(request: web.Request) -> web.Response:
    """A new route, or another name or state for one."""
    company = await company_of(request)
    pool = request.app[POOL]
    posted = await request.post()
    texts = {name: value for name, value in posted.items() if isinstance(value, str)}
    match posted.get("action"):
        case "add-route":
            stops = await repository.stop_names(pool, company["id"], MOST_STOPS)
            form = route_form(texts, {stop_label(stop): stop["id"] for stop in stops}, company["currency"])
            outcome = await attempt(form, lambda: network.create_route(pool, company["id"], form.data))
            done = "route-added"
        case "change-route":
            route, _ = await network.find_route(pool, form_id(posted.get("id")))
            require_own(route, company)
            form = await parse_form(request, ROUTE_CHANGES)
            changes = {"code": None, **form.data}
            outcome = await attempt(form, lambda: network.change_route(pool, route["id"], changes))
            done = "route-changed"
        case _:
            raise NotFound
    if outcome.made is not None:
        return see_other("/operator/network#routes", flash=done)
    return await _page(request, company, {str(posted["action"]): outcome}, 422)


async def post_feed(request: web.Request) -> web.Response:
    """A GTFS feed as a file; what comes of it is told when it is done."""
    company = await company_of(request)
    posted = await request.post()
    fare = str(posted.get("leg_fare", "")).strip()
    texts = [(name, value) for name, value in posted.items() if isinstance(value, str)]
    form = load_form(texts, IMPORT)
    if fare:
        try:
            minor = minor_units(fare, company["currency"])
            form = Form(form.values, {**form.data, "default_leg_fare": minor}, form.errors)
        except ValueError as error:
            form = form.with_errors({"leg_fare": [str(error)]})
    file = posted.get("feed")
    data = file.file.read() if isinstance(file, FileField) else b""
    if not data:
        form = form.with_errors({"feed": ["Choose a zip file."]})
    elif len(data) > imports.LARGEST_FEED:
        form = form.with_errors({"feed": ["A feed has at most 20 MiB."]})
    outcome = await attempt(
        form,
        lambda: imports.import_feed(
            request.app[POOL],
            request.app[CONFIG].database_url,
            company,
            data,
            imports.options_of(form.data, company["currency"]),
            file_name=file.filename[-200:] if isinstance(file, FileField) else None,
        ),
    )
    if outcome.made is not None:
        return see_other("/operator/network#feeds", flash="feed-imported")
    return await _page(request, company, {"import": outcome}, 422)


async def _page(
    request: web.Request, company: Row, outcomes: Outcomes | None = None, status: int = 200
) -> web.Response:
    pool, company_id = request.app[POOL], company["id"]
    named = " ".join(request.query.get("q", "").replace("\0", " ").split())[:LONGEST_NAME]
    stops = await boards.find_stops(
        pool, company_id, named or None, _after(request, "stops_after"), SHOWN + 1
    )
    found = await boards.find_routes(
        pool, company_id, named or None, _after(request, "routes_after"), SHOWN + 1
    )
    ways = await repository.stops_of_routes(pool, [route["id"] for route in found[:SHOWN]])
    added = (outcomes or {}).get("add-route", Outcome(Form())).form
    filled = [number for number in range(MOST_LINES) if added.value(f"stops.{number}.stop")]
    context = {
        "named": named,
        "stops": stops[:SHOWN],
        "more_stops": stops[SHOWN - 1]["id"] if len(stops) > SHOWN else None,
        "routes": [route_wire(route, ways[route["id"]]) for route in found[:SHOWN]],
        "more_routes": found[SHOWN - 1]["id"] if len(found) > SHOWN else None,
        "ahead": await boards.departures_ahead(pool, list(ways), datetime.now(UTC)),
        "labels": [stop_label(stop) for stop in await repository.stop_names(pool, company_id, MOST_STOPS)],
        "lines": max([ROUTE_LINES, *(number + 2 for number in filled)]),
        "imports": await imports.list_imports(pool, company_id, None, LATEST_IMPORTS),
        "timetables": await boards.has_timetables(pool, company_id),
        "outcomes": outcomes or {},
    }
    return render(request, "operator_network.html", {**frame(request, company), **context}, status=status)


def _after(request: web.Request, name: str) -> UUID | None:
    text = request.query.get(name)
    return None if not text else form_id(text)
