"""A feed's zip → a Feed, or every fault in it at its place. Pure but for reading the bytes it is given.

What GTFS knows and we do not sell is left out and counted: stations, entrances, trips that are not on the
road or call at fewer than two stops. Fares, shapes and all else that READ does not name is not looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING
from zoneinfo import available_timezones

from legacy.gtfs.archive import Archive
from legacy.gtfs.calls import read_calls
from legacy.gtfs.feed import DISTANCE, LEG_FARE, ROUTE_NAME, Feed, Options, Pattern, Service, Trip
from legacy.gtfs.places import read_stops
from legacy.gtfs.problems import Faults
from legacy.gtfs.tables import Table
from legacy.rules.fares import DEAREST
from legacy.rules.gtfs_times import format_time, parse_date, parse_time
from legacy.rules.networks import distance_km
from legacy.rules.schedule import days

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from legacy.gtfs.calls import Calls
    from legacy.gtfs.feed import Call, Stop

READ = (
    "agency.txt",
    "stops.txt",
    "routes.txt",
    "calendar.txt",
    "calendar_dates.txt",
    "trips.txt",
    "frequencies.txt",
    "stop_times.txt",
)
NEEDED = ("agency.txt", "stops.txt", "routes.txt", "trips.txt", "stop_times.txt")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MOST_TRIPS = 200_000
LONGEST_SERVICE_DAYS = 3700


def _tell_nobody(_done: int, _total: int) -> None:
    pass


def parse_feed(data: bytes, options: Options, progress: Callable[[int, int], None] = _tell_nobody) -> Feed:
    """Everything that the feed has for us; raises FeedError.

    `progress` is told how many lines are done, and of how many.
    """
    archive = Archive(data, READ)
    faults = Faults()
    for name in NEEDED:
        if name not in archive:
            faults.add(name, 0, "", "The feed lacks this file.")
    if "calendar.txt" not in archive and "calendar_dates.txt" not in archive:
        faults.add("calendar.txt", 0, "", "The feed lacks this file, and calendar_dates.txt too.")
    faults.stop_if_any()
    return _Parser(archive, faults, options, progress).parse()


@dataclass(frozen=True, slots=True)
class _Route:
    code: str | None
    title: str


@dataclass(frozen=True, slots=True)
class _Run:
    """A line of trips.txt that we can use."""

    route_id: str
    service_id: str
    headsign: str | None
    name: str
    distance_km: int | None


class _Parser:
    """One pass over a feed's files, in the order in which they refer to each other."""

    def __init__(
        self, archive: Archive, faults: Faults, options: Options, progress: Callable[[int, int], None]
    ) -> None:
        self._archive = archive
        self._faults = faults
        self._options = options
        self._tell = progress
        self._total = sum(archive.count_lines(name) for name in READ if name in archive)
        self._done = 0
        self._skipped = {"stops": 0, "routes": 0, "trips": 0}

    def parse(self) -> Feed:
        agencies, time_zone = self._agencies()
        stops, self._skipped["stops"] = read_stops(self._table("stops.txt", "stop_id"), time_zone)
        routes = self._routes(agencies)
        services = self._services()
        runs = self._runs(routes, services)
        self._faults.stop_if_any()
        columns = ("trip_id", "stop_id", "stop_sequence", "arrival_time", "departure_time")
        calls = read_calls(
            self._table("stop_times.txt", *columns), stops, self._passed_over, runs, self._options
        )
        frequencies = self._frequencies(runs)
        self._faults.stop_if_any()

        patterns, trips = self._trips(runs, routes, services, calls, stops, frequencies)
        used = {trip.service_id for trip in trips}
        return Feed(
            len(agencies),
            time_zone,
            [stop for stop in stops.values() if stop is not None],
            [service for service in services.values() if service.service_id in used],
            patterns,
            trips,
            self._skipped,
            self._options.guess_fares and not calls.has_fares,
        )

    def _trips(
        self,
        runs: dict[str, _Run],
        routes: dict[str, _Route | None],
        services: dict[str, Service],
        calls: Calls,
        stops: dict[str, Stop | None],
        frequencies: dict[str, list[tuple[str, int]]],
    ) -> tuple[list[Pattern], list[Trip]]:
        numbers: dict[tuple[str, tuple[Call, ...]], int] = {}
        patterns: list[Pattern] = []
        trips: list[Trip] = []
        for trip_id, run in runs.items():
            start_s, way = calls.of_trip(trip_id)
            route = routes[run.route_id]
            if way is None or route is None:
                self._skipped["trips"] += 1
                continue
            number = numbers.get((run.route_id, way))
            if number is None:
                number = numbers[run.route_id, way] = len(patterns)
                patterns.append(self._pattern(run, route, way, stops))
            if not _ever_runs(services[run.service_id]):
                continue  # a trip of no day shows the way of a route, and nothing more
            trips += [
                Trip(name, number, run.service_id, run.headsign, start)
                for name, start in frequencies.get(trip_id, [(trip_id, start_s)])
            ]
        if len(trips) > MOST_TRIPS:
            self._faults.add("trips.txt", 0, "", f"The feed has more than {MOST_TRIPS} trips.")
        self._faults.stop_if_any()
        return patterns, trips

    def _pattern(
        self, run: _Run, route: _Route, way: tuple[Call, ...], stops: dict[str, Stop | None]
    ) -> Pattern:
        places = [stop for call in way if (stop := stops[call.stop]) is not None]
        name = run.name or f"{route.title}: {places[0].name} → {places[-1].name}"
        if sum(call.leg_fare for call in way) > DEAREST.scaleb(self._options.decimals):
            message = f"With these fares the way of {name} costs more than {DEAREST}."
            self._faults.add("stop_times.txt", 0, LEG_FARE, message)
        distance = run.distance_km
        if distance is None:
            legs = pairwise(places)
            distance = round(sum(distance_km(a.lat, a.lon, b.lat, b.lon) for a, b in legs))
        return Pattern(run.route_id, route.code, name[:200], distance, way)

    def _table(self, name: str, *required: str) -> Table:
        return Table(self._archive, name, required, self._faults, self._more)

    def _more(self, lines: int) -> None:
        self._done += lines
        self._tell(min(self._done, self._total), self._total)

    def _agencies(self) -> tuple[set[str], str]:
        table = self._table("agency.txt", "agency_name", "agency_timezone")
        agencies: set[str] = set()
        time_zone = ""
        for line, fields in table:
            table.needed(line, fields, "agency_name")
            agency_id = table.field(fields, "agency_id")
            if agency_id in agencies:
                table.fault(line, "agency_id", "There is an agency of this id already.")
            agencies.add(agency_id)
            zone = table.needed(line, fields, "agency_timezone")
            if zone and zone not in available_timezones():
                table.fault(line, "agency_timezone", f"{zone!r} is no IANA time zone.")
            elif time_zone and zone != time_zone:
                table.fault(line, "agency_timezone", f"Agencies share a time zone: {time_zone} is expected.")
            time_zone = time_zone or zone
        if not agencies:
            self._faults.add("agency.txt", 1, "agency_name", "The file names no agency.")
        self._faults.stop_if_any()
        return agencies, time_zone

    def _routes(self, agencies: set[str]) -> dict[str, _Route | None]:
        """Routes by id; None for those that are not run by buses."""
        table = self._table("routes.txt", "route_id", "route_type")
        routes: dict[str, _Route | None] = {}
        for line, fields in table:
            route_id = table.needed(line, fields, "route_id")
            if route_id in routes:
                table.fault(line, "route_id", f"There is a route {route_id} already.")
            agency_id = table.field(fields, "agency_id")
            if agency_id and agency_id not in agencies:
                table.fault(line, "agency_id", f"There is no agency {agency_id}.")
            short = table.text(line, fields, "route_short_name", longest=40)
            title = table.text(line, fields, "route_long_name")
            if not short and not title:
                table.fault(line, "route_short_name", "A short or a long name is needed.")
            kind = table.needed(line, fields, "route_type")
            if kind and not (kind.isascii() and kind.isdigit() and len(kind) <= 4):
                table.fault(line, "route_type", f"{kind!r} is no route type.")
            elif kind and not _is_road(int(kind)):
                self._skipped["routes"] += 1
                routes[route_id] = None
                continue
            routes[route_id] = _Route(short or None, short or title)
        return routes

    def _services(self) -> dict[str, Service]:
        weekly = self._weekly() if "calendar.txt" in self._archive else {}
        exceptions = self._exceptions() if "calendar_dates.txt" in self._archive else {}
        services = {}
        for service_id in sorted(weekly.keys() | exceptions.keys()):
            days = exceptions.get(service_id, {})
            weekdays, start, end = weekly.get(service_id) or ((), min(days), max(days))
            services[service_id] = Service(
                service_id,
                weekdays,
                start,
                end,
                tuple(sorted(day for day, added in days.items() if added)),
                tuple(sorted(day for day, added in days.items() if not added)),
            )
        return services

    def _weekly(self) -> dict[str, tuple[tuple[int, ...], date, date]]:
        table = self._table("calendar.txt", "service_id", *WEEKDAYS, "start_date", "end_date")
        weekly = {}
        for line, fields in table:
            service_id = table.needed(line, fields, "service_id")
            if service_id in weekly:
                table.fault(line, "service_id", f"There is a service {service_id} already.")
            runs = []
            for number, weekday in enumerate(WEEKDAYS, start=1):
                flag = table.field(fields, weekday)
                if flag not in {"0", "1"}:
                    table.fault(line, weekday, "0 or 1 is expected.")
                elif flag == "1":
                    runs.append(number)
            start = _date(table, line, fields, "start_date")
            end = _date(table, line, fields, "end_date")
            if start is None or end is None:
                continue
            if end < start:
                table.fault(line, "end_date", "The service ends before it starts.")
            elif (end - start).days > LONGEST_SERVICE_DAYS:
                table.fault(line, "end_date", "The service goes on for more than ten years.")
            weekly[service_id] = (tuple(runs), start, end)
        return weekly

    def _exceptions(self) -> dict[str, dict[date, bool]]:
        table = self._table("calendar_dates.txt", "service_id", "date", "exception_type")
        exceptions: dict[str, dict[date, bool]] = {}
        for line, fields in table:
            service_id = table.needed(line, fields, "service_id")
            kind = table.field(fields, "exception_type")
            if kind not in {"1", "2"}:
                table.fault(line, "exception_type", "1 (added) or 2 (removed) is expected.")
            day = _date(table, line, fields, "date")
            if day is None:
                continue
            days = exceptions.setdefault(service_id, {})
            if day in days:
                table.fault(line, "date", f"There is an exception for {service_id} on this day already.")
            days[day] = kind == "1"
        return exceptions

    def _runs(self, routes: dict[str, _Route | None], services: dict[str, Service]) -> dict[str, _Run]:
        """Trips by id. Those of routes that are not ours are kept apart: stop_times.txt names them too."""
        table = self._table("trips.txt", "route_id", "service_id", "trip_id")
        runs: dict[str, _Run] = {}
        self._passed_over: set[str] = set()
        for line, fields in table:
            trip_id = table.needed(line, fields, "trip_id")
            if trip_id in runs or trip_id in self._passed_over:
                table.fault(line, "trip_id", f"There is a trip {trip_id} already.")
            route_id = table.needed(line, fields, "route_id")
            if route_id and route_id not in routes:
                table.fault(line, "route_id", f"There is no route {route_id}.")
            service_id = table.needed(line, fields, "service_id")
            if service_id and service_id not in services:
                table.fault(line, "service_id", f"There is no service {service_id}.")
            if routes.get(route_id) is None:
                self._skipped["trips"] += 1
                self._passed_over.add(trip_id)
                continue
            distance = table.field(fields, DISTANCE)
            runs[trip_id] = _Run(
                route_id,
                service_id,
                table.text(line, fields, "trip_headsign") or None,
                table.text(line, fields, ROUTE_NAME),
                int(distance) if distance.isascii() and distance.isdigit() and len(distance) < 6 else None,
            )
        return runs

    def _frequencies(self, runs: dict[str, _Run]) -> dict[str, list[tuple[str, int]]]:
        """Names and starts of the departures that a trip stands for, where it stands for several."""
        if "frequencies.txt" not in self._archive:
            return {}
        table = self._table("frequencies.txt", "trip_id", "start_time", "end_time", "headway_secs")
        departures: dict[str, list[tuple[str, int]]] = {}
        count = 0
        for line, fields in table:
            trip_id = table.needed(line, fields, "trip_id")
            if trip_id not in runs and trip_id not in self._passed_over:
                table.fault(line, "trip_id", f"There is no trip {trip_id}.")
            headway = table.field(fields, "headway_secs")
            start, end = _time(table, line, fields, "start_time"), _time(table, line, fields, "end_time")
            if not (headway.isascii() and headway.isdigit() and 0 < int(headway) <= 86_400):
                table.fault(line, "headway_secs", "A number of seconds is expected, from 1 to 86400.")
                continue
            if start is None or end is None:
                continue
            if end <= start:
                table.fault(line, "end_time", "The departures end before they start.")
            starts = range(start, end, int(headway))
            count += len(starts)
            if count > MOST_TRIPS:
                table.fault(line, "headway_secs", f"These make more than {MOST_TRIPS} departures.")
                break
            departures.setdefault(trip_id, []).extend((f"{trip_id}@{format_time(at)}", at) for at in starts)
        return {trip_id: list(dict(each).items()) for trip_id, each in departures.items()}


def _is_road(route_type: int) -> bool:
    """Bus, trolleybus and coach, in the basic and the extended route types."""
    return route_type in {3, 11, 800} or 200 <= route_type < 300 or 700 <= route_type < 800


def _ever_runs(service: Service) -> bool:
    if service.added:
        return True
    removed = set(service.removed)
    span = days(service.start_date, service.end_date)
    return any(day.isoweekday() in service.weekdays and day not in removed for day in span)


def _date(table: Table, line: int, fields: list[str], column: str) -> date | None:
    text = table.needed(line, fields, column)
    if not text:
        return None
    try:
        return parse_date(text)
    except ValueError as error:
        table.fault(line, column, f"{error}.")
        return None


def _time(table: Table, line: int, fields: list[str], column: str) -> int | None:
    text = table.needed(line, fields, column)
    if not text:
        return None
    try:
        return parse_time(text)
    except ValueError as error:
        table.fault(line, column, f"{error}.")
        return None
