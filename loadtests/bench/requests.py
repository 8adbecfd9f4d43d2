"""The requests that each service is measured by: three that the site's visitors make often of it."""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import orjson

from loadtests.bench import crowd
from loadtests.bench.accounts import open_accounts
from loadtests.bench.world import PASSWORD, SEATS, Person, World, confirmed, order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from loadtests.bench.stacks import Stack

BUYERS: Final = 12
HEARD_WITHIN_S: Final = 3.0


@dataclass(slots=True)
class Population:
    """Those who ask on one side, and what for: `orders` and `held` are good for one request each."""

    world: World
    buyers: list[Person]
    bookings: list[dict[str, Any]]
    codes: list[str]
    inspector: Person
    trip: str
    orders: Iterator[bytes]
    held: Iterator[tuple[str, str]]
    turn: Iterator[int]

    @classmethod
    def make(cls, stack: Stack, most: int) -> Population:
        """With so many orders to be made, and as many holds to be paid for."""
        world = World.make(stack)
        buyers = [world.passenger() for _ in range(BUYERS)]
        trip = world.departures(1, in_hours=1)[0]
        bookings = [confirmed(buyer, trip, f"A{n}") for n, buyer in enumerate(buyers, start=1)]
        codes = [
            buyer.get(f"/api/tickets/{booking['tickets'][0]['id']}/qr")["token"]
            for buyer, booking in zip(buyers, bookings, strict=True)
        ]
        trips = world.departures(-(-2 * most // SEATS))
        tokens = asyncio.run(open_accounts(stack, most))
        wanted = [
            (crowd.request("POST", "/api/bookings", token=token, body=order(each, f"A{number}")), token)
            for (each, number), token in zip(
                itertools.product(trips, range(1, SEATS + 1)), itertools.cycle(tokens), strict=False
            )
        ]
        host, port = stack.host_of("ticketing")
        # One connection, so that the answers are in the order of the requests.
        answers = asyncio.run(crowd.ask(host, port, [ask for ask, _ in wanted[:most]], 1))
        held = [
            (orjson.loads(body)["id"], token)
            for body, (_, token) in zip(answers.bodies, wanted[:most], strict=True)
        ]
        time.sleep(HEARD_WITHIN_S)  # by those who take the payments
        return cls(
            world,
            buyers,
            bookings,
            codes,
            world.staff("inspector"),
            trip,
            iter([ask for ask, _ in wanted[most : 2 * most]]),
            iter(held),
            itertools.count(),
        )

    def next_of_buyers(self) -> tuple[Person, dict[str, Any], str]:
        """A buyer with a booking and its ticket's code."""
        number = next(self.turn) % BUYERS
        return self.buyers[number], self.bookings[number], self.codes[number]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request of a domain; `share` of the usual number of times, for what is slow on purpose."""

    domain: str
    name: str
    ask: Callable[[Population], bytes]
    share: float = 1.0


def _own(path: str) -> Callable[[Population], bytes]:
    return lambda people: crowd.request("GET", path, token=people.next_of_buyers()[0].token)


def _log_in(people: Population) -> bytes:
    body = {"email": people.next_of_buyers()[0].user["email"], "password": PASSWORD}
    return crowd.request("POST", "/api/auth/login", body=body)


def _by_operator(path: str) -> Callable[[Population], bytes]:
    def ask(people: Population) -> bytes:
        filled = path.format(company=people.world.company_id, trip=people.trip)
        return crowd.request("GET", filled, token=people.world.operator.token)

    return ask


def _search(people: Population) -> bytes:
    first, *_, last = (stop["place"] for stop in people.world.stops)
    day = datetime.now(UTC).date() + timedelta(days=2)
    return crowd.request("GET", f"/api/search?from={first}&to={last}&date={day}")


def _seats(people: Population) -> bytes:
    return crowd.request("GET", f"/api/trips/{people.trip}/seats")


def _code(people: Population) -> bytes:
    buyer, booking, _ = people.next_of_buyers()
    ticket = booking["tickets"][0]["id"]
    return crowd.request("GET", f"/api/tickets/{ticket}/qr?format=json", token=buyer.token)


def _verify(people: Population) -> bytes:
    body = {"token": people.next_of_buyers()[2], "trip_id": people.trip}
    return crowd.request("POST", "/api/qr/verify", token=people.inspector.token, body=body)


def _check_in(people: Population) -> bytes:
    """What a scanner brings after it was offline: recorded, though as a duplicate from the second time on."""
    scan = {
        "token": people.next_of_buyers()[2],
        "trip_id": people.trip,
        "nonce": uuid4().hex,
        "scanned_at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
    }
    body = {"scans": [scan]}
    return crowd.request("POST", "/api/check-ins/batch", token=people.inspector.token, body=body)


def _pay(people: Population) -> bytes:
    booking, token = next(people.held)
    return crowd.request("POST", "/api/payments", token=token, body={"booking_id": booking})


def _payment(people: Population) -> bytes:
    buyer, booking, _ = people.next_of_buyers()
    return crowd.request("GET", f"/api/payments/{booking['payment_id']}", token=buyer.token)


REQUESTS: Final = (
    Wanted("auth", "POST /api/auth/login", _log_in, 0.2),
    Wanted("auth", "GET /api/auth/me", _own("/api/auth/me")),
    Wanted("auth", "GET /.well-known/jwks.json", _own("/.well-known/jwks.json")),
    Wanted("user", "GET /api/users/me", _own("/api/users/me")),
    Wanted("user", "GET /api/users/me/dashboard", _own("/api/users/me/dashboard")),
    Wanted("user", "GET /api/users/me/travellers", _own("/api/users/me/travellers")),
    Wanted("company", "GET /api/trips/{id}", _by_operator("/api/trips/{trip}")),
    Wanted("company", "GET /api/companies/{id}/trips", _by_operator("/api/companies/{company}/trips")),
    Wanted("company", "GET /api/companies/{id}", _by_operator("/api/companies/{company}")),
    Wanted("ticketing", "GET /api/search", _search),
    Wanted("ticketing", "GET /api/trips/{id}/seats", _seats),
    Wanted("ticketing", "POST /api/bookings", lambda people: next(people.orders)),
    Wanted("qr", "GET /api/tickets/{id}/qr", _code),
    Wanted("qr", "POST /api/qr/verify", _verify),
    Wanted("qr", "POST /api/check-ins/batch", _check_in),
    Wanted("payment", "POST /api/payments", _pay),
    Wanted("payment", "GET /api/payments/{id}", _payment),
    Wanted("payment", "GET /api/payments", _own("/api/payments")),
)
