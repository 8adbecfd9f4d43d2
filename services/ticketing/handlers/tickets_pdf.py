"""Requests for a ticket on paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from common.database import POOL
from common.encoding import dump_json
from common.principals import require
from common.problems import Unavailable
from common.reading import read_through
from common.web.i18n import LANGUAGES
from common.wire import etag_for, not_modified, path_id
from services.ticketing.documents import paper
from services.ticketing.schemas.bookings import whole_ticket_wire
from services.ticketing.service import tickets

if TYPE_CHECKING:
    from uuid import UUID

RETRY_AFTER_S: Final = 2


async def print_ticket(request: web.Request) -> web.Response:
    """A confirmed ticket with its QR code, in the language of whoever booked it."""
    by = require(request)
    booking, ticket = await tickets.find_confirmed(request.app[POOL], by, path_id(request, "id"))
    languages = request.app[LANGUAGES]
    reader = languages.get(booking["user_locale"]) or languages.first
    whole = whole_ticket_wire(booking, ticket)
    etag = etag_for(dump_json([whole, ticket["qr_serial"], reader.code]))
    headers = {"Cache-Control": "private, no-cache", "ETag": etag}
    if unchanged := not_modified(request, etag):
        unchanged.headers.update(headers)
        return unchanged
    code = await _code_of(request, ticket["id"], ticket["qr_serial"])
    headers["Content-Disposition"] = f'inline; filename="{booking["reference"]}-{ticket["seat"]}.pdf"'
    return web.Response(
        body=await paper.print_ticket(reader, whole, code), content_type="application/pdf", headers=headers
    )


async def _code_of(request: web.Request, ticket_id: UUID, serial: int) -> str:
    """The text of the ticket's code, of that serial: an older one would be refused at the door.

    Raises Unavailable while qr does not answer, or has not heard yet that the ticket is good or reissued.
    """
    code: dict[str, Any] | None
    try:
        code = await read_through(request, f"/api/tickets/{ticket_id}/qr?format=json")
    except Unavailable:
        code = None
    if code is None or code["serial"] != serial:
        raise Unavailable(
            "The code of this ticket cannot be had at the moment. Try again in a moment.",
            retry_after=RETRY_AFTER_S,
        )
    token: str = code["token"]
    return token
