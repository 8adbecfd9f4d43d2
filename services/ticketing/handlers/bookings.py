"""Requests about bookings and refund offers."""

from __future__ import annotations

from itertools import starmap
from typing import TYPE_CHECKING, Any
from uuid import UUID

from common.answers import NO_STORE, after_id, made, resource
from common.cursors import encode_cursor
from common.database import POOL, transaction
from common.events import until_seen
from common.idempotency import run_once
from common.principals import require
from common.wire import json_response, load, parse_json, parse_query, path_id
from services.ticketing.desk import desk_of
from services.ticketing.schemas.bookings import (
    BookingCancellation,
    BookingQuery,
    NewBooking,
    TicketsGivenBack,
    booking_wire,
    offer_wire,
    order_of,
)
from services.ticketing.service import bookings, cancellations, sales

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aiohttp import web

    from common.database import Connection

NEW = NewBooking()
QUERY = BookingQuery()
GIVEN_BACK = TicketsGivenBack()
CANCELLATION = BookingCancellation()


async def hold_seats(request: web.Request) -> web.Response:
    by = require(request)
    order = order_of(await parse_json(request, NEW))
    return await sales.hold_once(request, by, order, _made)


def _made(row: Mapping[str, Any], tickets: Sequence[Mapping[str, Any]]) -> web.Response:
    booking = booking_wire(row, tickets)
    return made(booking, f"/api/bookings/{booking['id']}")


async def list_bookings(request: web.Request) -> web.Response:
    by = require(request)
    query = parse_query(request, QUERY)
    limit = query["limit"]
    found = await bookings.list_bookings(
        request.app[POOL],
        by.user_id,
        status=query["status"],
        when=query["when"],
        after=after_id(query, UUID),
        limit=limit + 1,
    )
    shown = found[:limit]
    more = encode_cursor(shown[-1][0]["id"]) if len(found) > limit else None
    items = list(starmap(booking_wire, shown))
    return json_response({"items": items, "next_cursor": more}, headers=NO_STORE)


async def show_booking(request: web.Request) -> web.Response:
    by = require(request)
    found = await bookings.read_booking(request.app[POOL], by, path_id(request, "id"))
    return resource(request, booking_wire(*found))


async def cancel_booking(request: web.Request) -> web.Response:
    by = require(request)
    booking_id = path_id(request, "id")
    asked = await parse_json(request, CANCELLATION) if request.can_read_body else load(CANCELLATION, {})
    desk = desk_of(request.app)

    async def work(conn: Connection) -> web.Response:
        await cancellations.cancel(
            conn, desk, by, booking_id, ticket_ids=asked["ticket_ids"], offer_id=asked["offer_id"]
        )
        found = await bookings.find_booking(conn, by, booking_id)
        return json_response(booking_wire(*found), headers=NO_STORE)

    answer = await run_once(request.app[POOL], request, by, await request.read(), work)
    await until_seen(request)  # nobody boards with it, and nobody pays for it
    return answer


async def make_refund_offer(request: web.Request) -> web.Response:
    by = require(request)
    booking_id = path_id(request, "id")
    asked = await parse_json(request, GIVEN_BACK) if request.can_read_body else load(GIVEN_BACK, {})

    async with transaction(request.app[POOL]) as conn:
        offer = await cancellations.make_offer(conn, by, booking_id, asked["ticket_ids"])
    return json_response(
        offer_wire(offer), 201, {**NO_STORE, "Location": f"/api/bookings/{booking_id}/cancel"}
    )
