"""Requests about companies."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from common.answers import after_id, by_id, changed, current, listing, made, resource
from common.database import POOL
from common.events import until_seen
from common.principals import Role, WrongRole, principal, require, require_company
from common.schemas import ListQuery
from common.wire import parse_json, parse_query, path_id
from services.company.repository import companies as repository
from services.company.schemas.companies import CompanyChanges, NewCompany, company_wire
from services.company.service import companies

if TYPE_CHECKING:
    from aiohttp import web

LIST = ListQuery()
NEW = NewCompany()
CHANGES = CompanyChanges()


async def list_companies(request: web.Request) -> web.Response:
    query = parse_query(request, LIST)
    who = principal(request)
    rows = await repository.list_companies(
        request.app[POOL],
        after_id(query, UUID),
        query["limit"] + 1,
        with_suspended=who is not None and who.is_admin,
    )
    return listing(rows, query["limit"], company_wire, by_id)


async def show_company(request: web.Request) -> web.Response:
    return resource(
        request, company_wire(await companies.find_company(request.app[POOL], path_id(request, "id")))
    )


async def create_company(request: web.Request) -> web.Response:
    require(request, Role.ADMIN)
    company = company_wire(await companies.create_company(request.app[POOL], await parse_json(request, NEW)))
    await until_seen(request)
    return made(company, f"/api/companies/{company['id']}")


async def change_company(request: web.Request) -> web.Response:
    company_id = path_id(request, "id")
    who = require_company(request, company_id, Role.OPERATOR)
    changes = await parse_json(request, CHANGES)
    if "status" in changes and not who.is_admin:
        raise WrongRole("The status of a company is for admins to change.")
    company = await companies.change_company(
        request.app[POOL], company_id, changes, is_current=current(request, company_wire)
    )
    await until_seen(request)
    return changed(company_wire(company))
