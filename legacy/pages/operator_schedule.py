"""The operator's pages of departures: a week with one of its days, and a single one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import starmap
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from common.cursors import decode_cursor, encode_cursor
from common.database import POOL
from common.problems import NotFound
from common.web.forms import Form, parse_form
from common.web.i18n import language
from common.wire import path_id
from legacy import schedule
from legacy.pages import render, see_other
from legacy.pages.operator import (
    attempt,
    company_of,
    day_span,
    form_id,
    frame,
    local_today,
    require_own,
    whichever,
)
from legacy.queries import fleet as fleet_queries
from legacy.queries import network as network_queries
from legacy.queries import schedule as queries
from legacy.rules.schedule import instant
from legacy.schemas.schedule import NewTrips, OneDeparture, TripChanges, trip_wire

if TYPE_CHECKING:
    from aiohttp import web

    from legacy.pages.operator import Outcomes
    from legacy.queries.schedule import Row

SHOWN = 100
YEARS = (1990, 2100)
MOST_OPTIONS = 500
LAST_CHECK_INS = 10
ONE = OneDeparture()
MANY = NewTrips()
CHANGES = TripChanges()


async def show_schedule(request: web.Request) -> web.Response:
    """A week's days with their numbers of departures, one day's departures, and forms for more."""
    return await _schedule_page(request, await company_of(request))


async def post_schedule(request: web.Request) -> web.Response:
    """One departure, a calendar of them, or those of a feed: whatever the form's `action` says."""
    company = await company_of(request)
    pool, company_id = request.app[POOL], company["id"]
    action = (await request.post()).get("action")
    if action == "add-one":
        form = await parse_form(request, ONE)
        if form.is_valid:
            form = await _at_first_stop(request, company, form)
        day = form.data.get("date")
    elif action in {"add-calendar", "add-feed"}:
        form = await parse_form(request, MANY)
        span = form.data.get("calendar") or form.data.get("timetables")
        day = span["from"] if span else None
    else:
        raise NotFound
    outcome = await attempt(form, lambda: schedule.publish_trips(pool, company_id, form.data))
    if outcome.made is not None:
        flash = "departures-made" if outcome.made.created else "nothing-made"
        return see_other(f"/operator/schedule?day={day}", flash=flash)
    return await _schedule_page(request, company, {str(action): outcome}, status=422)


async def show_trip(request: web.Request) -> web.Response:
    """A departure: who runs it, who is on it, and what can be done about it."""
    company = await company_of(request)
    return await _trip_page(request, company, *await _own_trip(request, company))


async def post_trip(request: web.Request) -> web.Response:
    """Another bus or driver, a delay, or the end of it."""
    company = await company_of(request)
    trip, stops = await _own_trip(request, company)
    posted = await request.post()
    action = posted.get("action")
    form = await parse_form(request, CHANGES)
    changes = dict(form.data)
    match action:
        case "assign":
            # A choice of none is a field that was sent and left empty.
            changes = {"bus_id": None, "driver_id": None} | changes
            errors = {name: said for name, said in form.errors.items() if name != "body"}
            form = Form(form.values, changes, errors)
            done = "trip-changed"
        case "delay":
            done = "trip-changed"
        case "cancel":
            if posted.get("sure") != "yes":
                form = form.with_errors({"sure": ["Please confirm: this cannot be taken back."]})
            changes["status"] = "cancelled"
            done = "trip-cancelled"
        case _:
            raise NotFound
    outcome = await attempt(
        form,
        lambda: schedule.change_trip(
            request.app[POOL], trip["id"], changes, now=datetime.now(UTC), is_current=whichever
        ),
    )
    if outcome.made is not None:
        return see_other(f"/operator/trips/{trip['id']}", flash=done)
    return await _trip_page(request, company, trip, stops, {str(action): outcome}, status=422)


async def _at_first_stop(request: web.Request, company: Row, form: Form) -> Form:
    """The form with its date and time as an instant: they are local to the route's first stop."""
    found = await network_queries.keep_route(request.app[POOL], form.data["route_id"])
    if found is None or found["company_id"] != company["id"]:
        return form.with_errors({"route_id": ["The company has no such route."]})
    leaves = instant(form.data["date"], form.data["time"], ZoneInfo(found["time_zone"]))
    return Form(form.values, {**form.data, "departs_at": leaves}, form.errors)


