"""Brings a feed into the database, inside the caller's transaction: whole or not at all.

What was imported before is recognised: stops by their codes, routes by the hash of their pattern, timetables
by the feed's ids. So importing a feed again changes only what has changed, and what it has no more is dropped
unless departures are made of it; those stay in any case.
"""

from __future__ import annotations

import asyncio
from itertools import accumulate
from typing import TYPE_CHECKING, Any
from uuid import UUID

from common.ids import uuid7
from services.company.domain.places import slug
from services.company.gtfs.feed import Call, Pattern
from services.company.gtfs.problems import FeedError
from services.company.repository import gtfs as repository

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping

    from common.database import Connection
    from services.company.gtfs.feed import Feed, Stop
    from services.company.repository.gtfs import Row

STEPS = 4
TURN = 100


async def load_feed(
    conn: Connection,
    company: Mapping[str, Any],
    feed: Feed,
    city: str | None,
    progress: Callable[[int, int], Awaitable[None]],
) -> dict[str, Any]:
    """Load everything; answers the counts. Raises FeedError for new stops that are in no city.

    `city` is for stops of which the feed names none. `progress` is told how many of how many steps are done.
    """
    company_id = company["id"]
    stop_ids = await _load_stops(conn, company_id, feed, city)
    await progress(1, STEPS)
    route_ids, keys = await _load_routes(conn, company, feed, stop_ids)
    await progress(2, STEPS)
    await _load_timetables(conn, company_id, feed, route_ids)
    await progress(3, STEPS)
    await repository.withdraw_timetables(conn, company_id, [trip.trip_id for trip in feed.trips])
    await repository.withdraw_routes(conn, company_id, keys)
    await repository.drop_idle_calendars(conn, company_id)
    await progress(STEPS, STEPS)
    return {
        "agencies": feed.agencies,
        "stops": len(feed.stops),
        "routes": len(feed.patterns),
        "timetables": len(feed.trips),
        "calendars": len(feed.services),
        "skipped": feed.skipped,
    }


async def _load_stops(conn: Connection, company_id: UUID, feed: Feed, city: str | None) -> dict[str, UUID]:
    """Ids of the feed's stops by code."""
    known = {
        row["code"]: row
        for row in await repository.stops_by_code(conn, company_id, [stop.code for stop in feed.stops])
    }
    ids: dict[str, UUID] = {}
    rows = []
    for stop in feed.stops:
        before = known.get(stop.code)
        ids[stop.code] = uuid7() if before is None else before["id"]
        town = _city(stop, city, before)
        row = (stop.code, stop.name, town, slug(town), stop.lat, stop.lon, stop.time_zone)
        rows.append((ids[stop.code], *row))
    if rows:
        await repository.upsert_stops(conn, company_id, rows)
    return ids


def _city(stop: Stop, city: str | None, before: Mapping[str, Any] | None) -> str:
    """What the feed says, then the caller, then what was there before."""
    found = stop.city or city or (before["city"] if before is not None else None)
    if found is None:
        message = "The feed does not say in which city its stops are: name it with ?city=."
        raise FeedError({"city": [message]})
    if not slug(found):
        raise FeedError({"city": [f"{found!r} has neither letters nor digits."]})
    return str(found)


async def _load_routes(
    conn: Connection, company: Mapping[str, Any], feed: Feed, stop_ids: Mapping[str, UUID]
) -> tuple[list[UUID], list[str]]:
    """Ids of the feed's patterns, in their order, and the keys that their routes have."""
    known = await repository.routes_by_pattern(conn, company["id"])
    known |= await _routes_of_our_own(conn, company["id"], feed, stop_ids)
    priced = await _routes_by_way(conn, company["id"], stop_ids) if feed.guessed_fares else {}
    ids, keys = [], []
    new, old = [], []
    for number, pattern in enumerate(feed.patterns):
        await _let_others(number)
        key = (priced and priced.get(pattern.way)) or pattern.key
        route_id = known.get(key)
        if route_id is None:
            route_id = uuid7()
            new.append((route_id, key, pattern))
        else:
            old.append((route_id, pattern.code, pattern.name, pattern.distance_km))
        ids.append(route_id)
        keys.append(key)
    await repository.copy_routes(conn, _new_routes(company, new, stop_ids))
    if old:
        await repository.update_routes(conn, old)
    return ids, keys


