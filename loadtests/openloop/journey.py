"""Booking journeys at a fixed rate of arrivals: from the first place typed to the code on the ticket.

Each journey is its own, over the same connections; it begins when it is due, whatever became of the others.
Nobody in it thinks but once: whoever has got the seats takes a quarter of a second to pay, which is faster
than a card can be found. Its latency counts from when it was due to the answer that says: confirmed, without
that pause.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from loadtests.openloop import sales
from loadtests.openloop.cast import TooFewError, in_turns
from loadtests.openloop.tally import Tally, what_failed
from loadtests.openloop.window import Pacer

if TYPE_CHECKING:
    from loadtests.openloop.cast import Cast
    from loadtests.openloop.sales import Seats
    from loadtests.openloop.window import Listener, Plan
    from loadtests.pools import Person
    from loadtests.wire import Answer

POLLED_EVERY_S: Final = 0.05
PAYS_AFTER_S: Final = 0.25
CONFIRMED_WITHIN_S: Final = 30.0
FINISHED_WITHIN_S: Final = 35.0


@dataclass(frozen=True, slots=True)
class Trip:
    """What one journey is after: its own seat, and the search that leads to it."""

    by: Person
    seats: Seats
    query: str
    typed: str


@dataclass(slots=True)
class Journeys:
    """What came of them all; only those that count do so, the requests of all are counted."""

    tally: Tally = field(default_factory=Tally)
    requests: int = 0
    failures: Counter[tuple[str, int, str]] = field(default_factory=Counter)


class _FailedError(Exception):
    """A journey ends here: at which request, with what."""

    def __init__(self, at: str, status: int, what: str) -> None:
        super().__init__(at, status, what)
        self.where = at, status, what


async def measure_journeys(cast: Cast, plan: Plan, listener: Listener) -> dict[str, Any]:
    """Choose a seat for each, let them go, and say how it went; raises TooFewError."""
    trips = await _trips(cast, plan.count)
    found, going = Journeys(), set[asyncio.Task[None]]()

    def start(due: float, counts: bool) -> None:
        if counts:
            found.tally.asked += 1
        task = asyncio.create_task(_travel(cast, trips.pop(), due, found, counts=counts))
        going.add(task)
        task.add_done_callback(going.discard)

    pacer = Pacer(plan, start, listener)
    began, ended, cpu_s = await pacer.run()
    if going:
        await asyncio.wait(going, timeout=FINISHED_WITHIN_S)
    cast.lines.give_up()
    if going:
        await asyncio.wait(going)  # they have just heard that nothing came
    found.tally.late_s = pacer.late_s
    return {
        "journeys": found.tally.asked,
        "failed": found.failures.total(),
        "failures": [
            {
                "route": route,
                "status": status,
                "what": f"{status} {what}" if status else what,
                "count": count,
            }
            for (route, status, what), count in found.failures.most_common()
        ],
        "rate_per_s": plan.rate_per_s,
        "seconds": plan.seconds,
        "ms": found.tally.latencies_ms(),
        "requests": found.requests,
        "began": began,
        "ended": ended,
        "generator_cpu_us_per_request": round(cpu_s / max(1, found.requests) * 1e6, 1),
        **found.tally.lateness(),
    }


async def _travel(cast: Cast, trip: Trip, due: float, found: Journeys, *, counts: bool) -> None:
    try:
        await _book(_Traveller(cast, trip.by, found, counts=counts), trip, due)
    except _FailedError as failed:
        if counts:
            found.failures[failed.where] += 1


async def _book(traveller: _Traveller, trip: Trip, due: float) -> None:
    ask = traveller.ask
    wanted, stretch = (
        trip.seats.trip,
        urlencode({"from": trip.seats.trip["from_seq"], "to": trip.seats.trip["to_seq"]}),
    )
    await ask("GET /api/places", f"/api/places?{trip.typed}", b'"items":[')
    await ask("GET /api/search", f"/api/search?{trip.query}", wanted["trip_id"].encode())
    await ask(
        "GET /api/trips/{id}/seats", f"/api/trips/{wanted['trip_id']}/seats?{stretch}", b'"seats_left":'
    )
    order = trip.seats.order()
    held = await ask("POST /api/bookings", "/api/bookings", b'"status":"held"', status=201, body=order)
    booking = held.json()
    await asyncio.sleep(PAYS_AFTER_S)
    body = {"booking_id": booking["id"]}
    made = await ask("POST /api/payments", "/api/payments", b'"requires_method"', status=201, body=body)
    payment = made.json()["id"]
    path = f"/api/payments/{payment}/confirm"
    await ask("POST /api/payments/{id}/confirm", path, b'"id":', body={"card": sales.CARD})
    await _confirmed(traveller, booking["id"])
    traveller.arrived(due + PAYS_AFTER_S)
    path = f"/api/tickets/{booking['tickets'][0]['id']}/qr?format=json"
    await ask("GET /api/tickets/{id}/qr", path, b'"token":"')


async def _confirmed(traveller: _Traveller, booking: str) -> None:
    """Look every 50 ms, as an app does that waits for the payment."""
    route, tag = "GET /api/bookings/{id}", None
    deadline = time.monotonic() + CONFIRMED_WITHIN_S
    while time.monotonic() < deadline:
        answer = await traveller.look(route, f"/api/bookings/{booking}", tag)
        if b'"status":"confirmed"' in answer.body:
            return
        tag = answer.header("ETag") or tag
        await asyncio.sleep(POLLED_EVERY_S)
    raise _FailedError(route, 0, "never-confirmed")


class _Traveller:
    def __init__(self, cast: Cast, by: Person, found: Journeys, *, counts: bool) -> None:
        self._lines, self._token = cast.lines, by["access_token"]
        self._found, self._counts = found, counts

    async def ask(
        self, route: str, path: str, marker: bytes, *, status: int = 200, body: Any = None
    ) -> Answer:
        answer = await self._send(route, path, body=body)
        if answer.status != status or marker not in answer.body:
            raise _FailedError(route, answer.status, what_failed(answer, {status}))
        return answer

    async def look(self, route: str, path: str, tag: str | None) -> Answer:
        answer = await self._send(route, path, headers={"If-None-Match": tag} if tag else None)
        if answer.status not in {200, 304}:
            raise _FailedError(route, answer.status, what_failed(answer, {200, 304}))
        return answer

    def arrived(self, due: float) -> None:
        if self._counts:
            self._found.tally.latencies_s.append(time.monotonic() - due)

    async def _send(
        self, route: str, path: str, *, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        self._found.requests += self._counts
        method = route.partition(" ")[0]
        return await self._lines.ask(method, path, token=self._token, body=body, headers=headers)


async def _trips(cast: Cast, count: int) -> list[Trip]:
    """A seat of its own for each journey, and somebody to travel: in turns, so that nobody holds too many."""
    lots = await sales.free_seats(cast, count)
    if len(lots) < count:
        raise TooFewError("free seats", len(lots), count)
    people = list({person["id"]: person for person in await sales.buyers(cast, count)}.values())
    if not people:
        raise TooFewError("people", 0, 1)
    wanted = {lot.trip["trip_id"]: lot.trip for lot in lots}
    plans = dict(
        zip(wanted, await in_turns(wanted, lambda trip: cast.get(f"/api/trips/{trip}/plan")), strict=True)
    )
    return [
        _trip(people[number % len(people)], lot, plans[lot.trip["trip_id"]])
        for number, lot in enumerate(lots)
    ]


def _trip(by: Person, lot: Seats, plan: Any) -> Trip:
    start, end = (plan["route"]["calls"][lot.trip[seq]]["stop"] for seq in ("from_seq", "to_seq"))
    day = datetime.fromisoformat(lot.trip["departs_at"]).astimezone(ZoneInfo(start["time_zone"])).date()
    query = urlencode({"from": start["place"], "to": end["place"], "date": day, "limit": 100})
    return Trip(by, lot, query, urlencode({"q": start["city"][:4]}))
