"""A feed's zip → a Feed, or every fault in it at its place. Pure but for reading the bytes it is given.

What GTFS knows and we do not sell is left out and counted: stations, entrances, trips that are not on the
road or call at fewer than two stops. Fares, shapes and all else that READ does not name is not looked at.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from services.company.gtfs.agencies import read_agencies, read_lines
from services.company.gtfs.archive import Archive
from services.company.gtfs.calendars import WEEKDAYS, ever_runs, read_exceptions, read_weekly, services_of
from services.company.gtfs.calls import read_calls
from services.company.gtfs.distances import distance_km
from services.company.gtfs.feed import DEAREST, LEG_FARE, Feed, Options, Pattern, Trip
from services.company.gtfs.places import read_stops
from services.company.gtfs.problems import Faults
from services.company.gtfs.runs import MOST_TRIPS, read_frequencies, read_runs
from services.company.gtfs.tables import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from services.company.gtfs.agencies import Line
    from services.company.gtfs.calls import Calls
    from services.company.gtfs.feed import Call, Service, Stop
    from services.company.gtfs.runs import Run, Runs

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
STOP_TIMES = ("trip_id", "stop_id", "stop_sequence", "arrival_time", "departure_time")
FREQUENCIES = ("trip_id", "start_time", "end_time", "headway_secs")


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

    def parse(self) -> Feed:
        agencies, time_zone = read_agencies(self._table("agency.txt", "agency_name", "agency_timezone"))
        self._faults.stop_if_any()
        stops, skipped_stops = read_stops(self._table("stops.txt", "stop_id"), time_zone)
        lines, skipped_lines = read_lines(self._table("routes.txt", "route_id", "route_type"), agencies)
        services = self._services()
        runs = read_runs(self._table("trips.txt", "route_id", "service_id", "trip_id"), lines, services)
        self._faults.stop_if_any()
        calls = read_calls(self._table("stop_times.txt", *STOP_TIMES), stops, runs, self._options)
        frequencies = {}
        if "frequencies.txt" in self._archive:
            frequencies = read_frequencies(self._table("frequencies.txt", *FREQUENCIES), runs)
        self._faults.stop_if_any()

        patterns, trips, skipped_trips = self._trips(runs, lines, services, calls, stops, frequencies)
        used = {trip.service_id for trip in trips}
        return Feed(
            len(agencies),
            time_zone,
            [stop for stop in stops.values() if stop is not None],
            [service for service in services.values() if service.service_id in used],
            patterns,
            trips,
            {"stops": skipped_stops, "routes": skipped_lines, "trips": skipped_trips},
            self._options.guess_fares and not calls.has_fares,
        )

    def _services(self) -> dict[str, Service]:
        weekly, exceptions = {}, {}
        if "calendar.txt" in self._archive:
            weeks = self._table("calendar.txt", "service_id", *WEEKDAYS, "start_date", "end_date")
            weekly = read_weekly(weeks)
        if "calendar_dates.txt" in self._archive:
            days = self._table("calendar_dates.txt", "service_id", "date", "exception_type")
            exceptions = read_exceptions(days)
        return services_of(weekly, exceptions)

    def _trips(
        self,
        runs: Runs,
        lines: Mapping[str, Line | None],
        services: Mapping[str, Service],
        calls: Calls,
        stops: Mapping[str, Stop | None],
        frequencies: Mapping[str, list[tuple[str, int]]],
    ) -> tuple[list[Pattern], list[Trip], int]:
        numbers: dict[tuple[str, tuple[Call, ...]], int] = {}
        patterns: list[Pattern] = []
        trips: list[Trip] = []
        skipped = len(runs.passed_over)
        for trip_id, run in runs.ours.items():
            start_s, way = calls.of_trip(trip_id)
            line = lines[run.route_id]
            if way is None or line is None:
                skipped += 1
                continue
            number = numbers.get((run.route_id, way))
            if number is None:
                number = numbers[run.route_id, way] = len(patterns)
                patterns.append(self._pattern(run, line, way, stops))
            if not ever_runs(services[run.service_id]):
                continue  # a trip of no day shows the way of a route, and nothing more
            trips += [
                Trip(name, number, run.service_id, run.headsign, start)
                for name, start in frequencies.get(trip_id, [(trip_id, start_s)])
            ]
        if len(trips) > MOST_TRIPS:
            self._faults.add("trips.txt", 0, "", f"The feed has more than {MOST_TRIPS} trips.")
        self._faults.stop_if_any()
        return patterns, trips, skipped

    def _pattern(
        self, run: Run, line: Line, way: tuple[Call, ...], stops: Mapping[str, Stop | None]
    ) -> Pattern:
        places = [stop for call in way if (stop := stops[call.stop]) is not None]
        name = run.name or f"{line.title}: {places[0].name} → {places[-1].name}"
        if sum(call.leg_fare for call in way) > DEAREST * 10**self._options.decimals:
            message = f"With these fares the way of {name} costs more than {DEAREST}."
            self._faults.add("stop_times.txt", 0, LEG_FARE, message)
        distance = run.distance_km
        if distance is None:
            legs = pairwise(places)
            distance = round(sum(distance_km(a.lat, a.lon, b.lat, b.lon) for a, b in legs))
        return Pattern(run.route_id, line.code, name[:200], distance, way)

    def _table(self, name: str, *required: str) -> Table:
        return Table(self._archive, name, required, self._faults, self._more)

    def _more(self, lines: int) -> None:
        self._done += lines
        self._tell(min(self._done, self._total), self._total)
