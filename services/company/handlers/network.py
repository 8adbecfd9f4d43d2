"""Requests about stops and routes."""

from __future__ import annotations

from itertools import starmap
from typing import TYPE_CHECKING
from uuid import UUID

from common.answers import NO_STORE, after_id, by_id, changed, current, listing, made, resource
from common.cursors import encode_cursor
from common.database import POOL
from common.encoding import dump_json
from common.events import until_seen
from common.principals import Role, require, require_company
from common.problems import NotFound
from common.schemas import ListQuery
from common.wire import etag_for, json_response, parse_json, parse_query, path_id, require_match
from services.company.handlers.access import company_of_operator
from services.company.repository import network as repository
from services.company.schemas.network import (
    NewRoute,
    NewStop,
    RouteChanges,
    StopChanges,
    route_wire,
    stop_wire,
)
from services.company.service import companies, network

if TYPE_CHECKING:
    from aiohttp import web

    from services.company.repository.network import Row

LIST = ListQuery()
NEW_STOP = NewStop()
STOP_CHANGES = StopChanges()
NEW_ROUTE = NewRoute()
ROUTE_CHANGES = RouteChanges()


async def list_stops(request: web.Request) -> web.Response:
    company_id = path_id(request, "id")
    query = parse_query(request, LIST)
    rows = await repository.list_stops(
        request.app[POOL], company_id, after_id(query, UUID), query["limit"] + 1
    )
    if not rows:
        await companies.find_company(request.app[POOL], company_id)
    return listing(rows, query["limit"], stop_wire, by_id)


async def show_stop(request: web.Request) -> web.Response:
    return resource(request, stop_wire(await network.find_stop(request.app[POOL], path_id(request, "id"))))


async def create_stop(request: web.Request) -> web.Response:
    company_id = await company_of_operator(request)
    stop = stop_wire(
        await network.create_stop(request.app[POOL], company_id, await parse_json(request, NEW_STOP))
    )
    await until_seen(request)
    return made(stop, f"/api/stops/{stop['id']}")


async def change_stop(request: web.Request) -> web.Response:
    require(request)
    stop = await network.find_stop(request.app[POOL], path_id(request, "id"))
    require_company(request, stop["company_id"], Role.OPERATOR)
    changes = await parse_json(request, STOP_CHANGES)
    stop = await network.change_stop(
        request.app[POOL], stop["id"], changes, is_current=current(request, stop_wire)
    )
    await until_seen(request)
    return changed(stop_wire(stop))


async def list_routes(request: web.Request) -> web.Response:
    company_id = path_id(request, "id")
    query = parse_query(request, LIST)
    limit = query["limit"]
    found = await network.list_routes(request.app[POOL], company_id, after_id(query, UUID), limit + 1)
    if not found:
        await companies.find_company(request.app[POOL], company_id)
    shown = found[:limit]
    cursor = encode_cursor(shown[-1][0]["id"]) if len(found) > limit else None
    items = list(starmap(route_wire, shown))
    return json_response({"items": items, "next_cursor": cursor}, headers=NO_STORE)


async def show_route(request: web.Request) -> web.Response:
    route, stops = await network.find_route(request.app[POOL], path_id(request, "id"))
    return resource(request, route_wire(route, stops))


async def create_route(request: web.Request) -> web.Response:
    company_id = await company_of_operator(request)
    wanted = await parse_json(request, NEW_ROUTE)
    route, stops = await network.create_route(request.app[POOL], company_id, wanted)
    await until_seen(request)
    return made(route_wire(route, stops), f"/api/routes/{route['id']}")


async def change_route(request: web.Request) -> web.Response:
    require(request)
    route = await repository.get_route(request.app[POOL], path_id(request, "id"))
    if route is None:
        raise NotFound
    require_company(request, route["company_id"], Role.OPERATOR)
    changes = await parse_json(request, ROUTE_CHANGES)

    def is_current(row: Row, row_stops: list[Row]) -> None:
        require_match(request, etag_for(dump_json(route_wire(row, row_stops))))

    route, stops = await network.change_route(
        request.app[POOL],
        route["id"],
        changes,
        is_current=is_current if "If-Match" in request.headers else None,
    )
    await until_seen(request)
    return changed(route_wire(route, stops))