async def _own_trip(request: web.Request, company: Row) -> tuple[Row, list[Row]]:
    trip, stops = await schedule.find_trip(request.app[POOL], path_id(request, "id"))
    require_own(trip, company)
    return trip, stops


async def _schedule_page(
    request: web.Request, company: Row, outcomes: Outcomes | None = None, status: int = 200
) -> web.Response:
    pool, company_id = request.app[POOL], company["id"]
    today = local_today(company)
    day = _day(request, today)
    monday = day - timedelta(days=day.weekday())
    week = [monday + timedelta(days=number) for number in range(7)]
    route_id = form_id(request.query["route"]) if request.query.get("route") else None
    after = request.query.get("after")
    found = await schedule.list_trips(
        pool,
        company,
        first=day,
        last=day,
        route_id=route_id,
        status=None,
        after=None if not after else decode_cursor(after, (datetime, UUID)),
        limit=SHOWN + 1,
    )
    trips = list(starmap(trip_wire, found[:SHOWN]))
    last = found[SHOWN - 1][0] if len(found) > SHOWN else None
    context: dict[str, Any] = {
        "today": today,
        "shown": day,
        "names": _weekdays(request),
        "weekdays": await _ticked(request) or range(1, 8),
        "week": week,
        "route_id": route_id,
        "by_day": await queries.departures_by_day(
            pool, company_id, *day_span(company, week[0], week[-1]), company["time_zone"], route_id
        ),
        "trips": trips,
        "more": None if last is None else encode_cursor(last["departs_at"], last["id"]),
        "sales": await queries.sales_of_trips(pool, [trip["id"] for trip in trips]),
        "routes": await network_queries.route_names(pool, company_id, MOST_OPTIONS),
        "timetables": await queries.list_timetables(pool, company_id, None, None, 1),
        "outcomes": outcomes or {},
        **await _assignable(request, company_id),
    }
    return render(request, "operator_schedule.html", {**frame(request, company), **context}, status)


async def _trip_page(
    request: web.Request,
    company: Row,
    trip: Row,
    stops: list[Row],
    outcomes: Outcomes | None = None,
    status: int = 200,
) -> web.Response:
    pool = request.app[POOL]
    sales = await queries.sales_of_trips(pool, [trip["id"]])
    context = {
        "trip": trip_wire(trip, stops),
        "sales": sales.get(trip["id"]),
        "check_ins": await queries.last_check_ins(pool, trip["id"], LAST_CHECK_INS),
        "outcomes": outcomes or {},
        **await _assignable(request, company["id"]),
    }
    return render(request, "operator_trip.html", {**frame(request, company), **context}, status)


async def _assignable(request: web.Request, company_id: UUID) -> dict[str, Any]:
    """Buses, layouts and drivers that a departure can have."""
    pool = request.app[POOL]
    return {
        "buses": await fleet_queries.list_buses(pool, company_id, None, MOST_OPTIONS),
        "drivers": await fleet_queries.list_drivers(pool, company_id, None, MOST_OPTIONS),
        "layouts": await fleet_queries.list_layouts(pool, company_id, None, MOST_OPTIONS),
    }


def _weekdays(request: web.Request) -> list[str]:
    """Names of the days of the week, Monday first."""
    names = language(request).locale.days["stand-alone"]["wide"]
    return [names[number] for number in range(7)]


async def _ticked(request: web.Request) -> set[int]:
    """The days of the week that a posted form had ticked."""
    if request.method != "POST":
        return set()
    ticked = (await request.post()).getall("calendar.weekdays", [])
    return {number for number in range(1, 8) if str(number) in ticked}


def _day(request: web.Request, today: date) -> date:
    try:
        day = date.fromisoformat(request.query.get("day", "")[:10])
    except ValueError:
        return today
    return day if YEARS[0] <= day.year <= YEARS[1] else today
