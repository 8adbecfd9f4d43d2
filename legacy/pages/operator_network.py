"""The operator's page of stops, routes and feeds."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from itertools import starmap
from typing import TYPE_CHECKING, Any

from aiohttp.web_request import FileField

from common.database import POOL
from common.money import exponent
from common.problems import NotFound, ValidationFailed
from common.web.forms import Form, load_form, parse_form
from common.wire import load
from legacy import network
from legacy.gtfs import imports
from legacy.handlers.gtfs import import_options
from legacy.keys import CONFIG
from legacy.pages import render, see_other
from legacy.pages.operator import Outcome, attempt, company_of, form_id, frame, require_own, whichever
from legacy.queries import network as queries
from legacy.queries import schedule as schedule_queries
from legacy.schemas.gtfs import ImportQuery
from legacy.schemas.network import NewRoute, RouteChanges, StopChangesForm, StopForm, route_wire

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from aiohttp import web

    from legacy.pages.operator import Outcomes
    from legacy.queries.network import Row

SHOWN = 25
MOST_STOPS = 5000
ROUTE_LINES = 8
MOST_LINES = 100
NEW_STOP = StopForm()
STOP_CHANGES = StopChangesForm()
NEW_ROUTE = NewRoute()
ROUTE_CHANGES = RouteChanges()
IMPORT = ImportQuery()
_AFTER = re.compile(r"(\d{1,3}):([0-5]\d)")


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
            outcome = await attempt(
                form, lambda: network.change_stop(pool, stop["id"], changes, is_current=whichever)
            )
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
            stops = await queries.stop_names(pool, company["id"], MOST_STOPS)
            form = route_form(texts, {stop_label(stop): stop["id"] for stop in stops}, company["currency"])
            outcome = await attempt(form, lambda: network.create_route(pool, company["id"], form.data))
            done = "route-added"
        case "change-route":
            route, _ = await network.find_route(pool, form_id(posted.get("id")))
            require_own(route, company)
            form = await parse_form(request, ROUTE_CHANGES)
            changes = {"code": None, **form.data}
            outcome = await attempt(
                form, lambda: network.change_route(pool, route["id"], changes, is_current=whichever)
            )
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
            import_options(form.data, company["currency"]),
            file_name=file.filename[-200:] if isinstance(file, FileField) else None,
        ),
    )
    if outcome.made is not None:
        return see_other("/operator/network#feeds", flash="feed-imported")
    return await _page(request, company, {"import": outcome}, 422)


def route_form(texts: Mapping[str, str], stops: Mapping[str, UUID], currency: str) -> Form:
    """The form of a route, whose lines are a stop's label, times after departure (H:MM) and a fare."""
    errors: dict[str, list[str]] = {}
    lines: list[dict[str, Any]] = []
    rows = []
    for number in range(MOST_LINES):
        label, arrives, leaves, fare = (
            texts.get(f"stops.{number}.{name}", "").strip() for name in ("stop", "arrives", "leaves", "fare")
        )
        if not (label or arrives or leaves or fare):
            continue
        rows.append(number)
        stop_id = stops.get(label)
        if stop_id is None:
            errors[f"stops.{number}.stop"] = ["Choose one of the stops in the list."]
        try:
            arrive_s = seconds_after(arrives) if arrives else 0
            depart_s = seconds_after(leaves) if leaves else arrive_s
        except ValueError as error:
            errors[f"stops.{number}.arrives"] = [str(error)]
            arrive_s = depart_s = 0
        try:
            amount = minor_units(fare or "0", currency)
        except ValueError as error:
            errors[f"stops.{number}.fare"] = [str(error)]
            amount = 0
        money = {"amount": amount, "currency": currency}
        lines.append({"stop_id": str(stop_id), "arrive_s": arrive_s, "depart_s": depart_s, "leg_fare": money})
    wanted: dict[str, Any] = {"name": texts.get("name", "").strip(), "stops": lines}
    wanted |= {name: texts[name].strip() for name in ("code",) if texts.get(name, "").strip()}
    distance = texts.get("distance_km", "").strip()
    if distance:
        wanted["distance_km"] = int(distance) if distance.isascii() and distance.isdigit() else distance
    if errors:
        return Form(texts, {}, errors)
    try:
        return Form(texts, load(NEW_ROUTE, wanted), {})
    except ValidationFailed as problem:
        return Form(texts, {}, {_input_of(path, rows): said for path, said in (problem.errors or {}).items()})


def _input_of(path: str, rows: list[int]) -> str:
    """The form's input for a field of the wire: `stops.1.arrive_s` of the second line that was filled in."""
    match path.split("."):
        case ["stops", index, name, *_]:
            inputs = {"stop_id": "stop", "arrive_s": "arrives", "depart_s": "leaves", "leg_fare": "fare"}
            return f"stops.{rows[int(index)]}.{inputs.get(name, 'stop')}"
        case ["stops"]:
            return "stops.0.stop"
        case _:
            return path


def seconds_after(text: str) -> int:
    """`1:30` → 5400: how long after the departure at the first stop."""
    match = _AFTER.fullmatch(text)
    if match is None:
        raise ValueError("Hours and minutes after departure are expected, as 1:30.")
    return int(match[1]) * 3600 + int(match[2]) * 60


def minor_units(text: str, currency: str) -> int:
    """`450` or `450.50` → minor units; raises ValueError with what to say."""
    try:
        scaled = Decimal(text.replace(",", "")).scaleb(exponent(currency))
    except InvalidOperation:
        raise ValueError("An amount is expected, as 450 or 450.50.") from None
    if not scaled.is_finite() or scaled != scaled.to_integral_value() or not 0 <= scaled <= 10**9:
        raise ValueError("An amount is expected, as 450 or 450.50.")
    return int(scaled)


def stop_label(stop: Row) -> str:
    """What a stop is chosen by: its name and city, and its code, which tells twins apart."""
    return f"{stop['name']}, {stop['city']}" + (f" [{stop['code']}]" if stop["code"] else "")


async def _page(
    request: web.Request, company: Row, outcomes: Outcomes | None = None, status: int = 200
) -> web.Response:
    pool, company_id = request.app[POOL], company["id"]
    stops = await queries.list_stops(pool, company_id, _after(request, "stops_after"), SHOWN + 1)
    found = await network.list_routes(pool, company_id, _after(request, "routes_after"), SHOWN + 1)
    names = await queries.stop_names(pool, company_id, MOST_STOPS)
    added = (outcomes or {}).get("add-route", Outcome(Form())).form
    lines = [number for number in range(MOST_LINES) if added.value(f"stops.{number}.stop")]
    context = {
        "stops": stops[:SHOWN],
        "more_stops": stops[SHOWN - 1]["id"] if len(stops) > SHOWN else None,
        "routes": list(starmap(route_wire, found[:SHOWN])),
        "more_routes": found[SHOWN - 1][0]["id"] if len(found) > SHOWN else None,
        "labels": [stop_label(stop) for stop in names],
        "lines": max(ROUTE_LINES, *lines, 0) + 1 if lines else ROUTE_LINES,
        "imports": await imports.list_imports(pool, company_id, None, 5),
        "timetables": await schedule_queries.list_timetables(pool, company_id, None, None, 1),
        "outcomes": outcomes or {},
    }
    return render(request, "operator_network.html", {**frame(request, company), **context}, status)


def _after(request: web.Request, name: str) -> UUID | None:
    text = request.query.get(name)
    return None if not text else form_id(text)
