"""What a company runs, as a feed that others (and our own import) can read: GTFS Reference, static.

Timetables keep the ids and days of the feed they came from, less the days on which their departure is
cancelled. Departures that were made by hand become trips on the days they run, one per route and time of day.
A route with neither shows its way by a trip that never runs.
"""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from services.company.gtfs.feed import CITY, DISTANCE, LEG_FARE, ROUTE_NAME
from services.company.gtfs.times import (
    Calendar,
    format_date,
    format_time,
    service_instant,
    service_seconds,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

    from services.company.repository.gtfs import Row

NEVER = "never"
BUS = 3
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MADE_AT = (2020, 1, 1, 0, 0, 0)
"""Every file's time in the zip, so that the same network makes the same bytes."""


@dataclass(frozen=True, slots=True)
class Network:
    """The rows that a feed is written from."""

    company: Row
    stops: Sequence[Row]
    routes: Sequence[Row]
    timetables: Sequence[Row]
    calendars: Sequence[Row]
    departures: Sequence[Row]


@dataclass(frozen=True, slots=True)
class _Run:
    """A line of trips.txt to be, with its start."""

    trip_id: str
    route_id: UUID
    service_id: str
    headsign: str | None
    start_s: int


@dataclass(slots=True)
class _Services:
    """Days of service by id: those of the feed as they were, others by a hash of what they are."""

    calendars: dict[str, Calendar] = field(default_factory=dict)

    def named(self, calendar: Calendar, base: str = "dates") -> str:
        """The id of these days, made from them where it has to be a new one."""
        if self.calendars.get(base) == calendar:
            return base
        days = "|".join(
            [
                ",".join(map(str, sorted(calendar.weekdays))),
                f"{calendar.start_date} {calendar.end_date}",
                ",".join(map(str, sorted(calendar.added))),
                ",".join(map(str, sorted(calendar.removed))),
            ]
        )
        service_id = f"{base}-{hashlib.blake2b(days.encode(), digest_size=6).hexdigest()}"
        self.calendars[service_id] = calendar
        return service_id


def write_feed(network: Network, first: date, last: date, public_url: str) -> bytes:
    """The zip of the network, and of what runs from `first` to `last`."""
    zone_name = network.timetables[0]["time_zone"] if network.timetables else network.company["time_zone"]
    services = _Services({row["service_id"]: _calendar(row) for row in network.calendars})
    runs = _runs(network, ZoneInfo(zone_name), services)
    shown = {run.route_id for run in runs}
    idle = [route for route in network.routes if route["id"] not in shown]
    if idle:
        services.calendars[NEVER] = Calendar(frozenset(), first, first, frozenset(), frozenset())
        runs += [_Run(f"way-{route['id']}", route["id"], NEVER, None, 0) for route in idle]

    used = {run.service_id for run in runs}
    calendars = {name: days for name, days in sorted(services.calendars.items()) if name in used}
    codes = {stop["id"]: stop["code"] or str(stop["id"]) for stop in network.stops}
    routes = {route["id"]: route for route in network.routes}
    files = {
        "agency.txt": _agency(network.company, zone_name, public_url),
        "feed_info.txt": _feed_info(first, last, public_url),
        "stops.txt": _stops(network.stops, codes),
        "routes.txt": _routes(network.routes),
        "calendar.txt": _weekly(calendars),
        "calendar_dates.txt": _exceptions(calendars),
        "trips.txt": _trips(runs, routes),
        "stop_times.txt": _stop_times(runs, routes, codes),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, lines in files.items():
            archive.writestr(zipfile.ZipInfo(name, MADE_AT), _csv(lines), zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _runs(network: Network, zone: ZoneInfo, services: _Services) -> list[_Run]:
    """Trips of timetables, then those of departures that no timetable accounts for."""
    timetables = {row["id"]: row for row in network.timetables}
    scheduled: dict[UUID, set[date]] = defaultdict(set)
    cancelled: dict[UUID, set[date]] = defaultdict(set)
    by_hand: dict[tuple[UUID, int], set[date]] = defaultdict(set)
    for trip in network.departures:
        timetable = timetables.get(trip["timetable_id"])
        day = trip["service_date"]
        if timetable is not None and (
            trip["route_id"] != timetable["route_id"]
            or trip["departs_at"] != service_instant(day, timetable["start_s"], zone)
        ):
            cancelled[timetable["id"]].add(day)  # it runs, but otherwise than the timetable says by now
            timetable = None
        if trip["status"] == "cancelled":
            if timetable is not None:
                cancelled[timetable["id"]].add(day)
        elif timetable is not None:
            scheduled[timetable["id"]].add(day)
        else:
            day, start_s = service_day(trip["departs_at"], zone)
            by_hand[trip["route_id"], start_s].add(day)

    runs = []
    for timetable in network.timetables:
        base = timetable["service_id"]
        calendar = services.calendars[base]
        off = {day for day in cancelled[timetable["id"]] if calendar.runs_on(day)}
        extra = {day for day in scheduled[timetable["id"]] if not calendar.runs_on(day)}
        if off or extra:
            calendar = replace(
                calendar, added=(calendar.added | extra) - off, removed=(calendar.removed | off) - extra
            )
        service_id = services.named(calendar, base)
        runs.append(
            _Run(
                timetable["gtfs_trip_id"],
                timetable["route_id"],
                service_id,
                timetable["headsign"],
                timetable["start_s"],
            )
        )
    for (route_id, start_s), days in sorted(by_hand.items(), key=lambda each: (str(each[0][0]), each[0][1])):
        calendar = Calendar(frozenset(), min(days), max(days), frozenset(days), frozenset())
        trip_id = f"{route_id}@{format_time(start_s)}"
        runs.append(_Run(trip_id, route_id, services.named(calendar), None, start_s))
    return runs


def service_day(moment: datetime, zone: ZoneInfo) -> tuple[date, int]:
    """The day of service that an instant belongs to, and its time on it, which is never negative."""
    day = moment.astimezone(zone).date()
    seconds = service_seconds(moment, day, zone)
    if seconds < 0:  # just after midnight of a day on which clocks go back
        day -= timedelta(days=1)
        seconds = service_seconds(moment, day, zone)
    return day, seconds


def span_of(first: date, last: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From the start of one day to the end of another."""
    start = datetime(first.year, first.month, first.day, tzinfo=zone)
    end = datetime(last.year, last.month, last.day, tzinfo=zone) + timedelta(days=1)
    return start.astimezone(UTC), end.astimezone(UTC)


def _calendar(row: Row) -> Calendar:
    return Calendar(
        frozenset(row["weekdays"]),
        row["start_date"],
        row["end_date"],
        frozenset(row["added"]),
        frozenset(row["removed"]),
    )


def _agency(company: Row, zone_name: str, public_url: str) -> Iterable[Sequence[Any]]:
    yield "agency_id", "agency_name", "agency_url", "agency_timezone", "agency_phone", "agency_email"
    phone, email = company["contact_phone"], company["contact_email"]
    yield company["slug"], company["name"], public_url, zone_name, phone, email


def _feed_info(first: date, last: date, public_url: str) -> Iterable[Sequence[Any]]:
    yield "feed_publisher_name", "feed_publisher_url", "feed_lang", "feed_start_date", "feed_end_date"
    yield "Banyan", public_url, "mul", format_date(first), format_date(last)


def _stops(stops: Sequence[Row], codes: Mapping[UUID, str]) -> Iterable[Sequence[Any]]:
    yield "stop_id", "stop_name", "stop_lat", "stop_lon", "stop_timezone", CITY
    for stop in stops:
        yield codes[stop["id"]], stop["name"], stop["lat"], stop["lon"], stop["time_zone"], stop["city"]


def _routes(routes: Sequence[Row]) -> Iterable[Sequence[Any]]:
    yield "route_id", "route_short_name", "route_long_name", "route_type"
    seen = set()
    for route in routes:
        route_id = _gtfs_route_id(route)
        if route_id not in seen:
            seen.add(route_id)
            long_name = route["name"].removeprefix(f"{route['code']}: ")
            yield route_id, route["code"], long_name, BUS


def _gtfs_route_id(route: Row) -> str:
    return route["gtfs_route_id"] or str(route["id"])


def _weekly(calendars: Mapping[str, Calendar]) -> Iterable[Sequence[Any]]:
    yield "service_id", *WEEKDAYS, "start_date", "end_date"
    for name, days in calendars.items():
        if days.weekdays or not days.added:
            flags = [int(number in days.weekdays) for number in range(1, 8)]
            yield name, *flags, format_date(days.start_date), format_date(days.end_date)


def _exceptions(calendars: Mapping[str, Calendar]) -> Iterable[Sequence[Any]]:
    yield "service_id", "date", "exception_type"
    for name, days in calendars.items():
        for day in sorted(days.added | days.removed):
            yield name, format_date(day), 1 if day in days.added else 2


def _trips(runs: Sequence[_Run], routes: Mapping[UUID, Row]) -> Iterable[Sequence[Any]]:
    yield "route_id", "service_id", "trip_id", "trip_headsign", ROUTE_NAME, DISTANCE
    for run in runs:
        route = routes[run.route_id]
        name, distance = route["name"], route["distance_km"]
        yield _gtfs_route_id(route), run.service_id, run.trip_id, run.headsign, name, distance


def _stop_times(
    runs: Sequence[_Run], routes: Mapping[UUID, Row], codes: Mapping[UUID, str]
) -> Iterable[Sequence[Any]]:
    yield "trip_id", "arrival_time", "departure_time", "stop_id", "stop_sequence", LEG_FARE
    names = {str(stop_id): code for stop_id, code in codes.items()}
    for run in runs:
        for call in routes[run.route_id]["calls"]:
            arrives = format_time(run.start_s + call["arrive_s"])
            departs = format_time(run.start_s + call["depart_s"])
            yield run.trip_id, arrives, departs, names[call["stop_id"]], call["seq"], call["leg_fare_minor"]


def _csv(lines: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(lines)
    return text.getvalue()
