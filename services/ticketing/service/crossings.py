"""What crossed a sale on its way, because two services answered at once and neither waits for the other.

Another bus was put on while a seat was being held that it lacks; somebody boarded while their ticket was
being given back (docs/adr/0013). Level-triggered like `settlement`: each step looks at what is so, under the
booking's lock, and may be done again.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Final

import structlog

from common.database import POOL, transaction
from common.sweeps import one_by_one
from services.ticketing.crossed import CROSSED
from services.ticketing.desk import desk_of
from services.ticketing.domain.bookings import LIVE, Status
from services.ticketing.domain.fares import step_of
from services.ticketing.repository import bookings, settlements
from services.ticketing.repository import crossings as repository
from services.ticketing.service import notices, state
from services.ticketing.service.settlement import BATCH, FIRST_ID, GONE, PAGE, reclaim_seats

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from aiohttp import web

    from services.ticketing.repository import Row

log = structlog.get_logger(__name__)

BOARDED_WITHIN: Final = timedelta(days=2)
"""So far back the thorough sweep looks at who boarded."""


async def withdraw_seats(app: web.Application) -> int:
    """A sweep: bookings of seats that a bus lacks which has just been put on."""
    return await _withdraw_all(app, await repository.unseated_lately(app[POOL], BATCH))


async def withdraw_all_seats(app: web.Application) -> int:
    """A sweep, now and then: whatever the frequent one may have missed, page by page."""
    done, since, last = 0, datetime.now(UTC) - GONE, FIRST_ID
    while rows := await repository.reseated_after(app[POOL], since, last, PAGE):
        done += await _withdraw_all(app, [booking_id for row in rows for booking_id in row["booking_ids"]])
        since, last = rows[-1]["reseated_at"], rows[-1]["id"]
    return done


async def note_who_boarded(app: web.Application) -> int:
    """A sweep: check-ins that have just been heard of, with tickets that were given back."""
    return await _note_all(app, await repository.boarded_lately(app[POOL], BATCH))


async def note_all_who_boarded(app: web.Application) -> int:
    """A sweep, now and then: whatever the frequent one may have missed, page by page."""
    done, since, last = 0, datetime.now(UTC) - BOARDED_WITHIN, FIRST_ID
    while rows := await repository.boarded_after(app[POOL], since, last, PAGE):
        done += await _note_all(app, [row for row in rows if row["crossed"]])
        since, last = rows[-1]["heard_at"], rows[-1]["ticket_id"]
    return done


async def _withdraw_all(app: web.Application, booking_ids: Iterable[UUID]) -> int:
    return await one_by_one(booking_ids, partial(_withdraw, app), "seats cannot be withdrawn", booking=str)


async def _note_all(app: web.Application, rows: Iterable[Row]) -> int:
    step = partial(_note_boarded, app)
    return await one_by_one(rows, step, "who boarded cannot be noted", ticket=itemgetter("ticket_id"))


async def _withdraw(app: web.Application, booking_id: UUID) -> bool:
    async with transaction(app[POOL]) as conn:
        if not await settlements.lock_if_free(conn, [booking_id]):
            return False
        row = await bookings.lock_booking(conn, booking_id)
        assert row is not None
        layout_id = await repository.keep_layout(conn, row["trip_id"])
        if layout_id is None or row["status"] not in LIVE or row["trip_status"] == "cancelled":
            return False
        there = await repository.list_seats(conn, layout_id)
        tickets = await bookings.list_tickets(conn, [booking_id])
        lacking = {each["id"]: each["seat"] for each in tickets if each["seat"] not in there}
        booking = state.booking_of(row, tickets)
        gone = {each.id for each in booking.live_tickets if each.id in lacking and not each.checked_in}
        if not gone:
            return False
        moved = booking.withdraw(gone, step=step_of(row["currency"]))
        if moved.status is Status.HELD and moved.total_minor == 0:
            moved = moved.confirm()  # what is left costs nothing
        await state.save(conn, row, tickets, moved)
        seats = [seat for ticket_id, seat in lacking.items() if ticket_id in gone]
        back = moved.refund_due_minor - booking.refund_due_minor
        left = bool(moved.live_tickets)
        await notices.tell_seats_withdrawn(conn, desk_of(app), row, seats, back, some_are_left=left)
    app[CROSSED].withdrawn.labels(booking.status.value).inc(len(seats))
    log.error(
        "seats were sold that the bus lacks", alarm=True, booking=str(booking_id), trip=str(row["trip_id"]),
        seats=seats, refund_due_minor=back,
    )  # fmt: skip
    return True


async def _note_boarded(app: web.Application, boarded: Row) -> bool:
    """The company is told, and the seat is kept for who sits on it, if nobody else has it yet."""
    booking_id, ticket_id = boarded["booking_id"], boarded["ticket_id"]
    async with transaction(app[POOL]) as conn:
        row = await bookings.lock_booking(conn, booking_id)
        if row is None or not await repository.mark_crossed(conn, ticket_id):
            return False
        tickets = await bookings.list_tickets(conn, [booking_id])
        aboard = [each for each in tickets if each["id"] == ticket_id]
        seat = "kept" if await reclaim_seats(conn, row, aboard) else "taken"
    app[CROSSED].boarded.labels(seat).inc()
    log.error(
        "somebody boarded with a ticket that was given back", alarm=True, booking=str(booking_id),
        ticket=str(ticket_id), trip=str(row["trip_id"]), seat=seat,
    )  # fmt: skip
    return True
