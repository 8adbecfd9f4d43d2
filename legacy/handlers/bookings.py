"""Requests about bookings and refund offers."""

from __future__ import annotations

from itertools import starmap
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg

from common.answers import NO_STORE, after_id, made, resource
from common.cursors import encode_cursor
from common.database import POOL, retry_serialization, transaction
from common.idempotency import run_once
from common.principals import require
from common.wire import json_response, load, parse_json, parse_query, path_id
from legacy import bookings, cancellations, holds
from legacy.desk import desk_of
from legacy.schemas.bookings import (
    BookingCancellation,
    BookingQuery,
    NewBooking,
    TicketsGivenBack,
    booking_wire,
    offer_wire,
    order_of,
)

if TYPE_CHECKING:
    from aiohttp import web

    from common.database import Connection

NEW = NewBooking()
QUERY = BookingQuery()
GIVEN_BACK = TicketsGivenBack()
CANCELLATION = BookingCancellation()
REFERENCES_TRIED = 3
DOMAIN = "ticketing"  # whose keys these are: the services keep each domain's apart


async def hold_seats(request: web.Request) -> web.Response:
    by = require(request)
    order = order_of(await parse_json(request, NEW))
    desk, body = desk_of(request.app), await request.read()

    async def work(conn: Connection) -> web.Response:
        booking = booking_wire(*await holds.hold_seats(conn, desk, by, order))
        return made(booking, f"/api/bookings/{booking['id']}")

    for _ in range(REFERENCES_TRIED - 1):
        try:
            return await retry_serialization(
                lambda: run_once(request.app[POOL], request, by, body, work, within=DOMAIN)
            )
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name != "bookings_reference_key":
                raise
    return await run_once(request.app[POOL], request, by, body, work, within=DOMAIN)


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
    found = await bookings.find_booking(request.app[POOL], by, path_id(request, "id"))
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

    return await run_once(request.app[POOL], request, by, await request.read(), work, within=DOMAIN)


async def make_refund_offer(request: web.Request) -> web.Response:
    by = require(request)
    booking_id = path_id(request, "id")
    asked = await parse_json(request, GIVEN_BACK) if request.can_read_body else load(GIVEN_BACK, {})

    async with transaction(request.app[POOL]) as conn:
        offer = await cancellations.make_offer(conn, by, booking_id, asked["ticket_ids"])
    return json_response(
        offer_wire(offer), 201, {**NO_STORE, "Location": f"/api/bookings/{booking_id}/cancel"}
    )
