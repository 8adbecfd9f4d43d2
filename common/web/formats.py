"""Money, times and durations as a reader writes them; times in the zone of the place that they are about."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import jinja2
from babel import Locale
from babel.dates import format_date, format_skeleton, format_time
from babel.numbers import NumberPattern, format_currency, format_decimal, format_percent
from babel.units import format_unit
from jinja2 import pass_context
from jinja2.runtime import Context

from common.money import to_major

_WITH_YEAR: Final = "yMMMEd"
_WITHOUT_YEAR: Final = "MMMEd"


def money_text(amount_minor: int, currency: str, locale: Locale) -> str:
    """``45000, "INR"`` → ``₹450``; minor units are shown only where there are some."""
    major = to_major(amount_minor, currency)
    if major == major.to_integral_value():
        return str(
            format_currency(major, currency, _whole_pattern(locale), locale=locale, currency_digits=False)
        )
    return str(format_currency(major, currency, locale=locale))


def date_text(day: date, locale: Locale, *, year: bool = True) -> str:
    """``Sat, 14 Feb, 2026``"""
    return format_skeleton(_WITH_YEAR if year else _WITHOUT_YEAR, _noon(day), locale=locale)


def short_date_text(day: date, locale: Locale) -> str:
    return format_date(day, "medium", locale=locale)


def instant_date_text(moment: datetime, zone: str, locale: Locale, *, year: bool = True) -> str:
    """The date that an instant falls on at a place."""
    return date_text(moment.astimezone(ZoneInfo(zone)).date(), locale, year=year)


def instant_time_text(moment: datetime, zone: str, locale: Locale) -> str:
    """The time of day of an instant at a place: ``9:35 pm``"""
    return format_time(moment, "short", tzinfo=ZoneInfo(zone), locale=locale)


def instant_text(moment: datetime, zone: str, locale: Locale, *, year: bool = True) -> str:
    """Date and time of an instant at a place."""
    day = instant_date_text(moment, zone, locale, year=year)
    return f"{day}, {instant_time_text(moment, zone, locale)}"


def duration_text(seconds: float, locale: Locale) -> str:
    """``6 hrs 30 mins``; below a minute it is one."""
    hours, minutes = divmod(max(1, round(seconds / 60)), 60)
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


def number_text(number: float | Decimal, locale: Locale) -> str:
    return str(format_decimal(number, locale=locale))


def percent_text(fraction: float, locale: Locale) -> str:
    return str(format_percent(fraction, locale=locale))


def install_formats(environment: jinja2.Environment) -> None:
    """The functions above as filters that take the locale from the context's ``language``.

    ``{{ fare.amount|money(fare.currency) }}``, ``{{ departs_at|instant(zone) }}``, ``|instant_date(zone)``,
    ``|instant_time(zone)``, ``|day``, ``|duration``, ``|number``, ``|percent``.
    """
    environment.filters.update(
        money=_with_locale(money_text),
        day=_with_locale(date_text),
        short_day=_with_locale(short_date_text),
        instant=_with_locale(instant_text),
        instant_date=_with_locale(instant_date_text),
        instant_time=_with_locale(instant_time_text),
        duration=_with_locale(duration_text),
        number=_with_locale(number_text),
        percent=_with_locale(percent_text),
    )
    environment.globals["days_later"] = days_later


def _with_locale(text: Callable[..., str]) -> Callable[..., str]:
    @pass_context
    def in_reader_locale(context: Context, *args: Any, **kwargs: Any) -> str:
        return text(*args, context["language"].locale, **kwargs)

    return in_reader_locale


@lru_cache(maxsize=32)
def _whole_pattern_text(locale: str) -> str:
    pattern: NumberPattern = Locale.parse(locale).currency_formats["standard"]
    return pattern.pattern.replace(".00", "")


def _whole_pattern(locale: Locale) -> str:
    return _whole_pattern_text(str(locale))


def _noon(day: date) -> datetime:
    """A datetime, since Babel's skeletons shift plain dates by the machine's zone."""
    return datetime(day.year, day.month, day.day, 12)  # ruff: ignore[call-datetime-without-tzinfo] — a calendar day has no zone
