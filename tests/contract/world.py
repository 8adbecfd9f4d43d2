"""A small world made through the API alone, so that it can be made on any side."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from tests.contract.client import Client

PASSWORD = "correct horse battery"
CARD_OK = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2040, "cvc": "123"}
PATIENCE_S = 20
INR = "INR"


def rupees(amount: int) -> dict[str, Any]:
    """Money on the wire, given in rupees."""
    return {"amount": amount * 100, "currency": INR}


def instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def in_hours(hours: float) -> datetime:
    return (datetime.now(UTC) + timedelta(hours=hours)).replace(second=0, microsecond=0)


def eventually(ask: Any, until: Any, what: str) -> Any:
    """Ask again until the answer is as wanted: effects across domains come a moment later."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        answer = ask()
        if until(answer):
            return answer
        assert time.monotonic() < deadline, f"{what} did not come; the last answer was {answer}"
        time.sleep(0.05)


class World:
    """Makes people, companies and departures at one address of the site."""

    def __init__(self, base_url: str, admin_email: str, admin_password: str) -> None:
        self.base_url = base_url
        self.admin = self.login(admin_email, admin_password)
        self._plates = itertools.count(1)
        self.mark = uuid4().hex[:8].upper()

    def anyone(self) -> Client:
        return Client(self.base_url)

    def login(self, email: str, password: str) -> Client:
        tokens = Client(self.base_url).post("/api/auth/login", {"email": email, "password": password}).ok()
        return self._signed_in(tokens, email, password)

    def _signed_in(self, tokens: dict[str, Any], email: str, password: str) -> Client:
        return Client(
            self.base_url, tokens["access_token"], tokens["user"], email, password, tokens["refresh_token"]
        )

    def passenger(self, name: str = "Asha Rao") -> Client:
        email = f"{uuid4().hex[:12]}@passengers.example"
        body = {"email": email, "password": PASSWORD, "full_name": name}
        return self._signed_in(self.anyone().post("/api/auth/register", body).ok(201), email, PASSWORD)

    def company(self, **changes: Any) -> Company:
        name = f"Company {uuid4().hex[:8]}"
        body = {
            "name": name,
            "contact_email": "help@company.example",
            "time_zone": "Asia/Kolkata",
            "currency": INR,
            "refund_policy": {
                "steps": [{"hours_before": 24, "percent": 90}, {"hours_before": 6, "percent": 50}]
            },
            **changes,
        }
        made = self.admin.post("/api/companies", body).ok(201)
        operator = self.staff(self.admin, made["id"], "operator")
        return Company(self, made, operator)

    def staff(self, by: Client, company_id: str, role: str) -> Client:
        email = f"{uuid4().hex[:12]}@staff.example"
        body = {"email": email, "password": PASSWORD, "full_name": f"The {role}", "role": role}
        by.post(f"/api/companies/{company_id}/staff", body).ok(201)
        return self.login(email, PASSWORD)

    def plate(self) -> str:
        return f"{self.mark} {next(self._plates)}"


