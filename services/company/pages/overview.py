"""The operator's first page: today, what leaves next, what is still lacking, and what to do first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import starmap
from typing import TYPE_CHECKING
from uuid import UUID

from common.database import POOL
from common.web.layout import render
from services.company.pages.frame import company_of, day_span, frame, local_today
from services.company.repository import boards, mirrors
from services.company.schemas.schedule import trip_wire
from services.company.service import schedule

if TYPE_CHECKING:
    from aiohttp import web

NEXT_DEPARTURES = 10
JUST_LEFT = timedelta(minutes=30)
LOOK_AHEAD = timedelta(days=2)
MOST_LACKING = 10
LEAST_ID = UUID(int=0)


async def show_overview(request: web.Request) -> web.Response:
    """What the company has, what leaves next, and what to do first where there is nothing yet."""
    company = await company_of(request)
    pool = request.app[POOL]
    now = datetime.now(UTC)
    today = local_today(company)
    ahead = await schedule.list_trips(
        pool,
        company,
        first=None,
        last=None,
        route_id=None,
        status=None,
        after=(now - JUST_LEFT, LEAST_ID),
        limit=NEXT_DEPARTURES,
    )
    trips = list(starmap(trip_wire, ahead))
    context = {
        "figures": await boards.overview(pool, company["id"], *day_span(company, today, today)),
        "lacking": await boards.unprepared(pool, company["id"], now, now + LOOK_AHEAD, MOST_LACKING),
        "trips": trips,
        "sales": await mirrors.sales_of_trips(pool, [trip["id"] for trip in trips]),
    }
    return render(request, "operator.html", {**frame(request, company), **context})
