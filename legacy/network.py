"""A company's network: where its buses stop, and the routes that join the stops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from common.database import transaction
from common.ids import uuid7
from common.money import to_major
from common.problems import Conflict, NotFound, ValidationFailed
from common.unique import unique_or
from legacy.queries import companies as company_queries
from legacy.queries import network as queries
from legacy.rules.fares import DEAREST, fare_sums
from legacy.rules.places import slug

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from common.database import Connection, Pool
    from legacy.queries.network import Row


class CodeTaken(Conflict):
    slug, title = "code-taken", "The company has a stop with this code already"


class RouteInUse(Conflict):
    slug, title = "route-in-use", "The route has departures: its stops cannot change any more"


async def find_stop(pool: Pool, stop_id: UUID) -> Row:
    """The stop; raises NotFound."""
    stop = await queries.get_stop(pool, stop_id)
    if stop is None:
        raise NotFound
    return stop


async def create_stop(pool: Pool, company_id: UUID, wanted: Mapping[str, Any]) -> Row:
    """A new stop; raises CodeTaken."""
    place = slug(wanted["city"])
    stop = {"code": None, **wanted, "place": place, "id": uuid7(), "company_id": company_id}
    with unique_or(CodeTaken(f"There is a stop {stop['code']}.")):
        return await queries.insert_stop(pool, stop)


async def change_stop(
    pool: Pool, stop_id: UUID, changes: Mapping[str, Any], *, is_current: Callable[[Row], None]
) -> Row:
    """The stop with the changes; raises CodeTaken."""
    with unique_or(CodeTaken(f"There is a stop {changes.get('code')}.")):
        async with transaction(pool) as conn:
            stop = await queries.lock_stop(conn, stop_id)
            if stop is None:
                raise NotFound
            is_current(stop)
            changed = {**stop, **changes}
            return await queries.update_stop(conn, {**changed, "place": slug(changed["city"])})


async def find_route(pool: Pool, route_id: UUID) -> tuple[Row, list[Row]]:
    """The route and its stops; raises NotFound."""
    route = await queries.get_route(pool, route_id)
    if route is None:
        raise NotFound
    return route, (await queries.stops_of_routes(pool, [route_id]))[route_id]


async def list_routes(
    pool: Pool, company_id: UUID, after: UUID | None, limit: int
) -> list[tuple[Row, list[Row]]]:
    """Routes with their stops, in the order they were made."""
    routes = await queries.list_routes(pool, company_id, after, limit)
    stops = await queries.stops_of_routes(pool, [route["id"] for route in routes])
    return [(route, stops[route["id"]]) for route in routes]


async def create_route(pool: Pool, company_id: UUID, wanted: Mapping[str, Any]) -> tuple[Row, list[Row]]:
    """A new route with its stops, in the company's currency."""
    async with transaction(pool) as conn:
        company = await company_queries.get_company(conn, company_id)
        if company is None:
            raise NotFound
        route = {
            "code": None,
            "distance_km": None,
            **wanted,
            "id": uuid7(),
            "company_id": company_id,
            "currency": company["currency"],
        }
        made = await queries.insert_route(conn, route)
        await _set_stops(conn, made, wanted["stops"])
        return made, (await queries.stops_of_routes(conn, [made["id"]]))[made["id"]]


async def change_route(
    pool: Pool,
    route_id: UUID,
    changes: Mapping[str, Any],
    *,
    is_current: Callable[[Row, list[Row]], None],
) -> tuple[Row, list[Row]]:
    """The route with the changes; its stops only while it has no departure (raises RouteInUse)."""
    async with transaction(pool) as conn:
        route = await queries.lock_route(conn, route_id)
        if route is None:
            raise NotFound
        is_current(route, (await queries.stops_of_routes(conn, [route_id]))[route_id])
        if "stops" in changes:
            if await queries.has_trips(conn, route_id):
                raise RouteInUse
            await queries.delete_route_stops(conn, route_id)
            await _set_stops(conn, route, changes["stops"])
            await queries.leave_feed(conn, route_id)
        changed = await queries.update_route(conn, {**route, **changes})
        return changed, (await queries.stops_of_routes(conn, [route_id]))[route_id]


async def _set_stops(conn: Connection, route: Row, stops: Sequence[Mapping[str, Any]]) -> None:
    known = await queries.stops_among(conn, route["company_id"], {stop["stop_id"] for stop in stops})
    errors: dict[str, list[str]] = {}
    for seq, stop in enumerate(stops):
        if stop["stop_id"] not in known:
            errors[f"stops.{seq}.stop_id"] = ["The company has no such stop."]
        if stop["leg_fare"]["currency"] != route["currency"]:
            errors[f"stops.{seq}.leg_fare.currency"] = [f"The company sells in {route['currency']}."]
    legs = [to_major(stop["leg_fare"]["amount"], route["currency"]) for stop in stops]
    sums = fare_sums(legs)
    if sums[-1] > DEAREST:
        errors["stops"] = [f"The whole way costs more than {DEAREST} {route['currency']}."]
    if errors:
        raise ValidationFailed(errors)
    await queries.insert_route_stops(
        conn,
        [
            (route["id"], seq, stop["stop_id"], stop["arrive_s"], stop["depart_s"], leg, fare_sum)
            for seq, (stop, leg, fare_sum) in enumerate(zip(stops, legs, sums, strict=True))
        ],
    )
