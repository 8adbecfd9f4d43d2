"""Reading bookings: one's own, or one that a principal may see."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from common.database import ACQUIRE_TIMEOUT_S
from common.principals import Role
from common.problems import NotFound
from services.ticketing.repository import bookings as repository

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from common.database import Connection, Pool
    from common.principals import Principal
    from services.ticketing.repository import Row


async def find_booking(conn: Connection, by: Principal, booking_id: UUID) -> tuple[Row, list[Row]]:
    """The booking and its tickets, for its owner and the company's staff; raises NotFound."""
    row = await repository.get_booking(conn, booking_id)
    if row is None or not may_see(by, row):
        raise NotFound
    return row, await repository.list_tickets(conn, [booking_id])


async def read_booking(pool: Pool, by: Principal, booking_id: UUID) -> tuple[Row, list[Row]]:
    """Like `find_booking`, on one connection of the pool."""
    async with pool.acquire(timeout=ACQUIRE_TIMEOUT_S) as conn:
        return await find_booking(conn, by, booking_id)


async def list_bookings(
    pool: Pool, user_id: UUID, *, status: str | None, when: str | None, after: UUID | None, limit: int
) -> list[tuple[Row, list[Row]]]:
    """A user's bookings with their tickets, newest first."""
    async with pool.acquire(timeout=ACQUIRE_TIMEOUT_S) as conn:
        rows = await repository.list_bookings(conn, user_id, status, when, after, limit)
        tickets = _by_booking(
            await repository.list_tickets(conn, [row["id"] for row in rows]) if rows else ()
        )
    return [(row, tickets[row["id"]]) for row in rows]


def may_see(by: Principal, booking: Mapping[str, Any]) -> bool:
    """Its owner, the company's staff, and admins."""
    return (
        booking["user_id"] == by.user_id
        or by.role is Role.ADMIN
        or (by.company_id is not None and by.company_id == booking["company_id"])
    )


def _by_booking(tickets: Iterable[Row]) -> dict[UUID, list[Row]]:
    found: dict[UUID, list[Row]] = defaultdict(list)
    for ticket in tickets:
        found[ticket["booking_id"]].append(ticket)
    return found
