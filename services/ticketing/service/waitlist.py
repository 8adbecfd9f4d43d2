"""Waiting for seats of a departure that is sold out: who waited longest is told first."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from common.database import POOL, transaction
from common.ids import uuid7
from common.problems import NotFound, ValidationFailed
from services.ticketing.desk import desk_of
from services.ticketing.errors import AlreadyWaiting, SeatsAvailable, TripClosed
from services.ticketing.repository import waitlist as repository
from services.ticketing.service import notices, seatmap

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from aiohttp import web

    from common.database import Pool
    from common.principals import Principal
    from services.ticketing.repository import Row

BATCH: Final = 100
PAGE: Final = 50
RECENT_S: Final = 30.0
"""How far back the frequent sweep looks for seats that became free."""

PROMISED_S: Final = 900.0
"""How long seats that somebody was told of are not offered to the next in the queue as well."""


async def wait_for_seats(
    request: web.Request, by: Principal, trip_id: UUID, from_seq: int, to_seq: int, seats: int
) -> Row:
    """Queue up; raises NotFound, ValidationFailed, TripClosed, SeatsAvailable or AlreadyWaiting."""
    pool = request.app[POOL]
    found = await seatmap.read_seats(request, trip_id, from_seq, to_seq, names=("from_seq", "to_seq"))
    if not found.on_sale:
        raise TripClosed("Nobody waits for a departure that is cancelled or gone.")
    if seats > found.seating.capacity:
        raise ValidationFailed({"seats": [f"The bus has {found.seating.capacity} seats."]})
    if found.seats_left >= seats:
        raise SeatsAvailable(f"{found.seats_left} seats are free: no need to wait.")
    waiting_id = uuid7()
    if not await repository.insert_waiting(pool, waiting_id, trip_id, by.user_id, from_seq, to_seq, seats):
        raise AlreadyWaiting("You are told as soon as there are seats.")
    return await repository.get_waiting(pool, waiting_id)


async def give_up(pool: Pool, by: Principal, waiting_id: UUID) -> None:
    """Raises NotFound for what is not the user's own."""
    if not await repository.give_up(pool, waiting_id, by.user_id):
        raise NotFound


async def tell_of_freed_seats(app: web.Application) -> int:
    """A sweep: those who wait for seats that have just become free."""
    trip_ids = await repository.freed_trips(app[POOL], RECENT_S, PROMISED_S, PAGE)
    return await _tell(app, trip_ids) if trip_ids else 0


async def tell_of_seats(app: web.Application) -> int:
    """A sweep, now and then: everybody who waits, page by page: what the frequent one may have missed."""
    told = 0
    after: UUID | None = None
    while trip_ids := await repository.trips_after(app[POOL], after, PAGE):
        while more := await _tell(app, trip_ids):
            told += more
        after = trip_ids[-1]
    return told


async def _tell(app: web.Application, trip_ids: Collection[UUID]) -> int:
    """In the order in which they came; how many were told."""
    desk = desk_of(app)
    async with transaction(app[POOL]) as conn:
        await repository.take_turn(conn)
        await repository.close_for_good(conn, trip_ids)
        told: dict[UUID, list[Row]] = defaultdict(list)
        for waiting in await repository.waiting_with_seats(conn, trip_ids, PROMISED_S, BATCH):
            promised = sum(each["seats"] for each in told[waiting["trip_id"]] if _overlap(each, waiting))
            if waiting["free"] - promised >= waiting["seats"]:
                told[waiting["trip_id"]].append(waiting)
                await notices.tell_seats_free(conn, desk, waiting)
        notified = [waiting["id"] for entries in told.values() for waiting in entries]
        if notified:
            await repository.mark_notified(conn, notified)
    return len(notified)


def _overlap(one: Row, other: Row) -> bool:
    return bool(one["from_seq"] < other["to_seq"] and other["from_seq"] < one["to_seq"])
