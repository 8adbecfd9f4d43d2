"""The days that a dashboard is about."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

USUAL: Final = timedelta(days=30)
LONGEST: Final = timedelta(days=366)
EARLIEST: Final = date(2000, 1, 1)
LATEST: Final = date(2100, 12, 31)


def period(first: date | None, last: date | None, today: date) -> tuple[date, date, dict[str, list[str]]]:
    """First and last day, both included: the last 30 days where nothing else is said; and what is wrong."""
    if last is None:
        last = today if first is None or first <= today else first
    if first is None:
        first = last - USUAL + timedelta(days=1) if last > EARLIEST + USUAL else EARLIEST
    errors: dict[str, list[str]] = {}
    for name, day in (("from", first), ("to", last)):
        if not EARLIEST <= day <= LATEST:
            errors[name] = ["Must be in this century."]
    if not errors and last < first:
        errors["to"] = ["Must not be before the first day."]
    if not errors and last - first >= LONGEST:
        errors["to"] = [f"At most {LONGEST.days} days can be shown."]
    return first, last, errors
