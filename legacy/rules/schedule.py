"""When departures leave, and which of them cannot have the same bus: rules without I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from zoneinfo import ZoneInfo

MOST_DEPARTURES = 366
"""How many departures one calendar may make."""


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


def days(first: date, last: date) -> Iterator[date]:
    """Every date from `first` to `last`, both included."""
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        yield date.fromordinal(ordinal)


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
