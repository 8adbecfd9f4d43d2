"""calendar.txt and calendar_dates.txt: the days on which services run."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from services.company.gtfs.feed import Service
from services.company.gtfs.times import days

if TYPE_CHECKING:
    from datetime import date

    from services.company.gtfs.tables import Table

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LONGEST_SERVICE_DAYS = 3700


Weekly: TypeAlias = dict[str, "tuple[tuple[int, ...], date, date]"]
"""Weekdays (ISO), first and last day, by service."""

Exceptions: TypeAlias = dict[str, "dict[date, bool]"]
"""Days by service: True for one that is added, False for one that is removed."""


def services_of(weekly: Weekly, exceptions: Exceptions) -> dict[str, Service]:
    """Services by id, of either file or of both."""
    services = {}
    for service_id in sorted(weekly.keys() | exceptions.keys()):
        dates = exceptions.get(service_id, {})
        weekdays, start, end = weekly.get(service_id) or ((), min(dates), max(dates))
        services[service_id] = Service(
            service_id,
            weekdays,
            start,
            end,
            tuple(sorted(day for day, added in dates.items() if added)),
            tuple(sorted(day for day, added in dates.items() if not added)),
        )
    return services


def ever_runs(service: Service) -> bool:
    """Whether there is a day on which it runs."""
    if service.added:
        return True
    removed = set(service.removed)
    span = days(service.start_date, service.end_date)
    return any(day.isoweekday() in service.weekdays and day not in removed for day in span)


def read_weekly(table: Table) -> Weekly:
    """The services of calendar.txt."""
    weekly: Weekly = {}
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
        start = table.date_of(line, fields, "start_date")
        end = table.date_of(line, fields, "end_date")
        if start is None or end is None:
            continue
        if end < start:
            table.fault(line, "end_date", "The service ends before it starts.")
        elif (end - start).days > LONGEST_SERVICE_DAYS:
            table.fault(line, "end_date", "The service goes on for more than ten years.")
        weekly[service_id] = (tuple(runs), start, end)
    return weekly


def read_exceptions(table: Table) -> Exceptions:
    """The days of calendar_dates.txt."""
    exceptions: Exceptions = {}
    for line, fields in table:
        service_id = table.needed(line, fields, "service_id")
        kind = table.field(fields, "exception_type")
        if kind not in {"1", "2"}:
            table.fault(line, "exception_type", "1 (added) or 2 (removed) is expected.")
        day = table.date_of(line, fields, "date")
        if day is None:
            continue
        dates = exceptions.setdefault(service_id, {})
        if day in dates:
            table.fault(line, "date", f"There is an exception for {service_id} on this day already.")
        dates[day] = kind == "1"
    return exceptions
