"""When departures leave, and which of them cannot have the same bus: rules without I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from services.company.gtfs.times import Calendar, days, service_instant

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

MOST_DEPARTURES: Final = 366
"""How many departures one calendar may make."""

MOST_OF_A_FEED: Final = 20_000
"""How many departures of timetables are made at once."""


@dataclass(frozen=True, slots=True)
class Departure:
    """A trip to be: its day of service and its instants at the first and the last stop."""

    service_date: date
    departs_at: datetime
    arrives_at: datetime


def instant(day: date, local: time, zone: ZoneInfo) -> datetime:
    """A local time as an instant in UTC.

    A time that the clocks skip is taken as if they had not been changed (02:30 becomes 03:30); of a time that
    comes twice the first is meant.
    """
    return datetime.combine(day, local, tzinfo=zone).astimezone(UTC)


def calendar_departures(
    first: date, last: date, weekdays: Collection[int], local: time, zone: ZoneInfo, duration_s: int
) -> list[Departure]:
    """A departure on each of the weekdays (ISO, 1 is Monday) at the same local time, in order."""
    takes = timedelta(seconds=duration_s)
    return [
        Departure(day, leaves, leaves + takes)
        for day in days(first, last)
        if day.isoweekday() in weekdays
        for leaves in (instant(day, local, zone),)
    ]


def overlapping(departures: Sequence[Departure]) -> list[Departure]:
    """Those that leave, by time, before one that left earlier has arrived: no one bus can run them all."""
    late = []
    busy_until: datetime | None = None
    for departure in sorted(departures, key=lambda each: each.departs_at):
        if busy_until is not None and departure.departs_at < busy_until:
            late.append(departure)
        busy_until = max(busy_until or departure.arrives_at, departure.arrives_at)
    return late


def timetable_departures(
    timetables: Sequence[Mapping[str, Any]], first: date, last: date, like: date | None
) -> list[tuple[Mapping[str, Any], Departure]]:
    """(timetable, departure) of each timetable on each of its days of service.

    With `like` each day has the service of that one.
    """
    every_day = list(days(first, last))
    dates: dict[str, list[date]] = {}
    zones: dict[str, ZoneInfo] = {}
    departures = []
    for timetable in timetables:
        service = timetable["service_id"]
        if service not in dates:
            calendar = calendar_of(timetable)
            if like is None:
                dates[service] = list(calendar.dates(first, last))
            else:
                dates[service] = every_day if calendar.runs_on(like) else []
        name = timetable["time_zone"]
        zone = zones.setdefault(name, ZoneInfo(name))
        takes = timedelta(seconds=timetable["duration_s"])
        for day in dates[service]:
            leaves = service_instant(day, timetable["start_s"], zone)
            departures.append((timetable, Departure(day, leaves, leaves + takes)))
    return departures


def calendar_of(row: Mapping[str, Any]) -> Calendar:
    """A row's days of service."""
    return Calendar(
        frozenset(row["weekdays"]),
        row["start_date"],
        row["end_date"],
        frozenset(row["added"]),
        frozenset(row["removed"]),
    )
