"""A company with departures, and people, made through the API alone: the same on either side."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import requests

from loadtests.bench import stacks

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtests.bench.stacks import Stack

PASSWORD: Final = "correct horse battery"  # ruff: ignore[hardcoded-password-string] — of invented people
CARD: Final = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2040, "cvc": "123"}
RIDER: Final = {"name": "Rider", "age": 30, "gender": "other"}
SEATS: Final = 60
LAST_STOP: Final = 3
_TIMEOUT_S: Final = 30
_PATIENCE_S: Final = 30


@dataclass(slots=True)
class Person:
    """Somebody at a site, signed in or not."""

    site: str
    token: str | None = None
    user: dict[str, Any] = field(default_factory=dict)
    session: requests.Session = field(default_factory=requests.Session)

    def get(self, path: str) -> Any:
        return self._call("GET", path)

    def post(self, path: str, body: Any = None) -> Any:
        return self._call("POST", path, body)

    def finds(self, path: str) -> bool:
        return self.session.get(self.site + path, headers=self._headers(), timeout=_TIMEOUT_S).ok

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.session.request(
            method, self.site + path, json=body, headers=self._headers(), timeout=_TIMEOUT_S
        )
        if not answer.ok:
            raise SystemExit(f"{method} {answer.url}: {answer.status_code} {answer.text[:600]}")
        return answer.json()

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


@dataclass(slots=True)
class World:
    """One company; its departures leave a minute after each other."""

    stack: Stack
    site: str
    company_id: str
    operator: Person
    route: dict[str, Any]
    stops: list[dict[str, Any]]
    layout_id: str
    _minutes: itertools.count[int] = field(default_factory=itertools.count)

    @classmethod
    def make(cls, stack: Stack) -> World:
        site = str(stack.facts["gateway_url"])
        admin = log_in(site, stacks.ADMIN_EMAIL, stacks.ADMIN_PASSWORD)
        company = admin.post("/api/companies", _company())["id"]
        operator = _staff(admin, company, "operator")
        mark = uuid4().hex[:8]
        stops = [operator.post(f"/api/companies/{company}/stops", _stop(n, mark)) for n in range(4)]
        calls = [
            {
                "stop_id": stop["id"],
                "arrive_s": n * 3600,
                "depart_s": n * 3600 + (300 if 0 < n < LAST_STOP else 0),
                "leg_fare": {"amount": 10_000 if n else 0, "currency": "INR"},
            }
            for n, stop in enumerate(stops)
        ]
        route = operator.post(f"/api/companies/{company}/routes", {"name": mark, "stops": calls})
        layout = operator.post(f"/api/companies/{company}/layouts", _layout())
        return cls(stack, site, company, operator, route, stops, layout["id"])

    def staff(self, role: str) -> Person:
        return _staff(self.operator, self.company_id, role)

    def passenger(self) -> Person:
        email = f"{uuid4().hex[:12]}@passengers.example"
        made = Person(self.site).post(
            "/api/auth/register", {"email": email, "password": PASSWORD, "full_name": "Asha Rao"}
        )
        return Person(self.site, made["access_token"], {**made["user"], "email": email, **_of(made)})

    def departures(self, count: int, *, in_hours: int = 48) -> list[str]:
        """New ones, known to whoever sells their seats."""
        start = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(hours=in_hours)
        ids: list[str] = []
        for _ in range(count):
            departs_at = start + timedelta(minutes=next(self._minutes))
            body = {
                "route_id": self.route["id"],
                "layout_id": self.layout_id,
                "departs_at": departs_at.isoformat().replace("+00:00", "Z"),
            }
            made = self.operator.post(f"/api/companies/{self.company_id}/trips", body)
            ids.append(made["items"][0]["id"])
        for trip in ids:
            until(lambda trip=trip: self.operator.finds(f"/api/trips/{trip}/seats"), "a departure")  # type: ignore[misc]
        return ids


def order(trip: str, *seats: str) -> dict[str, Any]:
    passengers = [{"seat": seat, **RIDER} for seat in seats]
    return {"trip_id": trip, "from_seq": 0, "to_seq": LAST_STOP, "passengers": passengers}


def confirmed(by: Person, trip: str, *seats: str) -> dict[str, Any]:
    """A booking that is paid."""
    booking = by.post("/api/bookings", order(trip, *seats))
    payment = by.post("/api/payments", {"booking_id": booking["id"]})
    by.post(f"/api/payments/{payment['id']}/confirm", {"card": CARD})
    path = f"/api/bookings/{booking['id']}"
    until(lambda: by.get(path)["status"] == "confirmed", "a confirmed booking")
    return {**by.get(path), "payment_id": payment["id"]}


def log_in(site: str, email: str, password: str) -> Person:
    made = Person(site).post("/api/auth/login", {"email": email, "password": password})
    return Person(site, made["access_token"], {**made["user"], "email": email, **_of(made)})


def until(is_so: Callable[[], bool], what: str) -> None:
    """Ask again until it is so: what other services are told comes a moment later."""
    deadline = time.monotonic() + _PATIENCE_S
    while not is_so():
        if time.monotonic() > deadline:
            raise SystemExit(f"{what} did not come within {_PATIENCE_S} s")
        time.sleep(0.05)


def _of(made: dict[str, Any]) -> dict[str, Any]:
    return {"refresh_token": made["refresh_token"]}


def _staff(by: Person, company: str, role: str) -> Person:
    email = f"{uuid4().hex[:12]}@staff.example"
    body = {"email": email, "password": PASSWORD, "full_name": f"The {role}", "role": role}
    by.post(f"/api/companies/{company}/staff", body)
    return log_in(by.site, email, PASSWORD)


def _company() -> dict[str, Any]:
    return {
        "name": f"Company {uuid4().hex[:8]}",
        "contact_email": "help@company.example",
        "time_zone": "Asia/Kolkata",
        "currency": "INR",
        "refund_policy": {"steps": [{"hours_before": 24, "percent": 90}]},
    }


def _stop(number: int, mark: str) -> dict[str, Any]:
    city = f"City {chr(ord('A') + number)} {mark}"
    return {"name": f"{city} Stand", "city": city, "lat": 12.97, "lon": 77.59, "time_zone": "Asia/Kolkata"}


def _layout() -> dict[str, Any]:
    places = [(row, column) for row in range(1, SEATS // 4 + 1) for column in (1, 2, 4, 5)]
    return {
        "name": f"{SEATS} seats",
        "decks": [{"deck": "lower", "rows": SEATS // 4, "columns": 5}],
        "classes": [{"code": "seater", "name": "Seater", "fare_percent": 100}],
        "seats": [
            {"seat": f"A{number}", "deck": "lower", "row": row, "column": column, "class": "seater"}
            for number, (row, column) in enumerate(places, start=1)
        ],
    }
