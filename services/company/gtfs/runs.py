"""trips.txt and frequencies.txt: which trips there are, and how often each of them leaves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.company.gtfs.feed import DISTANCE, ROUTE_NAME
from services.company.gtfs.times import format_time

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from services.company.gtfs.agencies import Line
    from services.company.gtfs.tables import Table

MOST_TRIPS = 200_000


@dataclass(frozen=True, slots=True)
class Run:
    """A line of trips.txt that we can use."""

    route_id: str
    service_id: str
    headsign: str | None
    name: str
    distance_km: int | None


@dataclass(frozen=True, slots=True)
class Runs:
    """Trips by id; those of routes that are not ours are kept apart, as stop_times.txt names them too."""

    ours: dict[str, Run] = field(default_factory=dict)
    passed_over: set[str] = field(default_factory=set)

    def __contains__(self, trip_id: str) -> bool:
        return trip_id in self.ours or trip_id in self.passed_over


def read_runs(table: Table, lines: Mapping[str, Line | None], services: Collection[str]) -> Runs:
    """All trips; those passed over count as skipped."""
    runs = Runs()
    for line, fields in table:
        trip_id = table.needed(line, fields, "trip_id")
        if trip_id in runs:
            table.fault(line, "trip_id", f"There is a trip {trip_id} already.")
        route_id = table.needed(line, fields, "route_id")
        if route_id and route_id not in lines:
            table.fault(line, "route_id", f"There is no route {route_id}.")
        service_id = table.needed(line, fields, "service_id")
        if service_id and service_id not in services:
            table.fault(line, "service_id", f"There is no service {service_id}.")
        if lines.get(route_id) is None:
            runs.passed_over.add(trip_id)
            continue
        distance = table.field(fields, DISTANCE)
        runs.ours[trip_id] = Run(
            route_id,
            service_id,
            table.text(line, fields, "trip_headsign") or None,
            table.text(line, fields, ROUTE_NAME),
            int(distance) if distance.isascii() and distance.isdigit() and len(distance) < 6 else None,
        )
    return runs


def read_frequencies(table: Table, runs: Runs) -> dict[str, list[tuple[str, int]]]:
    """Names and starts of the departures that a trip stands for, where it stands for several."""
    departures: dict[str, list[tuple[str, int]]] = {}
    count = 0
    for line, fields in table:
        trip_id = table.needed(line, fields, "trip_id")
        if trip_id not in runs:
            table.fault(line, "trip_id", f"There is no trip {trip_id}.")
        headway = table.field(fields, "headway_secs")
        start, end = table.time_of(line, fields, "start_time"), table.time_of(line, fields, "end_time")
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
