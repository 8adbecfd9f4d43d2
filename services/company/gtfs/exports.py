"""Reads what a company runs, all of it at one moment, and has it written as a feed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from common.database import transaction
from services.company.gtfs.export import Network, span_of, write_feed
from services.company.repository import gtfs as repository

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
        await repository.set_long_statements(conn)
        timetables = await repository.timetables_to_export(conn, company_id)
        departures = await repository.trips_to_export(conn, company_id, since, until)
        used = {row["route_id"] for row in (*timetables, *departures)}
        routes = await repository.routes_to_export(conn, company_id, list(used))
        network = Network(
            company,
            await repository.all_stops(conn, company_id),
            routes,
            timetables,
            await repository.calendars_to_export(conn, company_id),
            departures,
        )
    return await asyncio.to_thread(write_feed, network, first, last, public_url)
