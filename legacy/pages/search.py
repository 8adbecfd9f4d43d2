"""The home page and the departures of a day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import starmap
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from common.cursors import encode_cursor
from common.database import POOL
from common.problems import ValidationFailed
from common.web.forms import Form, load_form
from legacy import places, search
from legacy.handlers.search import after_of
from legacy.pages import render
from legacy.schemas.search import SORTS, offer_wire
from legacy.schemas.ticketing_forms import SearchForm

if TYPE_CHECKING:
    from aiohttp import web

    from legacy.queries.search import Row

SEARCH: Final = SearchForm()
KNOWN_CITIES: Final = 20
SHOWN: Final = 20


async def show_home(request: web.Request) -> web.Response:
    cities = await places.find_places(request.app[POOL], "", KNOWN_CITIES)
    asked = {name: request.query[name] for name in ("from", "to") if name in request.query}
    form = Form({"date": str(_today(cities)), **asked})
    return render(request, "home.html", {"form": form, "cities": cities, "today": _today(cities)})


async def show_results(request: web.Request) -> web.Response:
    cities = await places.find_places(request.app[POOL], "", KNOWN_CITIES)
    context: dict[str, Any] = {
        "cities": cities, "today": _today(cities), "sorts": SORTS, "offers": None, "next_page": None,
    }  # fmt: skip
    asked = list(request.query.items())
    if not any(name in {"from", "to", "date"} and text for name, text in asked):
        return render(request, "search.html", {**context, "form": Form({"date": str(_today(cities))})})
    form = load_form(asked, SEARCH)
    if form.is_valid:
        form = await _answer(request, form, context)
    return render(request, "search.html", {**context, "form": form}, 200 if form.is_valid else 422)


async def _answer(request: web.Request, form: Form, context: dict[str, Any]) -> Form:
    """Fill in what was found; answers the form with the places as they are called, or with what is wrong."""
    pool, asked = request.app[POOL], form.data
    ends = {name: await places.resolve_place(pool, asked[name]) for name in ("from", "to")}
    unknown = {name: ["We do not know this place."] for name, place in ends.items() if place is None}
    if unknown:
        return form.with_errors(unknown)
    start, end = ends["from"], ends["to"]
    assert start is not None
    assert end is not None
    question = search.Question(
        origin=start["id"],
        destination=end["id"],
        day=asked["date"],
        since=asked["after"] or time(0),
        until=asked["before"],
        passengers=asked["passengers"],
        sort=asked["sort"],
        company_id=None,
        seat_class=None,
    )
    try:
        after = after_of(asked["cursor"], question.sort)
        offers, more = await search.search(pool, question, after, SHOWN)
    except ValidationFailed as problem:
        return form.with_errors(problem.errors or {})
    kept = {name: text for name, text in form.values.items() if text and name not in {"cursor", "lang"}}
    kept |= {"from": start["id"], "to": end["id"]}
    context.update(
        offers=list(starmap(offer_wire, offers)),
        start=start,
        end=end,
        question=question,
        first_page=asked["cursor"] is None,
        next_page=_link(kept, cursor=encode_cursor(question.sort, *more)) if more else None,
        day_before=_link(kept, date=str(question.day - timedelta(days=1)))
        if question.day > context["today"]
        else None,
        day_after=_link(kept, date=str(question.day + timedelta(days=1)))
        if question.day < date.max
        else None,
        sorted_by={sort: _link(kept, sort=sort) for sort in SORTS},
    )
    named = {"from": _called(start), "to": _called(end)}
    return replace(form, values={**form.values, **named})


def _called(place: Row) -> str:
    """What a person would type to mean just this place."""
    return str(place["name"] if place["kind"] == "city" else f"{place['name']}, {place['city']}")


def _link(kept: dict[str, str], **changed: str) -> str:
    return "/search?" + urlencode({**kept, **changed})


def _today(cities: list[Row]) -> date:
    """Where most buses run."""
    zone = ZoneInfo(cities[0]["time_zone"]) if cities else UTC
    return datetime.now(zone).date()
