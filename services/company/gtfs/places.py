"""stops.txt: where buses stop. Stations lend their time zone to what belongs to them, and are left out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from zoneinfo import available_timezones

from services.company.gtfs.feed import CITY, Stop

if TYPE_CHECKING:
    from services.company.gtfs.tables import Table

PLATFORM, STATION, ENTRANCE, NODE, AREA = range(5)
LONGEST_ID = 120


def read_stops(table: Table, time_zone: str) -> tuple[dict[str, Stop | None], int]:
    """Stops by id, None for what no bus can stop at; and how many of those there are.

    `time_zone` is the agency's, for stops that neither have one nor belong to a station that has.
    """
    zones = available_timezones()
    stops: dict[str, Stop | None] = {}
    kinds: dict[str, int] = {}
    stations: dict[str, Stop] = {}
    children: list[tuple[int, str, str]] = []
    for line, fields in table:
        stop_id = table.needed(line, fields, "stop_id", longest=LONGEST_ID)
        if stop_id in kinds:
            table.fault(line, "stop_id", f"There is a stop {stop_id} already.")
        kind = _kind(table, line, fields)
        kinds[stop_id] = kind
        stops[stop_id] = None
        zone = _zone(table, line, fields, zones)
        city = table.text(line, fields, CITY, longest=120)
        parent = table.field(fields, "parent_station")
        if parent:
            children.append((line, stop_id, parent))
        elif kind in {ENTRANCE, NODE, AREA}:
            table.fault(line, "parent_station", "A value is needed here.")
        if kind in {PLATFORM, STATION, ENTRANCE}:
            stop = _stop(table, line, fields, stop_id, city, zone)
            if kind == PLATFORM:
                stops[stop_id] = stop
            elif kind == STATION:
                stations[stop_id] = stop
    parents = _parents(table, children, kinds)
    placed = {
        stop_id: stop and _placed(stop, stations.get(parents.get(stop_id, "")), time_zone)
        for stop_id, stop in stops.items()
    }
    return placed, sum(stop is None for stop in placed.values())


def _stop(table: Table, line: int, fields: list[str], stop_id: str, city: str, zone: str) -> Stop:
    name = table.needed(line, fields, "stop_name")
    lat, lon = (_degrees(table, line, fields, *bounds) for bounds in (("stop_lat", 90), ("stop_lon", 180)))
    return Stop(stop_id, name, city or None, lat, lon, zone)


def _placed(stop: Stop, station: Stop | None, time_zone: str) -> Stop:
    """The stop with what its station knows of the place."""
    city, zone = (None, "") if station is None else (station.city, station.time_zone)
    # The station's zone wins (GTFS Reference, stop_timezone): its platforms cannot be in another one.
    return replace(stop, city=stop.city or city, time_zone=zone or stop.time_zone or time_zone)


def _parents(table: Table, children: list[tuple[int, str, str]], kinds: dict[str, int]) -> dict[str, str]:
    parents = {}
    for line, stop_id, parent in children:
        wanted = {PLATFORM: STATION, STATION: None, AREA: PLATFORM}.get(kinds[stop_id], STATION)
        if wanted is None:
            table.fault(line, "parent_station", "A station has no parent.")
        elif parent not in kinds:
            table.fault(line, "parent_station", f"There is no stop {parent}.")
        elif kinds[parent] != wanted:
            table.fault(
                line, "parent_station", f"{parent} is of location_type {kinds[parent]}, not {wanted}."
            )
        parents[stop_id] = parent
    return parents


def _kind(table: Table, line: int, fields: list[str]) -> int:
    text = table.field(fields, "location_type")
    if text not in {"", "0", "1", "2", "3", "4"}:
        table.fault(line, "location_type", "0 to 4 is expected.")
        return PLATFORM
    return int(text or 0)


def _zone(table: Table, line: int, fields: list[str], zones: set[str]) -> str:
    zone = table.field(fields, "stop_timezone")
    if zone and zone not in zones:
        table.fault(line, "stop_timezone", f"{zone!r} is no IANA time zone.")
        return ""
    return zone


def _degrees(table: Table, line: int, fields: list[str], column: str, bound: int) -> float:
    text = table.needed(line, fields, column)
    try:
        value = float(text)
    except ValueError:
        if text:
            table.fault(line, column, f"{text!r} is no number of degrees.")
        return 0.0
    if not -bound <= value <= bound:  # also where it is not a number
        table.fault(line, column, f"{text} is not within -{bound} and {bound}.")
        return 0.0
    return value
