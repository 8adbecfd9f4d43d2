"""The pages of profiles and dashboards."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from marshmallow import EXCLUDE

from common.database import POOL
from common.principals import Role, require
from common.problems import Errors, NotFound, ValidationFailed
from common.web.forms import Form, parse_form
from common.web.i18n import LANGUAGES
from common.wire import parse_query, path_id
from legacy import dashboards, profiles
from legacy.pages import render, see_other
from legacy.pages.login import set_language
from legacy.pages.plots import columns
from legacy.profiles import MOST_TRAVELLERS, TooManyTravellers
from legacy.queries import dashboards as queries
from legacy.schemas import user as wire

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import date

    from aiohttp import web

PROFILE: Final = wire.ProfileForm()
TRAVELLER: Final = wire.NewTraveller()
PERIOD: Final = wire.Period()


async def show_dashboard(request: web.Request) -> web.Response:
    who = require(request)
    numbers = await dashboards.of_user(request.app[POOL], who.user_id)
    return render(request, "dashboard.html", {"numbers": numbers})


async def show_profile(request: web.Request) -> web.Response:
    return await _profile(request, Form(), Form())


async def change_profile(request: web.Request) -> web.Response:
    who = require(request)
    form = await parse_form(request, PROFILE)
    if not form.is_valid:
        return await _profile(request, form, Form(), 422)
    profile = await profiles.change_profile(
        request.app[POOL], who.user_id, form.data, is_current=lambda _: None
    )
    response = see_other("/profile", flash="profile-saved")
    set_language(response, profile["locale"])
    return response


async def add_traveller(request: web.Request) -> web.Response:
    who = require(request)
    form = await parse_form(request, TRAVELLER)
    if form.is_valid:
        try:
            await profiles.add_traveller(request.app[POOL], who.user_id, form.data)
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
    companies = await queries.list_companies(request.app[POOL]) if who.is_admin else ()
    company_id = _chosen(request, companies) if who.is_admin else who.company_id
    if company_id is None:
        return see_other("/admin")  # there is no company yet
    company = await queries.get_company(request.app[POOL], company_id)
    if company is None:
        raise NotFound

    async def ask(first: date | None, last: date | None) -> dict[str, Any]:
        return await dashboards.of_company(request.app[POOL], company_id, first, last)

    numbers, errors = await _in_period(request, ask)
    days = [(day["date"], day["revenue"]["amount"], day["refunds"]["amount"]) for day in numbers["by_day"]]
    context = {
        "numbers": numbers,
        "companies": companies,
        "company": company,
        "form": _period_form(request, errors),
        "plot": columns(days),
        "section": request.path,
        "messages": {},
    }
    return render(request, "operator_sales.html", context, 422 if errors else 200)


async def show_platform(request: web.Request) -> web.Response:
    require(request, Role.ADMIN)

    async def ask(first: date | None, last: date | None) -> dict[str, Any]:
        return await dashboards.of_platform(request.app[POOL], first, last)

    numbers, errors = await _in_period(request, ask)
    sold = {day["date"]: day["tickets"] for day in numbers["by_day"]}
    first, last = numbers["from"], numbers["to"]
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    plot = columns([(day, sold.get(day, 0), 0) for day in days])  # a day without a sale is a gap
    context = {"numbers": numbers, "form": _period_form(request, errors), "plot": plot}
    return render(request, "admin.html", context, 422 if errors else 200)


async def _profile(request: web.Request, form: Form, traveller_form: Form, status: int = 200) -> web.Response:
    who = require(request)
    profile = await profiles.find_profile(request.app[POOL], who.user_id)
    travellers = await profiles.list_travellers(request.app[POOL], who.user_id, None, MOST_TRAVELLERS)
    context = {
        "form": form,
        "traveller_form": traveller_form,
        "profile": profile,
        "travellers": travellers,
        "has_room": len(travellers) < MOST_TRAVELLERS,
        "languages": [(each.code, each.name) for each in request.app[LANGUAGES].all],
    }
    return render(request, "profile.html", context, status)


async def _in_period(
    request: web.Request, ask: Callable[[date | None, date | None], Awaitable[dict[str, Any]]]
) -> tuple[dict[str, Any], Errors]:
    """The numbers of the period that the query names; of the usual one if that is no good, and why."""
    try:
        query = parse_query(request, PERIOD, unknown=EXCLUDE)
        return await ask(query["from_"], query["to"]), {}
    except ValidationFailed as problem:
        return await ask(None, None), problem.errors or {}


def _period_form(request: web.Request, errors: Errors) -> Form:
    return Form(dict(request.query), {}, errors)


def _chosen(request: web.Request, companies: Sequence[Any]) -> UUID | None:
    wanted = request.query.get("company_id")
    if not wanted:
        return companies[0]["id"] if companies else None
    try:
        return UUID(wanted)
    except ValueError:
        raise NotFound from None
