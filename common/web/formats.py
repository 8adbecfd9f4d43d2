"""Money, times and durations as a reader writes them; times in the zone of the place that they are about.

Finding and applying a locale's pattern takes far longer than looking up what came of it the last time, and a
page says the same days, hours and prices over and over: the latest texts of each kind are kept.
"""

from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time
from babel.numbers import NumberPattern, format_currency, format_decimal, format_percent
from babel.units import format_unit

from common.money import to_major

_WITH_YEAR: Final = "yMMMEd"
_WITHOUT_YEAR: Final = "MMMEd"
_KEPT: Final = 4096


@lru_cache(maxsize=_KEPT)
def money_text(amount_minor: int, currency: str, locale: Locale) -> str:
    """``45000, "INR"`` → ``₹450``; minor units are shown only where there are some."""
    major = to_major(amount_minor, currency)
    if major == major.to_integral_value():
        return str(
            format_currency(major, currency, _whole_pattern(locale), locale=locale, currency_digits=False)
        )
    return str(format_currency(major, currency, locale=locale))


@lru_cache(maxsize=_KEPT)
def date_text(day: date, locale: Locale, *, year: bool = True) -> str:
    """``Sat, 14 Feb, 2026``"""
    return format_skeleton(_WITH_YEAR if year else _WITHOUT_YEAR, _noon(day), locale=locale)


@lru_cache(maxsize=_KEPT)
def short_date_text(day: date, locale: Locale) -> str:
    return format_date(day, "medium", locale=locale)


@lru_cache(maxsize=_KEPT)
def day_and_month_text(day: date, locale: Locale) -> str:
    return format_skeleton("Md", _noon(day), locale=locale)


@lru_cache(maxsize=_KEPT)
def month_text(day: date, locale: Locale) -> str:
    """The month of a day: ``May 2026``"""
    return format_skeleton("yMMMM", _noon(day), locale=locale)


def instant_date_text(moment: datetime, zone: str, locale: Locale, *, year: bool = True) -> str:
    """The date that an instant falls on at a place."""
    return date_text(moment.astimezone(ZoneInfo(zone)).date(), locale, year=year)


def instant_time_text(moment: datetime, zone: str, locale: Locale) -> str:
    """The time of day of an instant at a place: ``9:35 pm``"""
    there = moment.astimezone(ZoneInfo(zone))
    return _time_text(there.hour, there.minute, locale)


def instant_text(moment: datetime, zone: str, locale: Locale, *, year: bool = True) -> str:
    """Date and time of an instant at a place."""
    day = instant_date_text(moment, zone, locale, year=year)
    return f"{day}, {instant_time_text(moment, zone, locale)}"


def duration_text(seconds: float, locale: Locale) -> str:
    """``6 hrs 30 mins``; below a minute it is one."""
    return _minutes_text(max(1, round(seconds / 60)), locale)


@lru_cache(maxsize=_KEPT)
def _minutes_text(all_minutes: int, locale: Locale) -> str:
    hours, minutes = divmod(all_minutes, 60)
    parts = [
        format_unit(number, unit, "short", locale=locale)
        for number, unit in ((hours, "duration-hour"), (minutes, "duration-minute"))
        if number
    ]
    return " ".join(parts)


def days_later(start: datetime, end: datetime, zone: str) -> int:
    """How many midnights of a place lie between two instants: the +1 beside an arrival."""
    place = ZoneInfo(zone)
    return (end.astimezone(place).date() - start.astimezone(place).date()).days


@lru_cache(maxsize=_KEPT, typed=True)
def number_text(number: float | Decimal, locale: Locale) -> str:
    return str(format_decimal(number, locale=locale))


@lru_cache(maxsize=_KEPT)
def percent_text(fraction: float, locale: Locale) -> str:
    return str(format_percent(fraction, locale=locale))


@lru_cache(maxsize=_KEPT)
def _time_text(hour: int, minute: int, locale: Locale) -> str:
    return format_time(time(hour, minute), "short", locale=locale)


@lru_cache(maxsize=32)
def _whole_pattern_text(locale: str) -> str:
    pattern: NumberPattern = Locale.parse(locale).currency_formats["standard"]
    return pattern.pattern.replace(".00", "")


def _whole_pattern(locale: Locale) -> str:
    return _whole_pattern_text(str(locale))


def _noon(day: date) -> datetime:
    """A datetime, since Babel's skeletons shift plain dates by the machine's zone."""
    return datetime(day.year, day.month, day.day, 12)  # ruff: ignore[call-datetime-without-tzinfo] — a calendar day has no zone
