"""Requests about profiles, travellers and dashboards."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from aiohttp import web

from common.cursors import decode_cursor, page
from common.database import POOL
from common.principals import Role, require, require_company
from common.schemas import ListQuery
from common.wire import (
    etag_for,
    json_response,
    not_modified,
    parse_json,
    parse_query,
    path_id,
    require_match,
)
from legacy import dashboards, profiles
from legacy.schemas import user as wire

if TYPE_CHECKING:
    from legacy.queries.profiles import Row

PROFILE_CHANGES = wire.ProfileChanges()
NEW_TRAVELLER = wire.NewTraveller()
PERIOD = wire.Period()
LIST = ListQuery()

STAFF = (Role.OPERATOR, Role.INSPECTOR, Role.DRIVER, Role.ADMIN)


async def show_profile(request: web.Request) -> web.Response:
    who = require(request)
    response = _profile(await profiles.find_profile(request.app[POOL], who.user_id))
    return not_modified(request, response.headers["ETag"]) or response


async def change_profile(request: web.Request) -> web.Response:
    who = require(request)
    changes = await parse_json(request, PROFILE_CHANGES)

    def is_current(row: Row) -> None:
        require_match(request, etag_for(wire.profile_wire(row)))

    return _profile(
        await profiles.change_profile(request.app[POOL], who.user_id, changes, is_current=is_current)
    )


async def list_travellers(request: web.Request) -> web.Response:
    who = require(request)
    query = parse_query(request, LIST)
    after = decode_cursor(query["cursor"], (UUID,))[0] if query["cursor"] is not None else None
    rows = await profiles.list_travellers(request.app[POOL], who.user_id, after, query["limit"] + 1)
    listed = page(rows, query["limit"], lambda row: (row["id"],))
    return json_response({**listed, "items": [wire.traveller_wire(row) for row in listed["items"]]})


async def add_traveller(request: web.Request) -> web.Response:
    who = require(request)
    wanted = await parse_json(request, NEW_TRAVELLER)
    made = await profiles.add_traveller(request.app[POOL], who.user_id, wanted)
    headers = {"Location": f"/api/users/me/travellers/{made['id']}"}
    return json_response(wire.traveller_wire(made), 201, headers)


async def forget_traveller(request: web.Request) -> web.Response:
    who = require(request)
    await profiles.forget_traveller(request.app[POOL], who.user_id, path_id(request, "id"))
    return web.Response(status=204)


async def show_user_dashboard(request: web.Request) -> web.Response:
    who = require(request)
    return json_response(await dashboards.of_user(request.app[POOL], who.user_id))


async def show_company_dashboard(request: web.Request) -> web.Response:
    require(request, *STAFF)
    company_id = path_id(request, "id")
    require_company(request, company_id, *STAFF)
    query = parse_query(request, PERIOD)
    return json_response(
        await dashboards.of_company(request.app[POOL], company_id, query["from_"], query["to"])
    )


async def show_platform_dashboard(request: web.Request) -> web.Response:
    require(request, Role.ADMIN)
    query = parse_query(request, PERIOD)
    return json_response(await dashboards.of_platform(request.app[POOL], query["from_"], query["to"]))


def _profile(row: Row) -> web.Response:
    data = wire.profile_wire(row)
    return json_response(data, headers={"Cache-Control": "no-cache", "ETag": etag_for(data)})
