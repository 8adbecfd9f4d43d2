"""Requests about places, departures and their seats: open to anyone."""

from __future__ import annotations

from datetime import datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from common.answers import resource
from common.cursors import decode_cursor, encode_cursor
from common.database import POOL
from common.problems import ValidationFailed
from common.wire import json_response, parse_query, path_id
from services.ticketing.schemas.search import PlaceQuery, SearchQuery, StretchQuery, offer_wire, place_wire
from services.ticketing.service import places, search, seatmap

if TYPE_CHECKING:
    from aiohttp import web

PLACES = PlaceQuery()
SEARCH = SearchQuery()
STRETCH = StretchQuery()


async def list_places(request: web.Request) -> web.Response:
    query = parse_query(request, PLACES)
    found = await places.find_places(request.app[POOL], query["q"], query["limit"])
    return json_response(
        {"items": [place_wire(row) for row in found], "next_cursor": None},
        headers={"Cache-Control": "public, max-age=300"},
    )


async def search_trips(request: web.Request) -> web.Response:
    query = parse_query(request, SEARCH)
    question = question_of(query)
    offers, more = await search.search(
        request.app[POOL], question, after_of(query["cursor"], question.sort), query["limit"]
    )
    return json_response(
        {
            "items": [offer_wire(offer) for offer in offers],
            "next_cursor": encode_cursor(question.sort, *more) if more else None,
        },
        headers={"Cache-Control": "public, max-age=5"},
    )


def question_of(query: dict[str, Any]) -> search.Question:
    """What a loaded SearchQuery asks."""
    return search.Question(
        origin=query["from"],
        destination=query["to"],
        day=query["date"],
        since=query["after"] or time(0),
        until=query["before"],
        passengers=query["passengers"],
        sort=query["sort"],
        company_id=query["company_id"],
        seat_class=query["class"],
    )


async def show_seats(request: web.Request) -> web.Response:
    trip_id = path_id(request, "id")
    query = parse_query(request, STRETCH)
    found = await seatmap.read_seats(request, trip_id, query["from"], query["to"])
    return resource(request, seatmap.seat_map_wire(found))


def after_of(cursor: str | None, sort: str) -> search.Key | None:
    """Where a list in this order goes on."""
    if cursor is None:
        return None
    of, key, at, trip_id = decode_cursor(cursor, (str, Decimal, datetime, UUID))
    if of != sort:
        raise ValidationFailed({"cursor": ["It is of a list in another order."]})
    return key, at, trip_id
