"""Requests about departures and timetables."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import starmap
from typing import TYPE_CHECKING
from uuid import UUID

from common.answers import NO_STORE, after_id, by_id, changed, listing, resource
from common.cursors import decode_cursor, encode_cursor
from common.database import POOL
from common.encoding import dump_json
from common.principals import Role, require, require_company
from common.wire import etag_for, json_response, parse_json, parse_query, path_id, require_match
from legacy import companies, schedule
from legacy.handlers.access import company_of_operator, company_of_staff
from legacy.queries import schedule as queries
from legacy.schemas.plans import plan_wire
from legacy.schemas.schedule import (
    NewTrips,
    TimetableQuery,
    TripChanges,
    TripQuery,
    timetable_wire,
    trip_wire,
)

if TYPE_CHECKING:
    from aiohttp import web

    from legacy.queries.schedule import Row

TRIPS = TripQuery()
TIMETABLES = TimetableQuery()
NEW = NewTrips()
CHANGES = TripChanges()


async def list_trips(request: web.Request) -> web.Response:
    company = await companies.find_company(request.app[POOL], await company_of_staff(request))
    query = parse_query(request, TRIPS)
    limit = query["limit"]
    cursor = query["cursor"]
    found = await schedule.list_trips(
        request.app[POOL],
        company,
        first=query["from"],
        last=query["to"],
        route_id=query["route_id"],
        status=query["status"],
        after=None if cursor is None else decode_cursor(cursor, (datetime, UUID)),
        limit=limit + 1,
    )
    shown = found[:limit]
    more = encode_cursor(shown[-1][0]["departs_at"], shown[-1][0]["id"]) if len(found) > limit else None
    items = list(starmap(trip_wire, shown))
    return json_response({"items": items, "next_cursor": more}, headers=NO_STORE)


async def show_trip(request: web.Request) -> web.Response:
    return resource(request, trip_wire(*await schedule.find_trip(request.app[POOL], path_id(request, "id"))))


async def show_plan(request: web.Request) -> web.Response:
    return json_response(
        plan_wire(*await schedule.find_plan(request.app[POOL], path_id(request, "id"))), headers=NO_STORE
    )


async def publish_trips(request: web.Request) -> web.Response:
    company_id = await company_of_operator(request)
    published = await schedule.publish_trips(request.app[POOL], company_id, await parse_json(request, NEW))
    body = {
        "items": list(starmap(trip_wire, published.trips)),
        "created": published.created,
        "skipped": published.skipped,
    }
    location = f"/api/companies/{company_id}/trips"
    if published.created == 1:
        location = f"/api/trips/{published.trips[0][0]['id']}"
    return json_response(body, 201, {**NO_STORE, "Location": location})


async def change_trip(request: web.Request) -> web.Response:
    require(request)
    trip, _ = await schedule.find_trip(request.app[POOL], path_id(request, "id"))
    require_company(request, trip["company_id"], Role.OPERATOR)
    changes = await parse_json(request, CHANGES)

    def is_current(row: Row, row_stops: list[Row]) -> None:
        require_match(request, etag_for(dump_json(trip_wire(row, row_stops))))

    trip, stops = await schedule.change_trip(
        request.app[POOL], trip["id"], changes, now=datetime.now(UTC), is_current=is_current
    )
    return changed(trip_wire(trip, stops))


async def list_timetables(request: web.Request) -> web.Response:
    company_id = await company_of_staff(request)
    query = parse_query(request, TIMETABLES)
    rows = await queries.list_timetables(
        request.app[POOL], company_id, query["date"], after_id(query, UUID), query["limit"] + 1
    )
    return listing(rows, query["limit"], timetable_wire, by_id)
