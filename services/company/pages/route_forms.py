"""The form of a new route, whose lines are a stop, times after departure and a fare, as the wire has them."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from common.money import exponent
from common.problems import ValidationFailed
from common.web.forms import Form
from common.wire import load
from services.company.schemas.network import NewRoute

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

MOST_LINES = 100
NEW_ROUTE = NewRoute()
_AFTER = re.compile(r"(\d{1,3}):([0-5]\d)")


def route_form(texts: Mapping[str, str], stops: Mapping[str, UUID], currency: str) -> Form:
    """The form of a route, whose lines are a stop's label, times after departure (H:MM) and a fare."""
    errors: dict[str, list[str]] = {}
    lines: list[dict[str, Any]] = []
    rows = []
    for number in range(MOST_LINES):
        label, arrives, leaves, fare = (
            texts.get(f"stops.{number}.{name}", "").strip() for name in ("stop", "arrives", "leaves", "fare")
        )
        if not (label or arrives or leaves or fare):
            continue
        rows.append(number)
        stop_id = stops.get(label)
        if stop_id is None:
            errors[f"stops.{number}.stop"] = ["Choose one of the stops in the list."]
        try:
            arrive_s = seconds_after(arrives) if arrives else 0
            depart_s = seconds_after(leaves) if leaves else arrive_s
        except ValueError as error:
            errors[f"stops.{number}.arrives"] = [str(error)]
            arrive_s = depart_s = 0
        try:
            amount = minor_units(fare or "0", currency)
        except ValueError as error:
            errors[f"stops.{number}.fare"] = [str(error)]
            amount = 0
        money = {"amount": amount, "currency": currency}
        lines.append({"stop_id": str(stop_id), "arrive_s": arrive_s, "depart_s": depart_s, "leg_fare": money})
    wanted: dict[str, Any] = {"name": texts.get("name", "").strip(), "stops": lines}
    wanted |= {name: texts[name].strip() for name in ("code",) if texts.get(name, "").strip()}
    distance = texts.get("distance_km", "").strip()
    if distance:
        wanted["distance_km"] = int(distance) if distance.isascii() and distance.isdigit() else distance
    if errors:
        return Form(texts, {}, errors)
    try:
        return Form(texts, load(NEW_ROUTE, wanted), {})
    except ValidationFailed as problem:
        return Form(texts, {}, {_input_of(path, rows): said for path, said in (problem.errors or {}).items()})


def _input_of(path: str, rows: list[int]) -> str:
    """The form's input for a field of the wire: `stops.1.arrive_s` of the second line that was filled in."""
    match path.split("."):
        case ["stops", index, name, *_]:
            inputs = {"stop_id": "stop", "arrive_s": "arrives", "depart_s": "leaves", "leg_fare": "fare"}
            return f"stops.{rows[int(index)]}.{inputs.get(name, 'stop')}"
        case ["stops"]:
            return "stops.0.stop"
        case _:
            return path


def seconds_after(text: str) -> int:
    """`1:30` → 5400: how long after the departure at the first stop."""
    match = _AFTER.fullmatch(text)
    if match is None:
        raise ValueError("Hours and minutes after departure are expected, as 1:30.")
    return int(match[1]) * 3600 + int(match[2]) * 60


def minor_units(text: str, currency: str) -> int:
    """`450` or `450.50` → minor units; raises ValueError with what to say."""
    try:
        scaled = Decimal(text.replace(",", "")).scaleb(exponent(currency))
    except InvalidOperation:
        raise ValueError("An amount is expected, as 450 or 450.50.") from None
    if not scaled.is_finite() or scaled != scaled.to_integral_value() or not 0 <= scaled <= 10**9:
        raise ValueError("An amount is expected, as 450 or 450.50.")
    return int(scaled)


def stop_label(stop: Mapping[str, Any]) -> str:
    """What a stop is chosen by: its name and city, and its code, which tells twins apart."""
    return f"{stop['name']}, {stop['city']}" + (f" [{stop['code']}]" if stop["code"] else "")
