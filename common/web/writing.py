"""What templates write with: `money(m)`, `when(at, zone)`, `day(d)`, `duration(s)`, `number(n)` and more.

Each follows the reader's language. Instants and dates may be Python's or the wire's text.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from jinja2 import pass_context

from common.instants import parse_instant
from common.web import formats
from common.web.browsers import browser_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import jinja2
    from babel import Locale
    from jinja2.runtime import Context


def money(amount: Mapping[str, Any], locale: Locale) -> str:
    """``{"amount": 45000, "currency": "INR"}`` → ``₹450``."""
    return formats.money_text(amount["amount"], amount["currency"], locale)


def when(at: datetime | str, zone: str, locale: Locale) -> str:
    """Date and time of an instant at a place."""
    return formats.instant_text(_instant(at), zone, locale)


def short_when(at: datetime | str, zone: str, locale: Locale) -> str:
    """Date and time of an instant that is near: without the year."""
    return formats.instant_text(_instant(at), zone, locale, year=False)


def time_of_day(at: datetime | str, zone: str, locale: Locale) -> str:
    return formats.instant_time_text(_instant(at), zone, locale)


def day(on: date | str, locale: Locale) -> str:
    """A calendar day, with its weekday."""
    return formats.date_text(_date(on), locale)


def short_day(on: date | str, locale: Locale) -> str:
    return formats.short_date_text(_date(on), locale)


def day_and_month(on: date | str, locale: Locale) -> str:
    """As short as a day of a known year can be: ``14/2``."""
    return formats.day_and_month_text(_date(on), locale)


def day_of(at: datetime | str, zone: str, locale: Locale) -> str:
    """The calendar day that an instant falls on at a place."""
    return formats.instant_date_text(_instant(at), zone, locale)


def days_later(start: datetime | str, end: datetime | str, zone: str) -> int:
    """How many midnights of a place lie between: the +1 beside an arrival."""
    return formats.days_later(_instant(start), _instant(end), zone)


def month_name(month: str, locale: Locale) -> str:
    """``2026-05`` → ``May 2026``."""
    return formats.month_text(date.fromisoformat(f"{month}-01"), locale)


FUNCTIONS: Final[Mapping[str, Callable[..., str]]] = {
    "money": money,
    "when": when,
    "short_when": short_when,
    "time_of_day": time_of_day,
    "day": day,
    "short_day": short_day,
    "day_and_month": day_and_month,
    "day_of": day_of,
    "month_name": month_name,
    "duration": formats.duration_text,
    "number": formats.number_text,
    "percent": formats.percent_text,
}
OF_NO_LANGUAGE: Final[dict[str, Callable[..., Any]]] = {
    "days_later": days_later,
    "browser_name": browser_name,
}


def install(environment: jinja2.Environment) -> None:
    """Give templates the functions above; each finds the reader's language in its context."""
    for name, text in FUNCTIONS.items():
        environment.globals[name] = _for_reader(text)
    environment.globals.update(OF_NO_LANGUAGE)


def writers(locale: Locale) -> dict[str, Callable[..., Any]]:
    """The functions above for templates that are in one language only."""
    return {name: _in_locale(text, locale) for name, text in FUNCTIONS.items()} | OF_NO_LANGUAGE


def _for_reader(text: Callable[..., str]) -> Callable[..., str]:
    @pass_context
    def written(context: Context, *args: Any) -> str:
        return text(*args, context["language"].locale)

    return written


def _in_locale(text: Callable[..., str], locale: Locale) -> Callable[..., str]:
    def written(*args: Any) -> str:
        return text(*args, locale)

    return written


def _instant(at: datetime | str) -> datetime:
    return parse_instant(at) if isinstance(at, str) else at


def _date(on: date | str) -> date:
    return date.fromisoformat(on) if isinstance(on, str) else on
