"""GTFS' days and times: rules without I/O.

A service day's times are counted from noon minus 12 h in the agency's zone, so that a trip takes as long
on the days when clocks change; they may pass 24:00:00 (GTFS Reference, "Time" and "Service day").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

NOON = time(12)
HALF_DAY = timedelta(hours=12)
LATEST_S = 240 * 3600  # ten days on the road; beyond that it is a slip of the pen

_TIME = re.compile(r"(\d{1,3}):([0-5]\d):([0-5]\d)")
_DATE = re.compile(r"\d{8}")


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days on which a service runs."""

    weekdays: frozenset[int]
    start_date: date
    end_date: date
    added: frozenset[date]
    removed: frozenset[date]

    def runs_on(self, day: date) -> bool:
        """Exceptions win over the weekly pattern."""
        if day in self.removed:
            return False
        in_pattern = self.start_date <= day <= self.end_date and day.isoweekday() in self.weekdays
        return in_pattern or day in self.added

    def dates(self, first: date, last: date) -> Iterator[date]:
        """The days of service within a span, in order."""
        return (day for day in days(first, last) if self.runs_on(day))


def days(first: date, last: date) -> Iterator[date]:
    """Every date from `first` to `last`, both included."""
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        yield date.fromordinal(ordinal)


def parse_time(text: str) -> int:
    """`25:35:00` → seconds from noon minus 12 h; raises ValueError."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no time: HH:MM:SS is expected")
    hours, minutes, seconds = map(int, match.groups())
    total = hours * 3600 + minutes * 60 + seconds
    if total > LATEST_S:
        raise ValueError(f"{text!r} is more than {LATEST_S // 3600} hours into the service day")
    return total


def format_time(seconds: int) -> str:
    """The way back: `92100` → `25:35:00`."""
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def parse_date(text: str) -> date:
    """`20140526` → the date; raises ValueError."""
    if _DATE.fullmatch(text) is None:
        raise ValueError(f"{text!r} is no date: YYYYMMDD is expected")
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        raise ValueError(f"{text!r} is no date: there is no such day") from None


def format_date(day: date) -> str:
    """The way back: `20140526`."""
    return f"{day:%Y%m%d}"


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """Noon minus 12 h: midnight, except on the days when clocks change."""
    return datetime.combine(day, NOON, tzinfo=zone).astimezone(UTC) - HALF_DAY


def service_instant(day: date, seconds: int, zone: ZoneInfo) -> datetime:
    """The instant of a GTFS time on a day of service."""
    return day_start(day, zone) + timedelta(seconds=seconds)


def service_seconds(moment: datetime, day: date, zone: ZoneInfo) -> int:
    """The GTFS time of an instant on a day of service; negative if it was before the day began."""
    return int((moment - day_start(day, zone)).total_seconds())
