"""Rules of the dashboards, without I/O: what days they are about, what a share is, what a place is called."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from common.money import money

if TYPE_CHECKING:
    from collections.abc import Iterable

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


def days_of(first: date, last: date) -> list[date]:
    """Every day of a period."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def share(part: int, whole: int) -> float | None:
    """A share to four decimals; of nothing there is none."""
    return round(part / whole, 4) if whole else None


def sums(amounts: Iterable[tuple[str, int]]) -> list[dict[str, Any]]:
    """Amounts in minor units as money by currency; currencies do not add up."""
    totals: dict[str, int] = defaultdict(int)
    for currency, amount_minor in amounts:
        totals[currency] += amount_minor
    return [money(amount_minor, currency) for currency, amount_minor in sorted(totals.items())]


def place_name(name: str, city: str) -> str:
    """A stop's name, with its city unless that is in the name already."""
    return name if city.casefold() in name.casefold() else f"{name}, {city}"
