"""Requests about layouts, buses and drivers."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from common.answers import after_id, by_id, changed, current, listing, made, resource
from common.database import POOL
from common.principals import Role, require, require_company
from common.schemas import ListQuery
from common.wire import parse_json, parse_query, path_id
from services.company.handlers.access import company_of_operator, company_of_staff
from services.company.neighbours import staff_finder
from services.company.repository import fleet as repository
from services.company.schemas.fleet import (
    BusChanges,
    DriverChanges,
    NewBus,
    NewDriver,
    NewLayout,
    bus_wire,
    driver_wire,
    layout_wire,
)
from services.company.service import fleet

if TYPE_CHECKING:
    from aiohttp import web

LIST = ListQuery()
NEW_LAYOUT = NewLayout()
NEW_BUS = NewBus()
BUS_CHANGES = BusChanges()
NEW_DRIVER = NewDriver()
DRIVER_CHANGES = DriverChanges()


async def list_layouts(request: web.Request) -> web.Response:
    company_id = await company_of_staff(request)
    query = parse_query(request, LIST)
    rows = await repository.list_layouts(
        request.app[POOL], company_id, after_id(query, UUID), query["limit"] + 1
    )
    return listing(rows, query["limit"], layout_wire, by_id)


async def show_layout(request: web.Request) -> web.Response:
    require(request)
    layout = await fleet.find_layout(request.app[POOL], path_id(request, "id"))
    require_company(request, layout["company_id"])
    return resource(request, layout_wire(layout))


async def create_layout(request: web.Request) -> web.Response:
    company_id = await company_of_operator(request)
    layout = layout_wire(
        await fleet.create_layout(request.app[POOL], company_id, await parse_json(request, NEW_LAYOUT))
    )
    return made(layout, f"/api/layouts/{layout['id']}")


async def list_buses(request: web.Request) -> web.Response:
    company_id = await company_of_staff(request)
    query = parse_query(request, LIST)
    rows = await repository.list_buses(
        request.app[POOL], company_id, after_id(query, UUID), query["limit"] + 1
    )
    return listing(rows, query["limit"], bus_wire, by_id)


async def show_bus(request: web.Request) -> web.Response:
    require(request)
    bus = await fleet.find_bus(request.app[POOL], path_id(request, "id"))
    require_company(request, bus["company_id"])
    return resource(request, bus_wire(bus))


async def create_bus(request: web.Request) -> web.Response:
    company_id = await company_of_operator(request)
    bus = bus_wire(await fleet.create_bus(request.app[POOL], company_id, await parse_json(request, NEW_BUS)))
    return made(bus, f"/api/buses/{bus['id']}")


async def change_bus(request: web.Request) -> web.Response:
    require(request)
    bus = await fleet.find_bus(request.app[POOL], path_id(request, "id"))
    require_company(request, bus["company_id"], Role.OPERATOR)
    changes = await parse_json(request, BUS_CHANGES)
    bus = await fleet.change_bus(request.app[POOL], bus["id"], changes, is_current=current(request, bus_wire))
    return changed(bus_wire(bus))


async def list_drivers(request: web.Request) -> web.Response:
    company_id = await company_of_staff(request)
    query = parse_query(request, LIST)
    rows = await repository.list_drivers(
        request.app[POOL], company_id, after_id(query, UUID), query["limit"] + 1
    )
    return listing(rows, query["limit"], driver_wire, by_id)


async def show_driver(request: web.Request) -> web.Response:
    require(request)
    driver = await fleet.find_driver(request.app[POOL], path_id(request, "id"))
    require_company(request, driver["company_id"])
    return resource(request, driver_wire(driver))


async def create_driver(request: web.Request) -> web.Response:
    company_id = await company_of_operator(request)
    driver = driver_wire(
        await fleet.create_driver(
            request.app[POOL],
            company_id,
            await parse_json(request, NEW_DRIVER),
            find_staff=staff_finder(request),
        )
    )
    return made(driver, f"/api/drivers/{driver['id']}")


async def change_driver(request: web.Request) -> web.Response:
    require(request)
    driver = await fleet.find_driver(request.app[POOL], path_id(request, "id"))
    require_company(request, driver["company_id"], Role.OPERATOR)
    changes = await parse_json(request, DRIVER_CHANGES)
    driver = await fleet.change_driver(
        request.app[POOL],
        driver,
        changes,
        find_staff=staff_finder(request),
        is_current=current(request, driver_wire),
    )
    return changed(driver_wire(driver))
