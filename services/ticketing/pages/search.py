"""The home page and the departures of a day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from common.cursors import encode_cursor
from common.database import POOL
from common.problems import ValidationFailed
from common.web.forms import Form, load_form
from common.web.layout import render
from services.ticketing.handlers.search import after_of
from services.ticketing.pages.forms import SearchForm
from services.ticketing.schemas.search import SORTS, offer_wire
from services.ticketing.service import places, search

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

    from services.ticketing.repository import Row

SEARCH: Final = SearchForm()
KNOWN_CITIES: Final = 20
SHOWN: Final = 20
FEW_SEATS: Final = 5
"""So many, or fewer, are said louder."""


async def show_home(request: web.Request) -> web.Response:
    cities = await places.find_places(request.app[POOL], "", KNOWN_CITIES)
    today = _today(cities)
    asked = {name: request.query[name] for name in ("from", "to") if name in request.query}
    form = Form({"date": str(today), **asked})
    return render(request, "home.html", {"form": form, "cities": cities, "today": today})


async def show_results(request: web.Request) -> web.Response:
    cities = await places.find_places(request.app[POOL], "", KNOWN_CITIES)
    today = _today(cities)
    context: dict[str, Any] = {
        "cities": cities,
        "today": today,
        "sorts": SORTS,
        "few": FEW_SEATS,
        "offers": None,
        "next_page": None,
    }
    asked = list(request.query.items())
    if not any(name in {"from", "to", "date"} and text for name, text in asked):
        return render(request, "search.html", {**context, "form": Form({"date": str(today)})})
    form = load_form(asked, SEARCH)
    if form.is_valid:
        form = await _answer(request, form, context)
    return render(request, "search.html", {**context, "form": form}, status=200 if form.is_valid else 422)


async def _answer(request: web.Request, form: Form, context: dict[str, Any]) -> Form:
    """Fill in what was found; answers the form with the places as they are called, or with what is wrong."""
    pool, asked = request.app[POOL], form.data
    start = await places.resolve_place(pool, asked["from"])
    end = await places.resolve_place(pool, asked["to"])
    found = {name: place for name, place in (("from", start), ("to", end)) if place is not None}
    form = replace(form, values={**form.values, **{name: _called(place) for name, place in found.items()}})
    if start is None or end is None:
        unknown = [name for name in ("from", "to") if name not in found]
        return form.with_errors({name: ["We do not know this place."] for name in unknown})
    question = _question(asked, str(start["id"]), str(end["id"]))
    try:
        after = after_of(asked["cursor"], question.sort)
        offers, more = await search.search(pool, question, after, SHOWN)
    except ValidationFailed as problem:
        return form.with_errors(problem.errors or {})
    kept = {name: text for name, text in form.values.items() if text and name not in {"cursor", "lang"}}
    kept |= {"from": str(start["id"]), "to": str(end["id"])}
    context.update(
        offers=[offer_wire(offer) for offer in offers],
        start=start,
        end=end,
        question=question,
        first_page=asked["cursor"] is None,
        next_page=_link(kept, cursor=encode_cursor(question.sort, *more)) if more else None,
        sorted_by={sort: _link(kept, sort=sort) for sort in SORTS},
        **_days_around(kept, question.day, context["today"]),
    )
    return form


def _question(asked: Mapping[str, Any], origin: str, destination: str) -> search.Question:
    return search.Question(
        origin=origin,
        destination=destination,
        day=asked["date"],
        since=asked["after"] or time(0),
        until=asked["before"],
        passengers=asked["passengers"],
        sort=asked["sort"],
        company_id=None,
        seat_class=None,
    )


def _days_around(kept: dict[str, str], day: date, today: date) -> dict[str, str | None]:
    """Links to the day before, which lies not in the past, and the day after."""
    step = timedelta(days=1)
    return {
        "day_before": _link(kept, date=str(day - step)) if day > today else None,
        "day_after": _link(kept, date=str(day + step)) if day < date.max else None,
    }


def _called(place: Row) -> str:
    """What a person would type to mean just this place."""
    return str(place["name"] if place["kind"] == "city" else f"{place['name']}, {place['city']}")


def _link(kept: dict[str, str], **changed: str) -> str:
    return "/search?" + urlencode({**kept, **changed})


def _today(cities: list[Row]) -> date:
    """Where most buses run."""
    zone = ZoneInfo(cities[0]["time_zone"]) if cities else UTC
    return datetime.now(zone).date()
