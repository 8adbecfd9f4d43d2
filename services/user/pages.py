"""The pages of profiles and dashboards."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from babel.dates import format_skeleton
from babel.numbers import format_compact_currency, format_compact_decimal
from marshmallow import EXCLUDE

from common.database import POOL
from common.money import money, to_major
from common.principals import Role, require
from common.problems import Errors, NotFound, ValidationFailed
from common.web import writing
from common.web.formats import number_text
from common.web.forms import Form, parse_form
from common.web.i18n import COOKIE, LANGUAGES, language
from common.web.layout import render, see_other
from common.wire import parse_query, path_id
from services.user import schemas
from services.user.domain import days_of
from services.user.errors import TooManyTravellers
from services.user.handlers import ask_company, ask_registration
from services.user.plots import Plot, Value, columns
from services.user.repository import dashboards as queries
from services.user.service import dashboards, profiles

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from aiohttp import web

PROFILE: Final = schemas.ProfileForm()
TRAVELLER: Final = schemas.NewTraveller()
PERIOD: Final = schemas.Period()
SPANS: Final = (7, 30, 90, 365)
"""Periods to choose from, in days up to today."""
LONGEST_PLOT_MONTHS: Final = 24
_COOKIE_AGE_S: Final = 365 * 86400


async def show_dashboard(request: web.Request) -> web.Response:
    who = require(request)
    numbers = await dashboards.of_user(request.app[POOL], who.user_id)
    return render(request, "dashboard.html", {"numbers": numbers, "plots": _month_plots(request, numbers)})


async def show_profile(request: web.Request) -> web.Response:
    return await _profile(request, Form(), Form())


async def change_profile(request: web.Request) -> web.Response:
    who = require(request)
    form = await parse_form(request, PROFILE)
    if not form.is_valid:
        return await _profile(request, form, Form(), 422)
    profile = await profiles.change_profile(
        request.app[POOL], who.user_id, form.data, ask_registration(request)
    )
    response = see_other("/profile", flash="profile-saved")
    # the language of the profile is the browser's from now on
    response.set_cookie(
        COOKIE, profile["locale"], max_age=_COOKIE_AGE_S, path="/", samesite="Lax", httponly=True
    )
    return response


async def add_traveller(request: web.Request) -> web.Response:
    who = require(request)
    form = await parse_form(request, TRAVELLER)
    if form.is_valid:
        try:
            await profiles.add_traveller(request.app[POOL], who.user_id, form.data, ask_registration(request))
        except TooManyTravellers as problem:
            form = form.with_errors({"name": [f"{problem.title}."]})
        else:
            return see_other("/profile#travellers", flash="traveller-added")
    return await _profile(request, Form(), form, 422)


async def forget_traveller(request: web.Request) -> web.Response:
    who = require(request)
    try:
        await profiles.forget_traveller(request.app[POOL], who.user_id, path_id(request, "id"))
    except NotFound:
        return see_other("/profile#travellers")  # forgotten already: that is what was wanted
    return see_other("/profile#travellers", flash="traveller-forgotten")


async def show_sales(request: web.Request) -> web.Response:
    """The company's sales; an admin chooses the company."""
    who = require(request, Role.OPERATOR, Role.ADMIN)
    pool = request.app[POOL]
    companies = await queries.list_companies(pool) if who.is_admin else ()
    company_id = _chosen(request, companies) if who.is_admin else who.company_id
    if company_id is None:
        return see_other("/admin")  # there is no company yet
    company = await dashboards.find_company(pool, company_id, ask_company(request))

    async def ask(first: date | None, last: date | None) -> dict[str, Any]:
        return await dashboards.of_company(pool, company, first, last)

    numbers, errors = await _in_period(request, ask)
    context = {
        "numbers": numbers,
        "companies": companies,
        "company": company,
        "plot": _sales_plot(request, numbers),
        "section": request.path,
        **_period_form(request, errors, company["today"], {"company_id": company_id} if companies else {}),
    }
    return render(request, "operator_sales.html", context, status=422 if errors else 200)


async def show_platform(request: web.Request) -> web.Response:
    require(request, Role.ADMIN)
    pool = request.app[POOL]

    async def ask(first: date | None, last: date | None) -> dict[str, Any]:
        return await dashboards.of_platform(pool, first, last)

    numbers, errors = await _in_period(request, ask)
    today = (await queries.count_people(pool))["today"]
    context = {
        "numbers": numbers,
        "plot": _platform_plot(request, numbers),
        **_period_form(request, errors, today, {}),
    }
    return render(request, "admin.html", context, status=422 if errors else 200)


