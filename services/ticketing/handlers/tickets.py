"""Requests about single tickets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.answers import changed, resource
from common.database import POOL, transaction
from common.events import until_seen
from common.principals import require
from common.schemas import StrictSchema
from common.wire import parse_json, path_id
from services.ticketing.schemas.bookings import whole_ticket_wire
from services.ticketing.service import tickets

if TYPE_CHECKING:
    from aiohttp import web


class NothingMore(StrictSchema):
    """A body that says no more than that it is meant."""


NOTHING = NothingMore()


async def show_ticket(request: web.Request) -> web.Response:
    by = require(request)
    found = await tickets.find_ticket(request.app[POOL], by, path_id(request, "id"))
    return resource(request, whole_ticket_wire(*found))


async def reissue_ticket(request: web.Request) -> web.Response:
    by = require(request)
    ticket_id = path_id(request, "id")
    if request.can_read_body:
        await parse_json(request, NOTHING)
    async with transaction(request.app[POOL]) as conn:
        found = await tickets.reissue(conn, by, ticket_id)
    await until_seen(request)  # the code made before opens no door any more
    return changed(whole_ticket_wire(*found))
