"""Requests for passenger lists, as data and on paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import web

from common.answers import NO_STORE
from common.principals import require
from common.web.i18n import LANGUAGES
from common.wire import json_response, parse_query, path_id
from services.ticketing.documents import paper
from services.ticketing.schemas.manifest import ManifestQuery, manifest_wire
from services.ticketing.service import manifest

if TYPE_CHECKING:
    from collections.abc import Sequence

QUERY: Final = ManifestQuery()
MEDIA_TYPES: Final = {"application/json": "json", "text/csv": "csv", "application/pdf": "pdf"}


async def show_manifest(request: web.Request) -> web.Response:
    by = require(request)
    trip_id = path_id(request, "id")
    wanted = parse_query(request, QUERY)["format"] or _accepted(request)
    found = manifest_wire(await manifest.make_manifest(request, by, trip_id))
    if wanted == "json":
        return json_response(found, headers=NO_STORE)
    name = f"manifest-{found['trip']['service_date']}.{wanted}"
    headers = {**NO_STORE, "Content-Disposition": f'attachment; filename="{name}"'}
    if wanted == "csv":
        return web.Response(
            body=paper.manifest_csv(found), content_type="text/csv", charset="utf-8", headers=headers
        )
    # In English: it is the crew's.
    body = await paper.print_manifest(request.app[LANGUAGES].first, found)
    return web.Response(body=body, content_type="application/pdf", headers=headers)


def _accepted(request: web.Request) -> str:
    """The first format that Accept names; JSON if it names none of them."""
    named: Sequence[str] = [
        part.partition(";")[0].strip().lower() for part in request.headers.get("Accept", "").split(",")
    ]
    return next((MEDIA_TYPES[media_type] for media_type in named if media_type in MEDIA_TYPES), "json")
