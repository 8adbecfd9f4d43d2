"""Orders as requests bring them: once for each Idempotency-Key, and after learning what is not known yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import asyncpg

from common.database import ACQUIRE_TIMEOUT_S, POOL, retry_serialization, transaction
from common.idempotency import HEADER, run_once
from common.problems import Unavailable, ValidationFailed
from services.ticketing.desk import desk_of
from services.ticketing.service.accounts import learn_account
from services.ticketing.service.holds import FreeOfCharge, UnknownTrip, UnknownUser, hold_seats
from services.ticketing.service.trips import learn_trip

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from aiohttp import web

    from common.database import Connection
    from common.principals import Principal
    from services.ticketing.service.holds import Order

    Held = tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]
    Answer = Callable[[Mapping[str, Any], Sequence[Mapping[str, Any]]], web.Response]

TRIES: Final = 5
"""A departure to learn, an account to learn, and a reference that somebody else has, or two."""

_Result = TypeVar("_Result")


class NoSuchTrip(ValidationFailed):
    """Whoever owns departures knows of no such one, either."""

    def __init__(self) -> None:
        super().__init__({"trip_id": ["There is no such departure."]})


async def hold_for(request: web.Request, by: Principal, order: Order) -> Held:
    """Hold the seats in a transaction of their own; raises what `hold_seats` does."""
    return await _learning(request, order, lambda: _hold_at_once(request, by, order))


async def hold_once(request: web.Request, by: Principal, order: Order, answer: Answer) -> web.Response:
    """Like `hold_for`, with the answer; a key that was sent before gets the answer that it got then."""
    if HEADER not in request.headers:
        return answer(*await hold_for(request, by, order))
    desk, body, pool = desk_of(request.app), await request.read(), request.app[POOL]

    async def work(conn: Connection) -> web.Response:
        return answer(*await hold_seats(conn, desk, by, order))

    try:
        return await _learning(request, order, lambda: run_once(pool, request, by, body, work))
    except NoSuchTrip as problem:
        refusal = problem

    async def refuse(_conn: Connection) -> web.Response:  # ruff: ignore[unused-async] — the type of some work
        raise refusal

    return await run_once(pool, request, by, body, refuse)  # an answer like others: kept with its key


async def _hold_at_once(request: web.Request, by: Principal, order: Order) -> Held:
    """One statement, which is its own transaction, unless the seats cost nothing."""
    desk, pool = desk_of(request.app), request.app[POOL]
    try:
        async with pool.acquire(timeout=ACQUIRE_TIMEOUT_S) as conn:
            return await hold_seats(conn, desk, by, order, in_transaction=False)
    except FreeOfCharge:
        async with transaction(pool) as conn:
            return await hold_seats(conn, desk, by, order)


async def _learning(request: web.Request, order: Order, work: Callable[[], Awaitable[_Result]]) -> _Result:
    """Do the work, again if something had to be learned first or a new booking's reference was not new."""
    learned: set[type[Exception]] = set()
    for _ in range(TRIES):
        try:
            return await retry_serialization(work)
        except UnknownTrip as unknown:
            if type(unknown) in learned or not await learn_trip(request, order.trip_id):
                raise NoSuchTrip from None
            learned.add(type(unknown))
        except UnknownUser as unknown:
            if type(unknown) in learned or not await learn_account(request):
                raise Unavailable("Your account is not known here yet. Try again in a moment.") from None
            learned.add(type(unknown))
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name != "bookings_reference_key":
                raise
    return await work()
