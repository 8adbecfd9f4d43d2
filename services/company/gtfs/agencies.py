"""agency.txt and routes.txt: who runs what, as far as it runs on the road."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import available_timezones

if TYPE_CHECKING:
    from collections.abc import Collection

    from services.company.gtfs.tables import Table


@dataclass(frozen=True, slots=True)
class Line:
    """A feed's route: what its patterns are called after."""

    code: str | None
    title: str


def read_agencies(table: Table) -> tuple[set[str], str]:
    """Ids of the agencies, and the time zone that they share; faults are for the caller to stop at."""
    zones = available_timezones()
    agencies: set[str] = set()
    time_zone = ""
    for line, fields in table:
        table.needed(line, fields, "agency_name")
        agency_id = table.field(fields, "agency_id")
        if agency_id in agencies:
            table.fault(line, "agency_id", "There is an agency of this id already.")
        agencies.add(agency_id)
        zone = table.needed(line, fields, "agency_timezone")
        if zone and zone not in zones:
            table.fault(line, "agency_timezone", f"{zone!r} is no IANA time zone.")
        elif time_zone and zone != time_zone:
            table.fault(line, "agency_timezone", f"Agencies share a time zone: {time_zone} is expected.")
        time_zone = time_zone or zone
    if not agencies:
        table.fault(1, "agency_name", "The file names no agency.")
    return agencies, time_zone


def read_lines(table: Table, agencies: Collection[str]) -> tuple[dict[str, Line | None], int]:
    """Routes by id, None for those that are not run by buses; and how many of those there are."""
    lines: dict[str, Line | None] = {}
    skipped = 0
    for line, fields in table:
        route_id = table.needed(line, fields, "route_id")
        if route_id in lines:
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
            skipped += 1
            lines[route_id] = None
            continue
        lines[route_id] = Line(short or None, short or title)
    return lines, skipped


def _is_road(route_type: int) -> bool:
    """Bus, trolleybus and coach, in the basic and the extended route types."""
    return route_type in {3, 11, 800} or 200 <= route_type < 300 or 700 <= route_type < 800
