"""A departure that has not been heard of yet, because it was made a moment ago: asked of whoever owns it."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

from common.database import POOL, transaction
from common.reading import read_through
from services.ticketing.repository import mirrors

if TYPE_CHECKING:
    from uuid import UUID

    from aiohttp import web

    from common.database import Connection


async def learn_trip(request: web.Request, trip_id: UUID) -> bool:
    """Whether there is such a departure: if so, it is known here from now on. Raises Unavailable.

    Never inside a transaction.
    """
    plan = await read_through(request, f"/api/trips/{trip_id}/plan")
    if plan is None:
        return False
    async with transaction(request.app[POOL]) as conn:
        await _store_plan(conn, plan)
    return True


async def _store_plan(conn: Connection, plan: dict[str, Any]) -> None:
    """As number 0: whatever is heard of these things knows better."""
    company_id = plan["trip"]["company_id"]
    await mirrors.store_companies(conn, [{**plan["company"], "source_seq": 0}])
    await mirrors.store_layouts(conn, [{**plan["layout"], "company_id": company_id, "source_seq": 0}])
    stops = {call["stop"]["id"]: call["stop"] for call in plan["route"]["calls"]}
    await mirrors.store_stops(
        conn, [{**stop, "company_id": company_id, "source_seq": 0} for stop in stops.values()]
    )
    await mirrors.store_routes(conn, [_route_of(plan["route"], company_id)])
    await mirrors.store_trips(conn, [{**plan["trip"], "source_seq": 0}])


def _route_of(route: dict[str, Any], company_id: str) -> dict[str, Any]:
    """A route as its event has it: with the running sum of its legs."""
    calls, fare_sum = [], 0
    for call in sorted(route["calls"], key=itemgetter("seq")):
        fare_sum += call["leg_fare"]
        calls.append(
            {
                "seq": call["seq"],
                "stop_id": call["stop"]["id"],
                "arrive_s": call["arrive_s"],
                "depart_s": call["depart_s"],
                "leg_fare_minor": call["leg_fare"],
                "fare_sum_minor": fare_sum,
            }
        )
    return {
        "id": route["id"],
        "company_id": company_id,
        "name": route["name"],
        "currency": route["currency"],
        "calls": calls,
        "source_seq": 0,
    }
