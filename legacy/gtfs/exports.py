"""Reads what a company runs, all of it at one moment, and has it written as a feed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from common.database import transaction
from legacy.gtfs.export import Network, span_of, write_feed
from legacy.queries import gtfs as queries
from legacy.queries.network import stops_of_routes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from common.database import Pool


async def export_feed(
    pool: Pool, company: Mapping[str, Any], first: date, last: date, public_url: str
) -> bytes:
    """The zip of the company's network, and of its departures from `first` to `last` in its time zone."""
    company_id = company["id"]
    since, until = span_of(first, last, ZoneInfo(company["time_zone"]))
    async with transaction(pool, "repeatable_read", readonly=True) as conn:
        await queries.set_long_statements(conn)
        timetables = await queries.timetables_to_export(conn, company_id)
        departures = await queries.trips_to_export(conn, company_id, since, until)
        used = {row["route_id"] for row in (*timetables, *departures)}
        routes = await queries.routes_to_export(conn, company_id, list(used))
        network = Network(
            company,
            await queries.all_stops(conn, company_id),
            routes,
            await stops_of_routes(conn, [route["id"] for route in routes]),
            timetables,
            await queries.calendars_to_export(conn, company_id),
            departures,
        )
    return await asyncio.to_thread(write_feed, network, first, last, public_url)
