"""The operator's page of departures: a week with one of its days, and forms for more."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import starmap
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from common.cursors import decode_cursor, encode_cursor
from common.database import POOL
from common.events import until_seen
from common.problems import NotFound
from common.web.forms import Form, parse_form
from common.web.i18n import language
from common.web.layout import render, see_other
from services.company.domain.schedule import instant
from services.company.pages.frame import attempt, company_of, day_span, form_id, frame, local_today
from services.company.repository import boards, mirrors
from services.company.repository import fleet as fleet_repository
from services.company.repository import network as network_repository
from services.company.schemas.schedule import NewTrips, OneDeparture, trip_wire
from services.company.service import schedule

if TYPE_CHECKING:
    from aiohttp import web

    from services.company.pages.frame import Outcomes
    from services.company.repository.schedule import Row

SHOWN = 100
YEARS = (1990, 2100)
MOST_OPTIONS = 500
ONE = OneDeparture()
MANY = NewTrips()


async def show_schedule(request: web.Request) -> web.Response:
    """A week's days with their numbers of departures, one day's departures, and forms for more."""
    return await _page(request, await company_of(request))


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
        await until_seen(request)
        flash = "departures-made" if outcome.made.created else "nothing-made"
        return see_other(f"/operator/schedule?day={day}", flash=flash)
    return await _page(request, company, {str(action): outcome}, status=422)


async def _at_first_stop(request: web.Request, company: Row, form: Form) -> Form:
    """The form with its date and time as an instant: they are local to the route's first stop."""
    found = await network_repository.keep_route(request.app[POOL], form.data["route_id"])
    if found is None or found["company_id"] != company["id"]:
        return form.with_errors({"route_id": ["The company has no such route."]})
    leaves = instant(form.data["date"], form.data["time"], ZoneInfo(found["time_zone"]))
    return Form(form.values, {**form.data, "departs_at": leaves}, form.errors)


async def _page(
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
        "weekday_names": _weekday_names(request, "wide"),
        "weekdays_short": _weekday_names(request, "abbreviated"),
        "weekdays": await _ticked(request) or range(1, 8),
        "week": week,
        "week_before": monday - timedelta(days=7),
        "week_after": monday + timedelta(days=7),
        "route_id": route_id,
        "by_day": await boards.departures_by_day(
            pool, company_id, *day_span(company, week[0], week[-1]), company["time_zone"], route_id
        ),
        "trips": trips,
        "more": None if last is None else encode_cursor(last["departs_at"], last["id"]),
        "sales": await mirrors.sales_of_trips(pool, [trip["id"] for trip in trips]),
        "routes": await network_repository.route_names(pool, company_id, MOST_OPTIONS),
        "timetables": await boards.has_timetables(pool, company_id),
        "buses": await fleet_repository.list_buses(pool, company_id, None, MOST_OPTIONS),
        "drivers": await fleet_repository.list_drivers(pool, company_id, None, MOST_OPTIONS),
        "layouts": await fleet_repository.list_layout_names(pool, company_id, MOST_OPTIONS),
        "outcomes": outcomes or {},
    }
    return render(request, "operator_schedule.html", {**frame(request, company), **context}, status=status)


def _weekday_names(request: web.Request, width: str) -> list[str]:
    """Names of the days of the week, Monday first; CLDR's `wide` ones or `abbreviated`."""
    names = language(request).locale.days["stand-alone"][width]
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
