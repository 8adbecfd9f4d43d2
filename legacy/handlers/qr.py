"""Requests about codes and check-ins."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aiohttp import web

from common.cursors import decode_cursor, page
from common.database import POOL
from common.idempotency import run_once
from common.principals import require
from common.schemas import ListQuery
from common.wire import etag_for, json_response, not_modified, parse_json, parse_query, path_id
from legacy import checkins, codes, offline, scan_batches, verification
from legacy.keys import QR_KEYS
from legacy.qr_images import draw_png, draw_svg
from legacy.queries import checkins as queries
from legacy.schemas.qr import (
    CheckInBatch,
    CodeQuery,
    NewCheckIn,
    ShownCode,
    batch_wire,
    check_in_wire,
    recorded_wire,
)
from legacy.verification import STAFF

if TYPE_CHECKING:
    from common.database import Connection

CODE_QUERY = CodeQuery()
SHOWN_CODE = ShownCode()
NEW_CHECK_IN = NewCheckIn()
BATCH = CheckInBatch()
LIST = ListQuery()
NO_STORE = {"Cache-Control": "no-store"}
PNG_SIZE = 512
DOMAIN = "qr"  # whose keys these are: the services keep each domain's apart


async def show_code(request: web.Request) -> web.Response:
    by = require(request)
    query = parse_query(request, CODE_QUERY)
    ticket = await codes.find_ticket(request.app[POOL], by, path_id(request, "id"))
    token = codes.code_of(request.app[QR_KEYS], ticket)
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
    keys = codes.keys_wire(request.app[QR_KEYS])
    return json_response({"keys": keys}, headers={"Cache-Control": "public, max-age=300"})


async def verify_code(request: web.Request) -> web.Response:
    by = require(request, *STAFF)
    shown = await parse_json(request, SHOWN_CODE)
    verdict = await verification.verify_code(
        request.app[POOL],
        request.app[QR_KEYS],
        by,
        shown["token"],
        trip_id=shown["trip_id"],
        stop_seq=shown["stop_seq"],
    )
    return json_response(verification.verdict_body(verdict), headers=NO_STORE)


async def show_offline_list(request: web.Request) -> web.Response:
    by = require(request, *STAFF)
    found = await offline.make_offline_list(
        request.app[POOL], request.app[QR_KEYS], by, path_id(request, "id")
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

    async def work(conn: Connection) -> web.Response:
        done = await checkins.check_in(conn, request.app[QR_KEYS], by, shown)
        return json_response(check_in_wire(done.scan), 200 if done.replayed else 201, NO_STORE)

    return await run_once(request.app[POOL], request, by, await request.read(), work, within=DOMAIN)


async def check_in_batch(request: web.Request) -> web.Response:
    by = require(request, *STAFF)
    batch = await parse_json(request, BATCH)
    scans = [presented(scan, scan["scanned_at"]) for scan in batch["scans"]]

    async def work(conn: Connection) -> web.Response:
        items = await scan_batches.record_batch(conn, request.app[QR_KEYS], by, scans)
        return json_response(batch_wire(items), headers=NO_STORE)

    return await run_once(request.app[POOL], request, by, await request.read(), work, within=DOMAIN)


async def list_check_ins(request: web.Request) -> web.Response:
    by = require(request, *STAFF)
    query = parse_query(request, LIST)
    trip = await verification.trip_of_staff(request.app[POOL], by, path_id(request, "id"))
    after = decode_cursor(query["cursor"], (UUID,))[0] if query["cursor"] else None
    rows = await queries.list_check_ins(request.app[POOL], trip["id"], after, query["limit"] + 1)
    shown = page(rows, query["limit"], lambda row: (row["id"],))
    items = [recorded_wire(row) for row in shown["items"]]
    return json_response({**shown, "items": items}, headers=NO_STORE)


def presented(scan: dict[str, Any], scanned_at: datetime) -> checkins.Presented:
    """A scan as the wire brought it."""
    return checkins.Presented(
        token=scan["token"],
        trip_id=scan["trip_id"],
        nonce=scan["nonce"],
        stop_seq=scan["stop_seq"],
        device_id=scan["device_id"],
        scanned_at=scanned_at,
    )