@dataclass
class Company:
    """A company with an operator; buses, routes and departures on demand."""

    world: World
    body: dict[str, Any]
    operator: Client

    @property
    def id(self) -> str:
        return self.body["id"]

    def layout(self, seats: int = 12, fare_percent: int = 100) -> dict[str, Any]:
        """One deck, two by two, seats A1 … upwards."""
        rows = -(-seats // 4)
        cells = [(row, column) for row in range(1, rows + 1) for column in (1, 2, 4, 5)][:seats]
        body = {
            "name": f"{seats} seats",
            "decks": [{"deck": "lower", "rows": rows, "columns": 5}],
            "classes": [{"code": "seater", "name": "Seater", "fare_percent": fare_percent}],
            "seats": [
                {"seat": f"A{n}", "deck": "lower", "row": row, "column": column, "class": "seater"}
                for n, (row, column) in enumerate(cells, start=1)
            ],
        }
        return self.operator.post(f"/api/companies/{self.id}/layouts", body).ok(201)

    def bus(self, layout_id: str) -> dict[str, Any]:
        body = {"plate": self.world.plate(), "layout_id": layout_id}
        return self.operator.post(f"/api/companies/{self.id}/buses", body).ok(201)

    def driver(self) -> dict[str, Any]:
        body = {"name": "Ravi Gowda", "licence": f"KA{self.world.plate()}"}
        return self.operator.post(f"/api/companies/{self.id}/drivers", body).ok(201)

    def stop(self, city: str, name: str | None = None) -> dict[str, Any]:
        body = {
            "name": name or f"{city} Bus Stand",
            "city": city,
            "lat": 12.97,
            "lon": 77.59,
            "time_zone": "Asia/Kolkata",
        }
        return self.operator.post(f"/api/companies/{self.id}/stops", body).ok(201)

    def route(self, cities: int = 4, leg_fare: int = 100) -> dict[str, Any]:
        """Cities that no other route has, an hour and `leg_fare` rupees apart."""
        mark = uuid4().hex[:8]
        stops = [self.stop(f"City {chr(ord('A') + n)} {mark}") for n in range(cities)]
        return self.route_through(stops, leg_fare)

    def route_through(self, stops: list[dict[str, Any]], leg_fare: int = 100) -> dict[str, Any]:
        calls = [
            {
                "stop_id": stop["id"],
                "arrive_s": n * 3600,
                "depart_s": n * 3600 + (300 if 0 < n < len(stops) - 1 else 0),
                "leg_fare": rupees(leg_fare if n else 0),
            }
            for n, stop in enumerate(stops)
        ]
        body = {"name": f"{stops[0]['city']} to {stops[-1]['city']}", "stops": calls}
        return self.operator.post(f"/api/companies/{self.id}/routes", body).ok(201)

    def trip(
        self,
        *,
        route: dict[str, Any] | None = None,
        layout: dict[str, Any] | None = None,
        seats: int = 12,
        departs_at: datetime | None = None,
        leg_fare: int = 100,
        **fields: Any,
    ) -> dict[str, Any]:
        """One departure, in 48 hours unless told otherwise."""
        route = route or self.route(leg_fare=leg_fare)
        body = {"route_id": route["id"], "departs_at": instant(departs_at or in_hours(48)), **fields}
        if "bus_id" not in fields:
            body["layout_id"] = (layout or self.layout(seats))["id"]
        return self.operator.post(f"/api/companies/{self.id}/trips", body).ok(201)["items"][0]


def hold(
    passenger: Client, trip: dict[str, Any], *seats: str, from_seq: int = 0, to_seq: int | None = None
) -> dict[str, Any]:
    """A held booking of these seats (A1 if none is named)."""
    return try_hold(passenger, trip, *seats, from_seq=from_seq, to_seq=to_seq).ok(201)


def try_hold(
    passenger: Client,
    trip: dict[str, Any],
    *seats: str,
    from_seq: int = 0,
    to_seq: int | None = None,
    headers: dict[str, str] | None = None,
) -> Any:
    body = {
        "trip_id": trip["id"],
        "from_seq": from_seq,
        "to_seq": len(trip["stops"]) - 1 if to_seq is None else to_seq,
        "passengers": [
            {"seat": seat, "name": f"Rider {seat}", "age": 30, "gender": "other"} for seat in seats or ("A1",)
        ],
    }
    return passenger.post("/api/bookings", body, headers=headers or {})


def pay(passenger: Client, booking: dict[str, Any], card: dict[str, Any] | None = None) -> dict[str, Any]:
    """A payment with the card given to the provider; the webhook decides later."""
    payment = passenger.post("/api/payments", {"booking_id": booking["id"]}).ok(201)
    return passenger.post(f"/api/payments/{payment['id']}/confirm", {"card": card or CARD_OK}).ok()


def booking_becomes(passenger: Client, booking: dict[str, Any], status: str) -> dict[str, Any]:
    return eventually(
        lambda: passenger.get(f"/api/bookings/{booking['id']}").ok(),
        lambda seen: seen["status"] == status,
        status,
    )


def confirmed(passenger: Client, trip: dict[str, Any], *seats: str, **stretch: Any) -> dict[str, Any]:
    """A booking that is paid and confirmed."""
    booking = hold(passenger, trip, *seats, **stretch)
    pay(passenger, booking)
    return booking_becomes(passenger, booking, "confirmed")


def qr_token(passenger: Client, ticket: dict[str, Any]) -> str:
    return passenger.get(f"/api/tickets/{ticket['id']}/qr").ok()["token"]