async def _new_routes(
    company: Mapping[str, Any], new: Iterable[tuple[UUID, str, Pattern]], stop_ids: Mapping[str, UUID]
) -> AsyncIterator[tuple[Any, ...]]:
    """Rows for `copy_routes`, made one by one: all calls of a large feed at once are a gigabyte."""
    texts = {code: str(stop_id) for code, stop_id in stop_ids.items()}
    for number, (route_id, key, pattern) in enumerate(new):
        await _let_others(number)
        row = (route_id, company["id"], pattern.code, pattern.name, pattern.distance_km, company["currency"])
        yield (*row, _calls(pattern, texts), pattern.gtfs_route_id, key)


async def _let_others(number: int) -> None:
    """Now and then, in a long loop, let the event loop answer somebody else."""
    if number % TURN == TURN - 1:
        await asyncio.sleep(0)


async def _routes_by_way(conn: Connection, company_id: UUID, stop_ids: Mapping[str, UUID]) -> dict[str, str]:
    """Keys of the active routes of the import before by their ways, to keep the fares that they have."""
    codes = {str(stop_id): code for code, stop_id in stop_ids.items()}
    routes = await repository.routes_in_force(conn, company_id)
    priced = {}
    for number, row in enumerate(routes):
        await _let_others(number)
        priced[_pattern(row, row["gtfs_route_id"], codes).way] = row["gtfs_pattern"]
    return priced


async def _routes_of_our_own(
    conn: Connection, company_id: UUID, feed: Feed, stop_ids: Mapping[str, UUID]
) -> dict[str, UUID]:
    """Routes made by hand that come back in an export of ours, unchanged: by the key they have there."""
    named = {route_id for pattern in feed.patterns if (route_id := _uuid(pattern.gtfs_route_id))}
    if not named:
        return {}
    codes = {str(stop_id): code for code, stop_id in stop_ids.items()}
    routes = await repository.routes_by_id(conn, company_id, named)
    return {_pattern(route, str(route["id"]), codes).key: route["id"] for route in routes}


def _pattern(route: Row, gtfs_route_id: str, codes: Mapping[str, str]) -> Pattern:
    """A route that is there, as a feed has it; `codes` are those of the stops, by their ids as text."""
    calls = tuple(
        Call(codes.get(call["stop_id"], ""), call["arrive_s"], call["depart_s"], call["leg_fare_minor"])
        for call in route["calls"]
    )
    return Pattern(gtfs_route_id, route["code"], route["name"], route["distance_km"], calls)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _calls(pattern: Pattern, stop_ids: Mapping[str, str]) -> list[dict[str, Any]]:
    """The way as `routes.calls` has it."""
    sums = accumulate(call.leg_fare for call in pattern.calls)
    return [
        {
            "seq": seq,
            "stop_id": stop_ids[call.stop],
            "arrive_s": call.arrive_s,
            "depart_s": call.depart_s,
            "leg_fare_minor": call.leg_fare,
            "fare_sum_minor": fare_sum,
        }
        for seq, (call, fare_sum) in enumerate(zip(pattern.calls, sums, strict=True))
    ]


async def _load_timetables(conn: Connection, company_id: UUID, feed: Feed, route_ids: list[UUID]) -> None:
    await repository.upsert_calendars(
        conn,
        [
            (
                company_id,
                service.service_id,
                list(service.weekdays),
                service.start_date,
                service.end_date,
                list(service.added),
                list(service.removed),
            )
            for service in feed.services
        ],
    )
    if feed.trips:
        await repository.upsert_timetables(
            conn,
            company_id,
            [
                (
                    uuid7(),
                    trip.trip_id,
                    route_ids[trip.pattern],
                    trip.service_id,
                    trip.headsign,
                    trip.start_s,
                    feed.time_zone,
                )
                for trip in feed.trips
            ],
        )
