"""A company's schedule: departures, made singly, by calendar or from a feed, and what becomes of them.

All of a calendar is made or none of it. That a bus or a driver runs one departure at a time is what the
database's exclusion constraints say; the checks here only say it earlier, with names.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import asyncpg

from common.database import transaction
from common.ids import uuid7
from common.instants import format_instant
from common.problems import Conflict, NotFound, ValidationFailed
from legacy.companies import CompanySuspended
from legacy.fleet import conflicts_wire
from legacy.queries import companies as company_queries
from legacy.queries import fleet as fleet_queries
from legacy.queries import gtfs as gtfs_queries
from legacy.queries import network as network_queries
from legacy.queries import schedule as queries
from legacy.rules.gtfs_times import Calendar, service_instant
from legacy.rules.layouts import lacking_seats
from legacy.rules.schedule import MOST_DEPARTURES, Departure, calendar_departures, instant, overlapping

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from datetime import date
    from uuid import UUID

    from common.database import Connection, Pool
    from legacy.queries.schedule import Row

SHOWN = 100
"""How many of the departures made are shown in the answer."""

MOST_OF_A_FEED = 20_000
"""How many departures of timetables are made at once."""


class BusBusy(Conflict):
    """`conflicts` names the departures in the way; one without a trip is of this very request."""

    slug, title = "bus-busy", "The bus is on another departure at this time"


class DriverBusy(Conflict):
    """`conflicts` names the departures in the way; one without a trip is of this very request."""

    slug, title = "driver-busy", "The driver is on another departure at this time"


class LayoutMismatch(Conflict):
    """`seats` names those that were sold and the bus lacks."""

    slug, title = "layout-mismatch", "Seats were sold that this bus does not have"


class TripCancelled(Conflict):
    slug, title = "trip-cancelled", "The departure is cancelled, and that is final"


class TripOver(Conflict):
    slug, title = "trip-over", "The departure has arrived already"


@dataclass(frozen=True, slots=True)
class Published:
    """What came of a request for departures: the first of them as rows with their stops."""

    trips: list[tuple[Row, list[Row]]]
    created: int
    skipped: int


async def find_trip(pool: Pool, trip_id: UUID) -> tuple[Row, list[Row]]:
    """The departure and its stops; raises NotFound."""
    trip = await queries.get_trip(pool, trip_id)
    if trip is None:
        raise NotFound
    return trip, (await network_queries.stops_of_routes(pool, [trip["route_id"]]))[trip["route_id"]]


async def find_plan(pool: Pool, trip_id: UUID) -> tuple[Row, list[Row], Row]:
    """The departure, its stops, and what else it takes to sell it; raises NotFound."""
    trip, stops = await find_trip(pool, trip_id)
    return trip, stops, await queries.get_plan(pool, trip_id)


async def list_trips(
    pool: Pool,
    company: Row,
    *,
    first: date | None,
    last: date | None,
    route_id: UUID | None,
    status: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[tuple[Row, list[Row]]]:
    """Departures with their stops, by departure; the days are those of the company's time zone."""
    zone = ZoneInfo(company["time_zone"])
    trips = await queries.list_trips(
        pool,
        company["id"],
        None if first is None else instant(first, time(0), zone),
        None if last is None else instant(last + timedelta(days=1), time(0), zone),
        route_id,
        status,
        after,
        limit,
    )
    return await _with_stops(pool, trips)


async def publish_trips(pool: Pool, company_id: UUID, wanted: Mapping[str, Any]) -> Published:
    """Make the departures that `wanted` describes (see the wire's NewTrips), all of them or none.

    Raises BusBusy and DriverBusy naming what is in the way.
    """
    if "timetables" in wanted:
        return await _publish_timetables(pool, company_id, wanted["timetables"], wanted["layout_id"])
    return await _publish_departures(pool, company_id, wanted)


async def change_trip(
    pool: Pool,
    trip_id: UUID,
    changes: Mapping[str, Any],
    *,
    now: datetime,
    is_current: Callable[[Row, list[Row]], None],
) -> tuple[Row, list[Row]]:
    """Give a departure another bus or driver, delay it, or cancel it for good.

    Raises BusBusy, DriverBusy, LayoutMismatch, TripCancelled, TripOver.
    """
    with _constraints_by_name():
        async with transaction(pool) as conn:
            trip = await queries.lock_trip(conn, trip_id)
            if trip is None:
                raise NotFound
            stops = await network_queries.stops_of_routes(conn, [trip["route_id"]])
            is_current(await queries.get_trip(conn, trip_id), stops[trip["route_id"]])
            changed = await _changed_trip(conn, trip, changes, now)
            await queries.update_trip(conn, changed)
            return await queries.get_trip(conn, trip_id), stops[trip["route_id"]]


