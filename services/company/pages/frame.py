"""What all of the operator's pages share: whose company, what is around the content, and forms' refusals."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from common.database import POOL
from common.instants import parse_instant
from common.principals import Role, require
from common.problems import Conflict, NotFound, ValidationFailed
from common.web.forms import Form
from services.company.domain.schedule import instant
from services.company.service import companies

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp import web

    from services.company.repository.companies import Row

MESSAGES = {
    "bus-added": "The bus is in the fleet.",
    "bus-changed": "The bus is changed.",
    "layout-added": "The layout is made.",
    "driver-added": "The driver is added.",
    "driver-changed": "The driver is changed.",
    "stop-added": "The stop is added.",
    "stop-changed": "The stop is changed.",
    "route-added": "The route is made.",
    "route-changed": "The route is changed.",
    "feed-imported": "The feed is imported.",
    "departures-made": "The departures are made.",
    "nothing-made": "These departures were there already.",
    "trip-changed": "The departure is changed.",
    "trip-cancelled": "The departure is cancelled. Passengers get their money back.",
}


async def company_of(request: web.Request) -> Row:
    """The operator's company; raises 401 (a visitor is sent to sign in) or 403."""
    who = require(request, Role.OPERATOR)
    assert who.company_id is not None
    return await companies.find_company(request.app[POOL], who.company_id)


def frame(request: web.Request, company: Row) -> dict[str, Any]:
    """What every page of the operator shows around its content."""
    return {
        "company": company,
        "messages": MESSAGES,
        "untouched": UNTOUCHED,
        "section": request.path,
        "local_day": local_day,
    }


def _moment(at: datetime | str) -> datetime:
    return parse_instant(at) if isinstance(at, str) else at


def local_today(company: Row) -> date:
    """The day it is where the company is at home."""
    return local_day(datetime.now(UTC), company["time_zone"])


def local_day(at: datetime | str, time_zone: str) -> date:
    """The calendar day of an instant at a place."""
    return _moment(at).astimezone(ZoneInfo(time_zone)).date()


def day_span(company: Row, first: date, last: date) -> tuple[datetime, datetime]:
    """The instants between which the days lie, in the company's time zone."""
    zone = ZoneInfo(company["time_zone"])
    return instant(first, time(0), zone), instant(last + timedelta(days=1), time(0), zone)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a form: the thing made, or the form with what is wrong and the departures in the way."""

    form: Form
    made: Any = None
    conflicts: list[dict[str, Any]] = field(default_factory=list)


UNTOUCHED = Outcome(Form())
"""Of a form that was not posted."""


async def attempt(form: Form, act: Callable[[], Awaitable[Any]]) -> Outcome:
    """Do what a form asks for, if it is good; a refusal becomes errors beside the fields that it names."""
    if not form.is_valid:
        return Outcome(form)
    try:
        return Outcome(form, await act())
    except ValidationFailed as problem:
        return Outcome(form.with_errors(problem.errors or {"form": [problem.detail]}))
    except Conflict as problem:
        said = [problem.detail or problem.title]
        if seats := problem.extra.get("seats"):
            said.append(f"({', '.join(seats)})")
        return Outcome(form.with_errors({"form": said}), None, problem.extra.get("conflicts", []))


Outcomes = dict[str, Outcome]
"""The outcome of a posted form by its action, for the page that shows the form again."""


def form_id(text: object) -> UUID:
    """An id in a hidden input; what is none names nothing."""
    try:
        return UUID(str(text))
    except ValueError:
        raise NotFound from None


def require_own(thing: Row, company: Row) -> None:
    """Another company's things are not there."""
    if thing["company_id"] != company["id"]:
        raise NotFound
