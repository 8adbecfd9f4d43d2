"""A company's network: where its buses stop, and the routes that join the stops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from common.database import transaction
from common.ids import uuid7
from common.problems import NotFound, ValidationFailed
from common.unique import unique_or
from services.company.domain.network import DEAREST, calls_of, dearest_minor
from services.company.domain.places import slug
from services.company.errors import CodeTaken, RouteInUse
from services.company.repository import companies as company_repository
from services.company.repository import network as repository

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from common.database import Connection, Pool
    from services.company.repository.network import Row


async def find_stop(pool: Pool, stop_id: UUID) -> Row:
    """The stop; raises NotFound."""
    stop = await repository.get_stop(pool, stop_id)
    if stop is None:
        raise NotFound
    return stop


async def create_stop(pool: Pool, company_id: UUID, wanted: Mapping[str, Any]) -> Row:
    """A new stop; raises CodeTaken."""
    place = slug(wanted["city"])
    stop = {"code": None, **wanted, "place": place, "id": uuid7(), "company_id": company_id}
    with unique_or(CodeTaken(f"There is a stop {stop['code']}.")):
        return await repository.insert_stop(pool, stop)


async def change_stop(
    pool: Pool,
    stop_id: UUID,
    changes: Mapping[str, Any],
    *,
    is_current: Callable[[Row], None] | None = None,
) -> Row:
    """The stop with the changes; raises CodeTaken."""
    with unique_or(CodeTaken(f"There is a stop {changes.get('code')}.")):
        async with transaction(pool) as conn:
            stop = await repository.lock_stop(conn, stop_id)
            if stop is None:
                raise NotFound
            if is_current is not None:
                is_current(stop)
            changed = {**stop, **changes}
            return await repository.update_stop(conn, {**changed, "place": slug(changed["city"])})


async def find_route(pool: Pool, route_id: UUID) -> tuple[Row, list[Row]]:
    """The route and its stops; raises NotFound."""
    found = await repository.find_route(pool, route_id)
    if found is None:
        raise NotFound
    return found


async def list_routes(
    pool: Pool, company_id: UUID, after: UUID | None, limit: int
) -> list[tuple[Row, list[Row]]]:
    """Routes with their stops, in the order they were made."""
    routes = await repository.list_routes(pool, company_id, after, limit)
    if not routes:
        return []
    stops = await repository.stops_of_routes(pool, [route["id"] for route in routes])
    return [(route, stops[route["id"]]) for route in routes]


async def create_route(pool: Pool, company_id: UUID, wanted: Mapping[str, Any]) -> tuple[Row, list[Row]]:
    """A new route with its stops, in the company's currency."""
    async with transaction(pool) as conn:
        # locked, so that the company's currency stays what it is until there is a route with fares
        company = await company_repository.lock_company(conn, company_id)
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
        route["calls"] = await _calls(conn, route, wanted["stops"])
        made = await repository.insert_route(conn, route)
        return made, (await repository.stops_of_routes(conn, [made["id"]]))[made["id"]]


async def change_route(
    pool: Pool,
    route_id: UUID,
    changes: Mapping[str, Any],
    *,
    is_current: Callable[[Row, list[Row]], None] | None = None,
) -> tuple[Row, list[Row]]:
    """The route with the changes; its stops only while it has no departure (raises RouteInUse)."""
    async with transaction(pool) as conn:
        route = await repository.lock_route(conn, route_id)
        if route is None:
            raise NotFound
        if is_current is not None:
            is_current(route, (await repository.stops_of_routes(conn, [route_id]))[route_id])
        wanted = {**route, **changes}
        if "stops" in changes:
            if await repository.has_trips(conn, route_id):
                raise RouteInUse
            wanted["calls"] = await _calls(conn, route, changes["stops"])
            wanted["gtfs_pattern"] = None  # changed by hand from now on: the next import makes its own
        changed = await repository.update_route(conn, wanted)
        return changed, (await repository.stops_of_routes(conn, [route_id]))[route_id]


async def _calls(conn: Connection, route: Row, stops: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    known = await repository.keep_stops(conn, route["company_id"], {stop["stop_id"] for stop in stops})
    currency = route["currency"]
    errors: dict[str, list[str]] = {}
    for seq, stop in enumerate(stops):
        if stop["stop_id"] not in known:
            errors[f"stops.{seq}.stop_id"] = ["The company has no such stop."]
        if stop["leg_fare"]["currency"] != currency:
            errors[f"stops.{seq}.leg_fare.currency"] = [f"The company sells in {currency}."]
    calls = calls_of([{**stop, "leg_fare_minor": stop["leg_fare"]["amount"]} for stop in stops])
    if calls[-1]["fare_sum_minor"] > dearest_minor(currency):
        errors["stops"] = [f"The whole way costs more than {DEAREST} {currency}."]
    if errors:
        raise ValidationFailed(errors)
    return calls
