"""Reading bookings: one's own, or one that a principal may see."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from common.problems import NotFound
from legacy.cancellations import may_see
from legacy.queries import bookings as queries

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from common.database import Connection
    from common.principals import Principal
    from legacy.queries.bookings import Row


async def find_booking(conn: Connection, by: Principal, booking_id: UUID) -> tuple[Row, list[Row]]:
    """The booking and its tickets, for its owner and the company's staff; raises NotFound."""
    row = await queries.get_booking(conn, booking_id)
    if row is None or not may_see(by, row):
        raise NotFound
    return row, await queries.list_tickets(conn, [booking_id])


async def list_bookings(
    conn: Connection, user_id: UUID, *, status: str | None, when: str | None, after: UUID | None, limit: int
) -> list[tuple[Row, list[Row]]]:
    """A user's bookings with their tickets, newest first."""
    rows = await queries.list_bookings(conn, user_id, status, when, after, limit)
    tickets = _by_booking(await queries.list_tickets(conn, [row["id"] for row in rows]))
    return [(row, tickets[row["id"]]) for row in rows]


def _by_booking(tickets: Iterable[Row]) -> dict[UUID, list[Row]]:
    found: dict[UUID, list[Row]] = defaultdict(list)
    for ticket in tickets:
        found[ticket["booking_id"]].append(ticket)
    return found
