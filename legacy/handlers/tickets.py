"""Requests about single tickets and about passenger lists, as data and on paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from common.answers import NO_STORE, changed, resource
from common.database import POOL, transaction
from common.encoding import dump_json
from common.principals import require
from common.schemas import StrictSchema
from common.wire import etag_for, json_response, not_modified, parse_json, parse_query, path_id
from legacy import manifest, paper, tickets
from legacy.desk import desk_of
from legacy.schemas.bookings import whole_ticket_wire
from legacy.schemas.manifest import ManifestQuery, manifest_wire

if TYPE_CHECKING:
    from collections.abc import Sequence


class NothingMore(StrictSchema):
    """A body that says no more than that it is meant."""


NOTHING = NothingMore()
MANIFEST = ManifestQuery()
MEDIA_TYPES = {"application/json": "json", "text/csv": "csv", "application/pdf": "pdf"}


async def show_ticket(request: web.Request) -> web.Response:
    by = require(request)
    found = await tickets.find_ticket(request.app[POOL], by, path_id(request, "id"))
    return resource(request, whole_ticket_wire(*found))


async def print_ticket(request: web.Request) -> web.Response:
    by = require(request)
    booking, ticket = await tickets.find_confirmed(request.app[POOL], by, path_id(request, "id"))
    sheet = paper.ticket_sheet(desk_of(request.app), booking, ticket)
    etag = etag_for(dump_json([whole_ticket_wire(booking, ticket), ticket["qr_serial"], sheet.language]))
    headers = {"Cache-Control": "private, no-cache", "ETag": etag}
    if unchanged := not_modified(request, etag):
        unchanged.headers.update(headers)
        return unchanged
    name = f"{booking['reference']}-{ticket['seat']}.pdf"
    headers["Content-Disposition"] = f'inline; filename="{name}"'
    return web.Response(body=await paper.print_ticket(sheet), content_type="application/pdf", headers=headers)


async def reissue_ticket(request: web.Request) -> web.Response:
    by = require(request)
    ticket_id = path_id(request, "id")
    if request.can_read_body:
        await parse_json(request, NOTHING)
    async with transaction(request.app[POOL]) as conn:
        found = await tickets.reissue(conn, desk_of(request.app), by, ticket_id)
    return changed(whole_ticket_wire(*found))


async def show_manifest(request: web.Request) -> web.Response:
    by = require(request)
    trip_id = path_id(request, "id")
    wanted = parse_query(request, MANIFEST)["format"] or _accepted(request)
    found = await manifest.make_manifest(request.app[POOL], by, trip_id)
    if wanted == "json":
        return json_response(manifest_wire(found), headers=NO_STORE)
    headers = {
        **NO_STORE,
        "Content-Disposition": f'attachment; filename="manifest-{found.trip["service_date"]}.{wanted}"',
    }
    if wanted == "csv":
        return web.Response(
            body=paper.manifest_csv(found), content_type="text/csv", charset="utf-8", headers=headers
        )
    body = await paper.print_manifest(desk_of(request.app), found)
    return web.Response(body=body, content_type="application/pdf", headers=headers)


def _accepted(request: web.Request) -> str:
    """The first format that Accept names; JSON if it names none of them."""
    named: Sequence[str] = [
        part.partition(";")[0].strip().lower() for part in request.headers.get("Accept", "").split(",")
    ]
    return next((MEDIA_TYPES[media_type] for media_type in named if media_type in MEDIA_TYPES), "json")
