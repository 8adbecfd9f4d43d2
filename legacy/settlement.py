"""What other domains' doings mean for bookings: a payment has succeeded, a departure is cancelled.

Level-triggered: each step looks at what is so, under the booking's lock, and may be done any number of times
by any number of processes. A booking that has taken note of a payment holds its id.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final
from uuid import UUID

import asyncpg
import structlog

from common.database import POOL, retry_serialization, transaction
from common.sweeps import one_by_one
from legacy import booking_state, notices
from legacy.desk import desk_of
from legacy.queries import bookings as queries
from legacy.queries import fleet, settlements
from legacy.rules.bookings import LIVE, Booking, Settlement, Status
from legacy.rules.layouts import lacking_seats

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiohttp import web

    from common.database import Connection, Pool
    from legacy.desk import Desk
    from legacy.queries.bookings import Row

log = structlog.get_logger(__name__)

BATCH: Final = 50
PAGE: Final = 500
RECENT_S: Final = 30.0
"""How far back the sweep of every second looks for payments."""
CALLED_OFF_S: Final = 600.0
"""How far back the frequent sweep looks for cancelled departures: their bookings may be many."""
OLD: Final = timedelta(days=7)
GONE: Final = timedelta(days=30)
"""So long after a departure its cancellation is no news any more."""
FIRST_ID: Final = UUID(int=0)


async def expire_holds(app: web.Application) -> int:
    """A sweep: bookings whose time to pay is over."""
    return await queries.expire_due(app[POOL], BATCH)


async def confirm_bookings(app: web.Application) -> int:
    """A sweep: bookings that a payment has just succeeded for."""
    return await _settle_all(app, await settlements.unsettled_lately(app[POOL], RECENT_S, BATCH))


async def confirm_old_bookings(app: web.Application) -> int:
    """A sweep, now and then: whatever the frequent one may have missed, page by page."""
    pool, done = app[POOL], 0
    after: UUID | None = None
    while rows := await settlements.unsettled_holds(pool, after, PAGE):
        done += await _settle_all(app, [row["payment_id"] for row in rows if row["payment_id"]])
        after = rows[-1]["id"]
    since, last = datetime.now(UTC) - OLD, FIRST_ID
    while rows := await settlements.succeeded_after(pool, since, last, PAGE):
        done += await _settle_all(app, [row["id"] for row in rows if row["unsettled"]])
        since, last = rows[-1]["updated_at"], rows[-1]["id"]
    return done


async def cancel_called_off(app: web.Application) -> int:
    """A sweep: bookings of departures that have just been cancelled."""
    return await _call_off_all(app, await settlements.called_off_lately(app[POOL], CALLED_OFF_S, BATCH))


async def cancel_all_called_off(app: web.Application) -> int:
    """A sweep, now and then: whatever the frequent one may have missed, page by page."""
    done, since, last = 0, datetime.now(UTC) - GONE, FIRST_ID
    while rows := await settlements.called_off_after(app[POOL], since, last, PAGE):
        done += await _call_off_all(app, [booking_id for row in rows for booking_id in row["booking_ids"]])
        since, last = rows[-1]["departs_at"], rows[-1]["id"]
    return done


async def settle_payment(pool: Pool, desk: Desk, payment_id: UUID) -> bool:
    """Let the booking take note of its payment; whether there was anything to do. Safe to do again."""

    async def settle() -> bool:
        async with transaction(pool) as conn:
            return await _settle(conn, desk, payment_id)

    return await retry_serialization(settle)


async def _settle_all(app: web.Application, payment_ids: Iterable[UUID]) -> int:
    step = partial(settle_payment, app[POOL], desk_of(app))
    return await one_by_one(payment_ids, step, "a payment cannot be settled", payment=str)


async def _call_off_all(app: web.Application, booking_ids: Iterable[UUID]) -> int:
    step = partial(_call_off, app[POOL], desk_of(app))
    return await one_by_one(booking_ids, step, "a booking cannot be called off", booking=str)


async def _settle(conn: Connection, desk: Desk, payment_id: UUID) -> bool:
    payment = await settlements.get_payment(conn, payment_id)
    if payment is None or payment["status"] != "succeeded":
        return False
    row = await queries.lock_booking(conn, payment["booking_id"])
    if row is None or row["payment_id"] == payment_id:
        return False
    tickets = await queries.lock_tickets(conn, row["id"])
    booking = booking_state.booking_of(row, tickets)
    paid = payment["amount"]
    trip_open = row["trip_status"] == "scheduled" and booking_state.leaves_at(row) > row["now"]
    step = booking.settlement(paid, trip_open=trip_open)
    if step is Settlement.NOTHING:
        # A booking is settled with one payment; a second can only be an operator's doing by hand.
        log.error("a booking has two payments", booking=str(row["id"]), payment=str(payment_id))
        return False
    if step is not Settlement.REFUND and booking.seen_at(row["now"]) is Status.EXPIRED:
        if not await _are_on_the_bus(conn, row, tickets):
            step = Settlement.REFUND
            booking = booking.expire() if booking.status is Status.HELD else booking
        elif step is Settlement.RECLAIM and not await _reclaim(conn, row, tickets, booking):
            step = Settlement.REFUND
    refunded = step is Settlement.REFUND
    moved = booking.refund_paid(paid) if refunded else booking.confirm_paid(paid)
    await booking_state.save(conn, desk.codes, row, tickets, moved, payment_id=payment_id)
    if refunded:
        await notices.tell_paid_in_vain(conn, desk, row, moved.refund_reason, paid)
    else:
        live = {ticket.id for ticket in moved.live_tickets}
        await notices.tell_confirmed(conn, desk, row, [each for each in tickets if each["id"] in live])
    log.info("payment settled", booking=str(row["id"]), payment=str(payment_id), step=step.value)
    return True


async def _are_on_the_bus(conn: Connection, row: Row, tickets: list[Row]) -> bool:
    """Whether the bus still has the seats: another may have come while nobody held them.

    Nobody changes the trip from here on. Who is changing it now waits for a bus or a driver and never for a
    booking, and so can be waited for with the booking locked.
    """
    layout = await fleet.get_layout(conn, await settlements.keep_layout(conn, row["trip_id"]))
    assert layout is not None
    wanted = [ticket["seat"] for ticket in tickets if ticket["status"] == row["status"]]
    return not lacking_seats(wanted, layout["seats"])


async def _reclaim(conn: Connection, row: Row, tickets: list[Row], booking: Booking) -> bool:
    """Claim the seats of an expired booking again, all or none; whether they were free.

    Like a hold: first the stale holds in the way, by id, then the seats, by name.
    """
    wanted = {ticket.id for ticket in booking.tickets if ticket.status is Status.EXPIRED}
    seats = sorted((ticket["seat"], ticket["id"]) for ticket in tickets if ticket["id"] in wanted)
    stale = await queries.lock_stale_holds(
        conn, row["trip_id"], row["from_seq"], row["to_seq"], [seat for seat, _ in seats]
    )
    try:
        async with conn.transaction():
            if stale:
                await queries.expire_bookings(conn, stale)
            for _, ticket_id in seats:
                await queries.reclaim_seat(conn, ticket_id)
    except asyncpg.ExclusionViolationError:
        return False
    return True


async def _call_off(pool: Pool, desk: Desk, booking_id: UUID) -> bool:
    async with transaction(pool) as conn:
        if not await settlements.lock_if_free(conn, [booking_id]):
            return False
        row = await queries.lock_booking(conn, booking_id)
        assert row is not None
        tickets = await queries.lock_tickets(conn, booking_id)
        booking = booking_state.booking_of(row, tickets)
        if booking.status not in LIVE or row["trip_status"] != "cancelled":
            return False
        moved = booking.call_off(decimals=booking_state.decimals_of(row))
        await booking_state.save(conn, desk.codes, row, tickets, moved)
        await notices.tell_trip_cancelled(conn, desk, row, moved.refund_due - booking.refund_due)
        return True
