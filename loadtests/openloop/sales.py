"""Seats held, paid for and given up around a window, so that what is in it has something to work on."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from loadtests.openloop.cast import CannotAskError, Subject, TooFewError, in_turns
from loadtests.pools import Passenger

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Sequence

    from loadtests.openloop.cast import Cast
    from loadtests.pools import Person, Wanted

CARD: Final = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2040, "cvc": "123"}
HOLDS_EACH: Final = 3
SEATS_EACH: Final = 6
"""Of one booking; and a user has at most twice as many of one departure."""
NOT_TOO_SOON: Final = timedelta(minutes=15)
BOARDS_WITHIN: Final = timedelta(hours=20)
CONFIRMED_WITHIN_S: Final = 30.0
_POLLED_EVERY_S: Final = 0.1
_PASSENGERS_LOOKED_AT: Final = 4000


class Seats(NamedTuple):
    """Some of a departure, free when it was looked."""

    trip: Wanted
    names: tuple[str, ...]

    def order(self) -> dict[str, Any]:
        return {
            "trip_id": self.trip["trip_id"],
            "from_seq": self.trip["from_seq"],
            "to_seq": self.trip["to_seq"],
            "passengers": [{"seat": seat, "name": "Asha Rao", "age": 30} for seat in self.names],
        }


async def free_seats(cast: Cast, count: int, *, each: int = 1, boarding: bool = False) -> list[Seats]:
    """So many lots of `each` seats, or all that there are: none twice, over all the departures there are."""
    now = datetime.now(UTC)
    trips = [trip for trip in cast.pools["trips"] if _leaves(trip) > now + NOT_TOO_SOON]
    if boarding:  # its codes are good already
        trips = [trip for trip in trips if _leaves(trip) < now + BOARDS_WITHIN]

    async def look(trip: Wanted) -> list[Seats]:
        path = f"/api/trips/{trip['trip_id']}/seats?from={trip['from_seq']}&to={trip['to_seq']}"
        free = [seat["seat"] for seat in (await cast.get(path))["seats"] if seat["state"] == "free"]
        free = cast.some(free, len(free))
        return [Seats(trip, tuple(free[at : at + each])) for at in range(0, len(free) - each + 1, each)]

    found = [lot for lots in await in_turns(trips, look) for lot in lots]
    return cast.some(found, count)


async def buyers(cast: Cast, holds: int) -> list[Person]:
    """People who may hold a seat, each as often as they may: so many, or all; more may log in for it."""
    wanted = -(-holds // HOLDS_EACH)
    people: list[Person] = cast.some(cast.pools["passengers"], len(cast.pools["passengers"]))
    room: list[tuple[Person, int]] = []
    while True:
        batch, people = people[:wanted], people[wanted:]
        await cast.signed_in(batch)
        room += zip(batch, await in_turns(batch, lambda one: _room(cast, one)), strict=True)
        lacking = holds - sum(count for _, count in room)
        if lacking <= 0:
            break
        wanted = -(-lacking // HOLDS_EACH)
        people = people or await _more_passengers(cast)
        if not people:
            break
    turns = [person for turn in range(HOLDS_EACH) for person, count in room if turn < count]
    return turns[:holds]


async def orders(cast: Cast, count: int, *, each: int = 1, boarding: bool = False) -> list[Subject]:
    """Whom to let hold what, each good for once: so many, or as many as there are people and seats for."""
    return await _orders(cast, await free_seats(cast, count, each=each, boarding=boarding))


async def hold(cast: Cast, count: int, *, each: int = 1, boarding: bool = False) -> list[Subject]:
    """Bookings that are held; raises TooFewError where there are not people and seats enough.

    Whatever it raises, what it has held is given up.
    """
    seats = await free_seats(cast, count, each=each, boarding=boarding)
    if len(seats) < count:
        raise TooFewError(f"lots of {each} free seats", len(seats), count)
    wanted = await _orders(cast, seats)
    if len(wanted) < count:
        raise TooFewError("holds that people may have", len(wanted), count)

    made: list[Subject] = []

    async def one(order: Subject) -> Subject:
        booking = (await cast.ask("POST", "/api/bookings", order.by, order.more)).json()
        made.append(Subject(order.by, booking["id"], booking))
        return made[-1]

    async with given_up_after_an_error(cast, made):
        return await in_turns(wanted, one)


async def open_payments(cast: Cast, held: Sequence[Subject]) -> list[Subject]:
    """A payment for each, without a card yet; `more` is the booking. All are given up if one has none."""

    async def one(booking: Subject) -> Subject:
        payment = (await cast.ask("POST", "/api/payments", booking.by, {"booking_id": booking.id})).json()
        return Subject(booking.by, payment["id"], booking)

    async with given_up_after_an_error(cast, held):
        return await in_turns(held, one)


async def confirmed(cast: Cast, held: Sequence[Subject]) -> list[Subject]:
    """The same bookings, paid. All are given up if one is not."""

    async def one(payment: Subject) -> Subject:
        await cast.ask("POST", f"/api/payments/{payment.id}/confirm", payment.by, {"card": CARD})
        deadline = time.monotonic() + CONFIRMED_WITHIN_S
        while True:
            booking = await cast.get(f"/api/bookings/{payment.more.id}", payment.by)
            if booking["status"] == "confirmed":
                return Subject(payment.by, booking["id"], booking)
            if time.monotonic() > deadline:
                raise CannotAskError(f"booking {booking['id']} is {booking['status']}, though it is paid")
            await asyncio.sleep(_POLLED_EVERY_S)

    payments = await open_payments(cast, held)
    async with given_up_after_an_error(cast, held):
        return await in_turns(payments, one)


@asynccontextmanager
async def given_up_after_an_error(cast: Cast, bookings: Sequence[Subject]) -> AsyncGenerator[None]:
    """Whatever the error is that the block ends in."""
    try:
        yield
    except BaseException:
        await give_up(cast, bookings)
        raise


async def give_up(cast: Cast, bookings: Iterable[Subject]) -> None:
    """Whatever came of them."""

    async def one(booking: Subject) -> None:
        token = booking.by["access_token"] if booking.by else None
        await cast.lines.ask("POST", f"/api/bookings/{booking.id}/cancel", token=token, body={})

    await in_turns(bookings, one)


async def _orders(cast: Cast, seats: Sequence[Seats]) -> list[Subject]:
    people = await buyers(cast, len(seats))
    return [Subject(person, "", lot.order()) for person, lot in zip(people, seats, strict=False)]


async def _room(cast: Cast, person: Person) -> int:
    """How many more bookings they may hold."""
    held = await cast.get("/api/bookings?status=held", person)
    return max(0, HOLDS_EACH - len(held["items"]))


async def _more_passengers(cast: Cast) -> list[Person]:
    """Demo passengers that the pools left out; logged in when they are wanted."""
    admin = cast.pools["admin"]
    await cast.signed_in([admin])
    known = {person["id"] for person in cast.pools["passengers"]}
    path = "/api/users?role=passenger&q=@demo.example"
    users = await cast.pages(path, admin, most=_PASSENGERS_LOOKED_AT)
    more = [
        Passenger(
            id=user["id"],
            email=user["email"],
            access_token="",
            refresh_token="",
            expires_at=0.0,
            bookings=[],
            payments=[],
            tickets=[],
        )
        for user in sorted(users, key=lambda user: str(user["id"]))
        if user["id"] not in known and user["status"] == "active"
    ]
    cast.pools["passengers"] += more
    return list(cast.some(more, len(more)))


def _leaves(trip: Wanted) -> datetime:
    return datetime.fromisoformat(trip["departs_at"])
