"""Requests about codes and check-ins."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aiohttp import web

from common import idempotency
from common.answers import NO_STORE, after_id, by_id, listing
from common.database import POOL
from common.events import until_seen
from common.principals import require
from common.reading import read_through
from common.schemas import ListQuery
from common.wire import etag_for, json_response, not_modified, parse_json, parse_query, path_id
from services.qr.domain.images import draw_png, draw_svg
from services.qr.domain.scans import Presented
from services.qr.errors import Unheard
from services.qr.keys import CODE_KEYS
from services.qr.repository import scans
from services.qr.schemas import (
    CheckInBatch,
    CodeQuery,
    NewCheckIn,
    ShownCode,
    batch_wire,
    check_in_wire,
    recorded_wire,
)
from services.qr.service import asking, batches, checkins, codes, offline, verification
from services.qr.service.verification import STAFF

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from common.database import Connection
    from common.principals import Principal
    from services.qr.service.asking import Ask

CODE_QUERY = CodeQuery()
SHOWN_CODE = ShownCode()
NEW_CHECK_IN = NewCheckIn()
BATCH = CheckInBatch()
LIST = ListQuery()
PNG_SIZE = 512


def asker(request: web.Request) -> Ask:
    """Asks owners as whoever makes this request."""
    return partial(read_through, request)


async def show_code(request: web.Request) -> web.Response:
    by = require(request)
    query = parse_query(request, CODE_QUERY)
    ticket = await codes.find_facts(request.app[POOL], by, path_id(request, "id"), asker(request))
    token = codes.code_of(request.app[CODE_KEYS], ticket)
    if query["format"] == "json":
        return json_response(codes.code_wire(ticket["id"], token), headers=NO_STORE)

    # An image is kept by the reader alone, and asked for again each time: after a reissue it is another one.
    etag = etag_for([token, query])
    headers = {"Cache-Control": "private, no-cache", "ETag": etag}
    if unchanged := not_modified(request, etag):
        unchanged.headers.update(headers)
        return unchanged
    if query["format"] == "png":
        image = await asyncio.to_thread(draw_png, token, query["size"] or PNG_SIZE, query["ec"])
        return web.Response(body=image, content_type="image/png", headers=headers)
    drawing = await asyncio.to_thread(draw_svg, token, query["ec"], query["size"])
    return web.Response(body=drawing, content_type="image/svg+xml", headers=headers)


async def list_keys(request: web.Request) -> web.Response:  # ruff: ignore[unused-async] — aiohttp wants a coroutine
    keys = codes.keys_wire(request.app[CODE_KEYS])
    return json_response({"keys": keys}, headers={"Cache-Control": "public, max-age=300"})


async def verify_code(request: web.Request) -> web.Response:
    by = require(request, *STAFF)
    shown = await parse_json(request, SHOWN_CODE)
    verdict = await verification.verify_code(
        request.app[POOL],
        request.app[CODE_KEYS],
        by,
        shown["token"],
        trip_id=shown["trip_id"],
        stop_seq=shown["stop_seq"],
        ask=asker(request),
    )
    return json_response(verification.verdict_body(verdict), headers=NO_STORE)


async def show_offline_list(request: web.Request) -> web.Response:
    by = require(request, *STAFF)
    found = await offline.make_offline_list(
        request.app[POOL], request.app[CODE_KEYS], by, path_id(request, "id"), asker(request)
    )
    etag = etag_for(found)
    headers = {"Cache-Control": "private, no-cache", "ETag": etag}
    if unchanged := not_modified(request, etag):
        unchanged.headers.update(headers)
        return unchanged
    return json_response({**found, "generated_at": datetime.now(UTC)}, headers=headers)


async def check_in(request: web.Request) -> web.Response:
    by = require(request, *STAFF)
    shown = presented(await parse_json(request, NEW_CHECK_IN), datetime.now(UTC))

    async def work(conn: Connection, *, asked: bool) -> web.Response:
        done = await checkins.check_in(conn, request.app[CODE_KEYS], by, shown, asked=asked)
        return json_response(check_in_wire(done), 200 if done.replayed else 201, NO_STORE)

    if idempotency.HEADER not in request.headers:
        # One statement writes the scan, or does not: it needs no transaction around it.
        answer: web.Response = await asking_once(request, by, partial(work, request.app[POOL]))
    else:
        answer = await _once_for_key(request, by, work)
    if answer.status == 201:
        await until_seen(request)  # a ticket that is used is not given back a moment later
    return answer


async def check_in_batch(request: web.Request) -> web.Response:
    by = require(request, *STAFF)
    batch = await parse_json(request, BATCH)
    shown = [presented(scan, scan["scanned_at"]) for scan in batch["scans"]]

    async def work(conn: Connection, *, asked: bool) -> web.Response:
        items = await batches.record_batch(conn, request.app[CODE_KEYS], by, shown, asked=asked)
        return json_response(batch_wire(items), headers=NO_STORE)

    answer = await _once_for_key(request, by, work)
    await until_seen(request)
    return answer


async def list_check_ins(request: web.Request) -> web.Response:
    by = require(request, *STAFF)
    query = parse_query(request, LIST)
    trip = await verification.trip_of_staff(request.app[POOL], by, path_id(request, "id"), asker(request))
    rows = await scans.list_recorded(request.app[POOL], trip["id"], after_id(query, UUID), query["limit"] + 1)
    return listing(rows, query["limit"], recorded_wire, by_id)


async def asking_once(request: web.Request, by: Principal, work: Callable[..., Awaitable[Any]]) -> Any:
    """Do the work; if it rests on what has not been heard, ask the owners, and do it with what they say."""
    try:
        return await work(asked=False)
    except Unheard as unheard:
        await asking.ask_for_tickets(request.app[POOL], by, unheard.ticket_ids, asker(request))
    return await work(asked=True)


async def _once_for_key(
    request: web.Request, by: Principal, work: Callable[..., Awaitable[web.Response]]
) -> web.Response:
    body = await request.read()

    async def run(*, asked: bool) -> web.Response:
        return await idempotency.run_once(request.app[POOL], request, by, body, partial(work, asked=asked))

    answer: web.Response = await asking_once(request, by, run)
    return answer


def presented(scan: dict[str, Any], scanned_at: datetime) -> Presented:
    """A scan as the wire brought it."""
    return Presented(
        token=scan["token"],
        trip_id=scan["trip_id"],
        nonce=scan["nonce"],
        stop_seq=scan["stop_seq"],
        device_id=scan.get("device_id"),
        scanned_at=scanned_at,
    )
