"""The operator's page of one departure: who runs it, who is on it, and what can be done about it."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from common.database import POOL
from common.events import until_seen
from common.problems import NotFound, Unavailable
from common.reading import read_through
from common.web.forms import Form, parse_form
from common.web.layout import render, see_other
from common.wire import path_id
from services.company.neighbours import seats_finder
from services.company.pages.frame import attempt, company_of, frame, require_own
from services.company.pages.plans import decks_of
from services.company.repository import boards, mirrors
from services.company.repository import fleet as fleet_repository
from services.company.schemas.schedule import TripChanges, trip_wire
from services.company.service import schedule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from aiohttp import web

    from services.company.pages.frame import Outcomes
    from services.company.repository.schedule import Row

MOST_OPTIONS = 500
CHANGES = TripChanges()


async def show_trip(request: web.Request) -> web.Response:
    """A departure with its passengers, and forms for what can be done."""
    company = await company_of(request)
    return await _page(request, company, *await _own_trip(request, company))


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
            request.app[POOL],
            trip["id"],
            changes,
            now=datetime.now(UTC),
            find_seats=seats_finder(request),
        ),
    )
    if outcome.made is not None:
        await until_seen(request)
        return see_other(f"/operator/trips/{trip['id']}", flash=done)
    return await _page(request, company, trip, stops, {str(action): outcome}, status=422)


async def _own_trip(request: web.Request, company: Row) -> tuple[Row, list[Row]]:
    trip, stops = await schedule.find_trip(request.app[POOL], path_id(request, "id"))
    require_own(trip, company)
    return trip, stops


async def _page(
    request: web.Request,
    company: Row,
    trip: Row,
    stops: list[Row],
    outcomes: Outcomes | None = None,
    status: int = 200,
) -> web.Response:
    pool, company_id = request.app[POOL], company["id"]
    sales = await mirrors.sales_of_trips(pool, [trip["id"]])
    manifest = await _manifest(request, trip["id"]) if trip["id"] in sales else None
    people = await _people(request, trip["id"]) if manifest is None else manifest
    seated = defaultdict(list)
    for each in people:
        seated[each["seat"]].append(each)
    context = {
        "trip": trip_wire(trip, stops),
        "seconds": stops[-1]["arrive_s"],
        "is_over": trip["arrives_at"] + timedelta(minutes=trip["delay_min"]) <= datetime.now(UTC),
        "decks": await decks_of(request, trip["layout_id"]),
        "sales": sales.get(trip["id"]),
        "people": people,
        "seated": dict(seated),
        "manifest": manifest is not None,
        "boarding": Counter(each["from_seq"] for each in manifest or ()),
        "leaving": Counter(each["to_seq"] for each in manifest or ()),
        "buses": [
            (str(bus["id"]), f"{bus['plate']} ({bus['capacity']})")
            for bus in await fleet_repository.list_buses(pool, company_id, None, MOST_OPTIONS)
            if bus["status"] == "active" or bus["id"] == trip["bus_id"]
        ],
        "drivers": [
            (str(driver["id"]), driver["name"])
            for driver in await fleet_repository.list_drivers(pool, company_id, None, MOST_OPTIONS)
            if driver["status"] == "active" or driver["id"] == trip["driver_id"]
        ],
        "outcomes": outcomes or {},
    }
    return render(request, "operator_trip.html", {**frame(request, company), **context}, status=status)


async def _manifest(request: web.Request, trip_id: UUID) -> list[Mapping[str, Any]] | None:
    """The passenger list as whoever sells the tickets has it, phones included; None if it cannot be had."""
    try:
        found = await read_through(request, f"/api/trips/{trip_id}/manifest?format=json")
    except Unavailable:
        return None
    if found is None:
        return None
    # who boarded with a ticket that was given back in that moment is there as well
    return _by_seat(
        each for each in found["passengers"] if each["status"] == "confirmed" or each["checked_in_at"]
    )


async def _people(request: web.Request, trip_id: UUID) -> list[Mapping[str, Any]]:
    """The passengers as far as they are known here."""
    return _by_seat(
        {"seat": row["seat"], "name": row["passenger_name"], "checked_in_at": row["scanned_at"]}
        for row in await boards.passengers(request.app[POOL], trip_id)
    )


def _by_seat(people: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """In the order of the rows: 2A before 10A."""
    return sorted(people, key=lambda each: (len(each["seat"]), each["seat"], each.get("from_seq", 0)))
