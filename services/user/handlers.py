"""Requests about profiles, travellers and dashboards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from aiohttp import web

from common.answers import after_id, by_id, changed, current, listing, resource
from common.database import POOL
from common.principals import Role, require, require_company
from common.reading import read_through
from common.schemas import ListQuery
from common.wire import json_response, parse_json, parse_query, path_id
from services.user import schemas
from services.user.service import dashboards, profiles

if TYPE_CHECKING:
    from services.user.service.dashboards import AskCompany
    from services.user.service.profiles import AskRegistration

PROFILE_CHANGES = schemas.ProfileChanges()
NEW_TRAVELLER = schemas.NewTraveller()
PERIOD = schemas.Period()
LIST = ListQuery()

STAFF = (Role.OPERATOR, Role.INSPECTOR, Role.DRIVER, Role.ADMIN)


async def show_profile(request: web.Request) -> web.Response:
    who = require(request)
    profile = await profiles.find_profile(request.app[POOL], who.user_id, ask_registration(request))
    return resource(request, schemas.profile_wire(profile))


async def change_profile(request: web.Request) -> web.Response:
    who = require(request)
    changes = await parse_json(request, PROFILE_CHANGES)
    is_current = current(request, schemas.profile_wire)
    profile = await profiles.change_profile(
        request.app[POOL], who.user_id, changes, ask_registration(request), is_current=is_current
    )
    return changed(schemas.profile_wire(profile))


async def list_travellers(request: web.Request) -> web.Response:
    who = require(request)
    query = parse_query(request, LIST)
    rows = await profiles.list_travellers(
        request.app[POOL], who.user_id, after_id(query, UUID), query["limit"] + 1
    )
    return listing(rows, query["limit"], schemas.traveller_wire, by_id)


async def add_traveller(request: web.Request) -> web.Response:
    who = require(request)
    wanted = await parse_json(request, NEW_TRAVELLER)
    traveller = await profiles.add_traveller(
        request.app[POOL], who.user_id, wanted, ask_registration(request)
    )
    headers = {"Location": f"/api/users/me/travellers/{traveller['id']}"}
    return json_response(schemas.traveller_wire(traveller), 201, headers)


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
    company = await dashboards.find_company(request.app[POOL], company_id, ask_company(request))
    return json_response(await dashboards.of_company(request.app[POOL], company, query["from_"], query["to"]))


async def show_platform_dashboard(request: web.Request) -> web.Response:
    require(request, Role.ADMIN)
    query = parse_query(request, PERIOD)
    return json_response(await dashboards.of_platform(request.app[POOL], query["from_"], query["to"]))


def ask_registration(request: web.Request) -> AskRegistration:
    """What the caller's account was opened with, if somebody has to ask."""

    async def ask() -> dict[str, Any] | None:
        return await read_through(request, "/api/auth/registration")

    return ask


def ask_company(request: web.Request) -> AskCompany:
    """A company as its owner has it, if somebody has to ask."""

    async def ask(company_id: UUID) -> dict[str, Any] | None:
        return await read_through(request, f"/api/companies/{company_id}")

    return ask
