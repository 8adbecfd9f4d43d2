"""How things are answered: fresh or unchanged, made, or page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from common.cursors import decode_cursor, encode_cursor
from common.encoding import dump_json
from common.wire import etag_for, json_response, not_modified, require_match, written

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from aiohttp import web

    Row = Mapping[str, Any]

NO_STORE = {"Cache-Control": "no-store"}


def resource(request: web.Request, data: dict[str, Any]) -> web.Response:
    """200 with the version's ETag, or 304 if the client has it."""
    content = dump_json(data)
    etag = etag_for(content)
    unchanged = not_modified(request, etag)
    if unchanged is not None:
        return unchanged
    return written(content, headers={"Cache-Control": "no-cache", "ETag": etag})


def changed(data: dict[str, Any]) -> web.Response:
    """200 with the new version's ETag, for a PATCH to follow."""
    content = dump_json(data)
    return written(content, headers={"Cache-Control": "no-cache", "ETag": etag_for(content)})


def made(data: dict[str, Any], location: str) -> web.Response:
    """201 with where it is."""
    content = dump_json(data)
    headers = {"Cache-Control": "no-store", "ETag": etag_for(content), "Location": location}
    return written(content, 201, headers)


def current(request: web.Request, wire: Callable[[Row], dict[str, Any]]) -> Callable[[Row], None]:
    """A check that a row is still the version that If-Match names."""

    def is_current(row: Row) -> None:
        require_match(request, etag_for(dump_json(wire(row))))

    return is_current


def after_id(query: dict[str, Any], kind: type[UUID]) -> UUID | None:
    """Where a list by id goes on."""
    if query["cursor"] is None:
        return None
    after: UUID = decode_cursor(query["cursor"], (kind,))[0]
    return after


def listing(
    rows: Sequence[Row],
    limit: int,
    wire: Callable[[Row], dict[str, Any]],
    key: Callable[[Row], tuple[Any, ...]],
) -> web.Response:
    """A page of `limit` of the rows, of which one more was asked for: it tells that there is more."""
    shown = rows[:limit]
    cursor = encode_cursor(*key(shown[-1])) if len(rows) > limit else None
    return json_response({"items": [wire(row) for row in shown], "next_cursor": cursor}, headers=NO_STORE)


def by_id(row: Row) -> tuple[UUID]:
    """The cursor of a list by id."""
    return (row["id"],)