async def _profile(request: web.Request, form: Form, traveller_form: Form, status: int = 200) -> web.Response:
    who = require(request)
    pool = request.app[POOL]
    profile = await profiles.find_profile(pool, who.user_id, ask_registration(request))
    travellers = await profiles.list_travellers(pool, who.user_id, None, profiles.MOST_TRAVELLERS)
    context = {
        "form": form,
        "traveller_form": traveller_form,
        "profile": profile,
        "travellers": travellers,
        "has_room": len(travellers) < profiles.MOST_TRAVELLERS,
        "languages": [(each.code, each.name) for each in request.app[LANGUAGES].all],
    }
    return render(request, "profile.html", context, status=status)


async def _in_period(
    request: web.Request, ask: Callable[[date | None, date | None], Awaitable[dict[str, Any]]]
) -> tuple[dict[str, Any], Errors]:
    """The numbers of the period that the query names; of the usual one if that is no good, and why."""
    try:
        query = parse_query(request, PERIOD, unknown=EXCLUDE)
        return await ask(query["from_"], query["to"]), {}
    except ValidationFailed as problem:
        return await ask(None, None), problem.errors or {}


def _period_form(
    request: web.Request, errors: Errors, today: date, kept: Mapping[str, object]
) -> dict[str, Any]:
    """The form to choose a period with, and periods that are one click away: days, and the query of each."""
    spans = [
        (days, {**kept, "from": (today - timedelta(days=days - 1)).isoformat(), "to": today.isoformat()})
        for days in SPANS
    ]
    return {"form": Form(dict(request.query), {}, errors), "spans": spans}


def _chosen(request: web.Request, companies: Sequence[Any]) -> UUID | None:
    wanted = request.query.get("company_id")
    if not wanted:
        return companies[0]["id"] if companies else None
    try:
        return UUID(wanted)
    except ValueError:
        raise NotFound from None


def _sales_plot(request: web.Request, numbers: Mapping[str, Any]) -> Plot | None:
    """Revenue day by day, and before it what was given back."""
    reader = language(request)
    locale = reader.locale
    values = []
    for day in numbers["by_day"]:
        text = f"{writing.day(day['date'], locale)}: {writing.money(day['revenue'], locale)}"
        if day["refunds"]["amount"]:
            text += f", {reader.gettext('given back')} {writing.money(day['refunds'], locale)}"
        label = writing.day_and_month(day["date"], locale)
        values.append(Value(label, text, day["revenue"]["amount"], day["refunds"]["amount"]))
    currency = numbers["totals"]["revenue"]["currency"]
    return columns(values, lambda amount: _short_money(request, amount, currency))


def _platform_plot(request: web.Request, numbers: Mapping[str, Any]) -> Plot | None:
    """Tickets day by day; a day without a sale is a gap."""
    locale = language(request).locale
    sold = {day["date"]: day["tickets"] for day in numbers["by_day"]}
    values = [
        Value(
            writing.day_and_month(day, locale),
            f"{writing.day(day, locale)}: {number_text(sold.get(day, 0), locale)}",
            sold.get(day, 0),
        )
        for day in days_of(numbers["from"], numbers["to"])
    ]
    return columns(values, lambda amount: str(format_compact_decimal(amount, locale=locale)))


def _month_plots(request: web.Request, numbers: Mapping[str, Any]) -> list[tuple[str, Plot]]:
    """Per currency what was spent month by month, once there are two months to compare."""
    spent: dict[str, dict[str, int]] = {}
    for month in numbers["by_month"]:
        spent.setdefault(month["spend"]["currency"], {})[month["month"]] = month["spend"]["amount"]
    plots = [(currency, _month_plot(request, currency, months)) for currency, months in spent.items()]
    return [(currency, plot) for currency, plot in plots if plot is not None]


def _month_plot(request: web.Request, currency: str, spent: Mapping[str, int]) -> Plot | None:
    if len(spent) < 2:
        return None
    locale = language(request).locale
    values = []
    for month in _months_between(min(spent), max(spent))[-LONGEST_PLOT_MONTHS:]:
        amount = spent.get(month, 0)
        text = f"{writing.month_name(month, locale)}: {writing.money(money(amount, currency), locale)}"
        label = str(format_skeleton("MMM", date.fromisoformat(f"{month}-15"), locale=locale))
        values.append(Value(label, text, amount))
    return columns(values, lambda amount: _short_money(request, amount, currency))


def _months_between(first: str, last: str) -> list[str]:
    """Every month from one to the other: ``2026-11``, ``2026-12``, ``2027-01``."""
    number, until = (int(each[:4]) * 12 + int(each[5:]) - 1 for each in (first, last))
    return [f"{each // 12:04}-{each % 12 + 1:02}" for each in range(number, until + 1)]


def _short_money(request: web.Request, amount_minor: int, currency: str) -> str:
    """``₹1.5L``, for an axis."""
    major = to_major(amount_minor, currency)
    locale = language(request).locale
    return str(format_compact_currency(major, currency, locale=locale, fraction_digits=1))
