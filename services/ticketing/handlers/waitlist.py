"""Requests of those who wait for seats."""

from __future__ import annotations

from uuid import UUID

from aiohttp import web

from common.answers import after_id, by_id, listing, made
from common.database import POOL
from common.principals import require
from common.schemas import ListQuery
from common.wire import parse_json, parse_query, path_id
from services.ticketing.repository import waitlist as repository
from services.ticketing.schemas.waitlist import NewWaiting, waiting_wire
from services.ticketing.service import waitlist

NEW = NewWaiting()
LIST = ListQuery()


async def wait_for_seats(request: web.Request) -> web.Response:
    by = require(request)
    trip_id = path_id(request, "id")
    asked = await parse_json(request, NEW)
    row = await waitlist.wait_for_seats(
        request, by, trip_id, asked["from_seq"], asked["to_seq"], asked["seats"]
    )
    return made(waiting_wire(row), f"/api/waitlist/{row['id']}")


async def list_waiting(request: web.Request) -> web.Response:
    by = require(request)
    query = parse_query(request, LIST)
    rows = await repository.list_waiting(
        request.app[POOL], by.user_id, after_id(query, UUID), query["limit"] + 1
    )
    return listing(rows, query["limit"], waiting_wire, by_id)


async def give_up(request: web.Request) -> web.Response:
    by = require(request)
    await waitlist.give_up(request.app[POOL], by, path_id(request, "id"))
    return web.Response(status=204, headers={"Cache-Control": "no-store"})