async def _changed_trip(
    conn: Connection, trip: Row, changes: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    """The row as it will be. Locks bus, then driver: the order that everybody takes."""
    if trip["status"] == "cancelled":
        raise TripCancelled
    changed = {**trip, **changes}
    if changed["status"] == "cancelled":
        if trip["arrives_at"] + timedelta(minutes=trip["delay_min"]) <= now:
            raise TripOver
        return changed
    spans = [(trip["departs_at"], trip["arrives_at"] + timedelta(minutes=changed["delay_min"]))]
    if changed["bus_id"] is not None:
        bus = await _free_bus(conn, trip["company_id"], changed["bus_id"], spans, trip)
        if changed["bus_id"] != trip["bus_id"] and bus["layout_id"] != trip["layout_id"]:
            layout = await fleet_queries.get_layout(conn, bus["layout_id"])
            assert layout is not None
            lacking = lacking_seats(await queries.sold_seats(conn, trip["id"]), layout["seats"])
            if lacking:
                raise LayoutMismatch(seats=lacking)
            changed["layout_id"] = bus["layout_id"]
    if changed["driver_id"] is not None:
        await _free_driver(conn, trip["company_id"], changed["driver_id"], spans, trip)
    return changed


async def _publish_departures(pool: Pool, company_id: UUID, wanted: Mapping[str, Any]) -> Published:
    with _constraints_by_name():
        async with transaction(pool) as conn:
            made = await _make_departures(conn, company_id, wanted)
    return await _published(pool, made, skipped=0)


async def _make_departures(conn: Connection, company_id: UUID, wanted: Mapping[str, Any]) -> list[UUID]:
    await _require_active(conn, company_id)
    route = await network_queries.keep_route(conn, wanted["route_id"])
    if route is None or route["company_id"] != company_id:
        raise ValidationFailed({"route_id": ["The company has no such route."]})
    if route["status"] == "retired":
        raise ValidationFailed({"route_id": ["The route is retired."]})
    departures = _departures(route, wanted)
    spans = [(departure.departs_at, departure.arrives_at) for departure in departures]
    layout_id, bus_id, driver_id = wanted["layout_id"], wanted["bus_id"], wanted["driver_id"]
    if bus_id is not None:
        _require_apart(departures, BusBusy)
        bus = await _free_bus(conn, company_id, bus_id, spans)
        if layout_id not in {None, bus["layout_id"]}:
            raise ValidationFailed({"layout_id": ["The bus has another layout."]})
        layout_id = bus["layout_id"]
    else:
        await _require_layout(conn, company_id, layout_id)
    if driver_id is not None:
        _require_apart(departures, DriverBusy)
        await _free_driver(conn, company_id, driver_id, spans)
    made = [(uuid7(), departure) for departure in departures]
    await queries.insert_departures(conn, company_id, route["id"], layout_id, bus_id, driver_id, made)
    return [trip_id for trip_id, _ in made]


def _departures(route: Row, wanted: Mapping[str, Any]) -> list[Departure]:
    zone = ZoneInfo(route["time_zone"])
    if "departs_at" in wanted:
        leaves = wanted["departs_at"].astimezone(UTC)
        arrives = leaves + timedelta(seconds=route["duration_s"])
        return [Departure(leaves.astimezone(zone).date(), leaves, arrives)]
    calendar = wanted["calendar"]
    departures = calendar_departures(
        calendar["from"],
        calendar["to"],
        set(calendar["weekdays"]),
        calendar["time"],
        zone,
        route["duration_s"],
    )
    if not departures:
        raise ValidationFailed({"calendar.weekdays": ["None of these weekdays is within the dates."]})
    if len(departures) > MOST_DEPARTURES:
        message = f"These are {len(departures)} departures; at most {MOST_DEPARTURES} are made at once."
        raise ValidationFailed({"calendar.to": [message]})
    return departures


async def _publish_timetables(
    pool: Pool, company_id: UUID, span: Mapping[str, Any], layout_id: UUID
) -> Published:
    async with transaction(pool) as conn:
        await _require_active(conn, company_id)
        await _require_layout(conn, company_id, layout_id)
        await gtfs_queries.keep_feed_for_reading(conn, gtfs_queries.lock_of(company_id))
        timetables = await queries.timetables_to_publish(conn, company_id, span["ids"])
        if span["ids"] is not None and len(timetables) < len(set(span["ids"])):
            known = {timetable["id"] for timetable in timetables}
            raise ValidationFailed(
                {
                    f"timetables.ids.{index}": ["The company has no such timetable."]
                    for index, timetable_id in enumerate(span["ids"])
                    if timetable_id not in known
                }
            )
        departures = _departures_of_timetables(timetables, span["from"], span["to"], span["like"])
        if len(departures) > MOST_OF_A_FEED:
            message = (
                f"These are {len(departures)} departures; at most {MOST_OF_A_FEED} are made at once: "
                "take fewer days."
            )
            raise ValidationFailed({"timetables.to": [message]})
        made = await queries.insert_timetable_departures(conn, company_id, layout_id, departures)
    return await _published(pool, made, skipped=len(departures) - len(made))


def _departures_of_timetables(
    timetables: Sequence[Row], first: date, last: date, like: date | None
) -> list[tuple[UUID, UUID, UUID, Departure]]:
    """(trip id, timetable id, route id, departure) of each timetable on each of its days of service.

    With `like` each day has the service of that one.
    """
    every_day = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    dates: dict[str, list[date]] = {}
    zones: dict[str, ZoneInfo] = {}
    departures = []
    for timetable in timetables:
        service = timetable["service_id"]
        if service not in dates:
            calendar = _calendar(timetable)
            if like is None:
                dates[service] = list(calendar.dates(first, last))
            else:
                dates[service] = every_day if [*calendar.dates(like, like)] else []
        name = timetable["time_zone"]
        zone = zones.setdefault(name, ZoneInfo(name))
        takes = timedelta(seconds=timetable["duration_s"])
        for day in dates[service]:
            leaves = service_instant(day, timetable["start_s"], zone)
            departure = Departure(day, leaves, leaves + takes)
            departures.append((uuid7(), timetable["id"], timetable["route_id"], departure))
    return departures


def _calendar(row: Row) -> Calendar:
    return Calendar(
        frozenset(row["weekdays"]),
        row["start_date"],
        row["end_date"],
        frozenset(row["added"]),
        frozenset(row["removed"]),
    )


async def _published(pool: Pool, trip_ids: Sequence[UUID], skipped: int) -> Published:
    trips = await queries.get_trips(pool, trip_ids[:SHOWN])
    return Published(await _with_stops(pool, trips), len(trip_ids), skipped)


async def _with_stops(conn: Connection, trips: Sequence[Row]) -> list[tuple[Row, list[Row]]]:
    stops = await network_queries.stops_of_routes(conn, {trip["route_id"] for trip in trips})
    return [(trip, stops[trip["route_id"]]) for trip in trips]


async def _require_active(conn: Connection, company_id: UUID) -> None:
    company = await company_queries.get_company(conn, company_id)
    if company is None:
        raise NotFound
    if company["status"] == "suspended":
        raise CompanySuspended


async def _require_layout(conn: Connection, company_id: UUID, layout_id: UUID) -> None:
    layout = await fleet_queries.get_layout(conn, layout_id)
    if layout is None or layout["company_id"] != company_id:
        raise ValidationFailed({"layout_id": ["The company has no such layout."]})


def _require_apart(departures: Sequence[Departure], problem: type[BusBusy | DriverBusy]) -> None:
    late = overlapping(departures)
    if late:
        conflicts = [
            {"departs_at": format_instant(each.departs_at), "trip_id": None} for each in late[:SHOWN]
        ]
        raise problem("It is still on the way when the next of these departures leaves.", conflicts=conflicts)


async def _free_bus(
    conn: Connection,
    company_id: UUID,
    bus_id: UUID,
    spans: Sequence[tuple[datetime, datetime]],
    trip: Row | None = None,
) -> Row:
    """The bus, locked, if it may run at all these times; `trip` is the one that is changed."""
    bus = await fleet_queries.lock_bus(conn, bus_id)
    if bus is None or bus["company_id"] != company_id:
        raise ValidationFailed({"bus_id": ["The company has no such bus."]})
    if bus["status"] == "retired" and (trip is None or trip["bus_id"] != bus_id):
        raise ValidationFailed({"bus_id": ["The bus is retired."]})
    conflicts = await queries.bus_conflicts(conn, bus_id, spans, None if trip is None else trip["id"])
    if conflicts:
        raise BusBusy(conflicts=conflicts_wire(conflicts))
    return bus


async def _free_driver(
    conn: Connection,
    company_id: UUID,
    driver_id: UUID,
    spans: Sequence[tuple[datetime, datetime]],
    trip: Row | None = None,
) -> None:
    driver = await fleet_queries.lock_driver(conn, driver_id)
    if driver is None or driver["company_id"] != company_id:
        raise ValidationFailed({"driver_id": ["The company has no such driver."]})
    if driver["status"] == "retired" and (trip is None or trip["driver_id"] != driver_id):
        raise ValidationFailed({"driver_id": ["The driver is retired."]})
    conflicts = await queries.driver_conflicts(conn, driver_id, spans, None if trip is None else trip["id"])
    if conflicts:
        raise DriverBusy(conflicts=conflicts_wire(conflicts))


@contextmanager
def _constraints_by_name() -> Generator[None]:
    """For a departure that came in past the locks: the constraint says of whom, though not which."""
    try:
        yield
    except asyncpg.ExclusionViolationError as error:
        problem = DriverBusy if error.constraint_name == "trips_driver_busy" else BusBusy
        raise problem(conflicts=[]) from None
