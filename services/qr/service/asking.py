"""Asks the owners of tickets and departures for what has not been heard of them yet, and keeps it.

A ticket that was paid for a moment ago is shown at the door before its event is here; and nobody is refused
for what we have not heard. The owner is asked as whoever asks us, so it also says whether they may see it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from uuid import UUID

from common.database import transaction
from common.principals import Role
from services.qr.repository import mirrors, tickets

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from common.database import Pool
    from common.principals import Principal

    Ask: TypeAlias = Callable[[str], Awaitable[dict[str, Any] | None]]

AT_ONCE: Final = 8


async def ask_for_tickets(pool: Pool, by: Principal, ticket_ids: Sequence[UUID], ask: Ask) -> None:
    """Ask for each, a few at a time; raises Unavailable if the owner of one does not answer."""
    for first in range(0, len(ticket_ids), AT_ONCE):
        some = ticket_ids[first : first + AT_ONCE]
        await asyncio.gather(*(ask_for_ticket(pool, by, ticket_id, ask) for ticket_id in some))


async def ask_for_ticket(pool: Pool, by: Principal, ticket_id: UUID, ask: Ask) -> bool:
    """Whether there is such a ticket for whoever asks; then it is kept as its owner says it is now."""
    known_seq = await tickets.get_source_seq(pool, ticket_id)
    seen = await ask(f"/api/tickets/{ticket_id}")
    if seen is None:
        return False
    trip_id = UUID(seen["trip_id"])
    company_id = await mirrors.get_company_of_trip(pool, trip_id)
    if company_id is None:
        if not await ask_for_trip(pool, trip_id, ask):
            return False
        company_id = await mirrors.get_company_of_trip(pool, trip_id)
    whose = {
        "company_id": company_id,
        # staff may see every ticket, so only of a passenger does it follow that it is theirs
        "user_id": by.user_id if by.role is Role.PASSENGER else None,
    }
    async with transaction(pool) as conn:
        await mirrors.keep_ticket(conn, _ticket_row(seen) | whose, known_seq)
        await mirrors.keep_booking(conn, _booking_row(seen) | whose)
    return True


async def ask_for_trip(pool: Pool, trip_id: UUID, ask: Ask) -> bool:
    """Whether there is such a departure; then it is kept, with its route and stops."""
    plan = await ask(f"/api/trips/{trip_id}/plan")
    if plan is None:
        return False
    async with pool.acquire() as conn:
        await mirrors.keep_plan(conn, plan)
    return True


def _ticket_row(seen: dict[str, Any]) -> dict[str, Any]:
    return {
        **{
            name: seen[name] for name in ("id", "booking_id", "trip_id", "seat", "deck", "from_seq", "to_seq")
        },
        "status": seen["status"],
        "passenger_name": seen["passenger"]["name"],
        "qr_serial": seen["serial"],
    }


def _booking_row(seen: dict[str, Any]) -> dict[str, Any]:
    """What a ticket says of its booking; the times of the whole departure are the departure's to say."""
    return {
        "id": seen["booking_id"],
        "reference": seen["booking_reference"],
        "journey": {name: seen[name] for name in ("company_name", "route_name", "from", "to")},
    }
