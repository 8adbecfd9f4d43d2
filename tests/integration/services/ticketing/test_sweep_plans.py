"""What is asked every second is asked of indexes, so that its cost does not grow with the years."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from common.ids import uuid7
from common.mail import repository as mails
from services.ticketing.repository import bookings, crossings, holds, settlements, waitlist

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from common.database import Connection, Pool


PLANNED_BY_VALUES = 5
"""So often PostgreSQL plans for the values that it is given, then it asks itself whether that is worth it."""


class Explaining:
    """A connection that keeps the plan of each statement and answers nothing."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self.plans: list[str] = []

    async def fetch(self, statement: str, *arguments: Any) -> list[Any]:
        rows = await self._conn.fetch(f"EXPLAIN {statement}", *arguments)
        self.plans.append("\n".join(row[0] for row in rows))
        return []

    async def fetchval(self, statement: str, *arguments: Any) -> None:
        await self.fetch(statement, *arguments)


@pytest.mark.parametrize(
    ("ask", "index"),
    [
        (lambda conn: holds.expire_due(conn, 50), "bookings_held"),
        (lambda conn: settlements.unsettled_lately(conn, 50), "payments_settling"),
        (lambda conn: settlements.called_off_lately(conn, 50), "trips_cancelled_lately"),
        (lambda conn: waitlist.freed_trips(conn, 30, 900, 50), "tickets_given_back"),
        (lambda conn: waitlist.freed_trips(conn, 30, 900, 50), "waitlist_given_up"),
        (lambda conn: crossings.unseated_lately(conn, 50), "trips_reseated"),
        (lambda conn: crossings.boarded_lately(conn, 50), "check_ins_lately"),
        (lambda conn: waitlist.trips_after(conn, None, 50), "waitlist"),
        (lambda conn: mails.claim_due(conn, 20, timedelta(seconds=30)), "mails_waiting"),
    ],
)
async def test_a_sweep_of_every_second_reads_no_table_from_end_to_end(
    pool: Pool, ask: Callable[[Any], Awaitable[Any]], index: str
) -> None:
    async with pool.acquire() as conn, conn.transaction():
        # in an empty table reading it all is cheapest: without that, a plan says whether there is another way
        await conn.execute("SET LOCAL enable_seqscan = off")
        explaining = Explaining(conn)
        await ask(explaining)
    (plan,) = explaining.plans
    assert index in plan
    assert "Seq Scan" not in plan


@pytest.mark.parametrize(
    "ask",
    [
        lambda conn: settlements.unsettled_lately(conn, 50),
        lambda conn: bookings.list_tickets(conn, [uuid7()]),
        lambda conn: bookings.save_booking(
            conn,
            booking_id=uuid7(),
            status="confirmed",
            seats=1,
            total_minor=100,
            refund_due_minor=0,
            refund_reason=None,
            payment_id=None,
            ticket_ids=[uuid7()],
            ticket_statuses=["confirmed"],
            ticket_refunds=[0],
        ),
    ],
    ids=["unsettled_lately", "list_tickets", "save_booking"],
)
async def test_what_each_booking_asks_is_planned_once_and_not_each_time(
    pool: Pool, ask: Callable[[Any], Awaitable[Any]]
) -> None:
    async with pool.acquire() as conn:
        for _ in range(PLANNED_BY_VALUES + 1):
            await ask(conn)
        planned_anew = await conn.fetch(
            "SELECT statement FROM pg_prepared_statements WHERE custom_plans > $1", PLANNED_BY_VALUES
        )
    assert planned_anew == []
