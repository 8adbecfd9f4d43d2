"""The code of a ticket, and the keys that anyone may check it with."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from common.problems import NotFound, Unavailable
from services.qr.domain.codes import valid_times
from services.qr.domain.tokens import kid_number, peek
from services.qr.errors import NotConfirmed
from services.qr.repository import tickets
from services.qr.service.asking import ask_for_ticket
from services.qr.service.verification import is_unheard, may_know

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from common.database import Connection, Pool
    from common.principals import Principal
    from services.qr.domain.tokens import CodeKeys
    from services.qr.repository.tickets import Row
    from services.qr.service.asking import Ask


async def find_facts(pool: Pool, by: Principal, ticket_id: UUID, ask: Ask) -> Row:
    """What the ticket's code is made of, for its owner and the company's staff; raises NotFound."""
    return await _find(pool, by, ticket_id, ask, tickets.get_facts)


async def find_sheet(pool: Pool, by: Principal, ticket_id: UUID, ask: Ask) -> Row:
    """What the ticket's page shows, for its owner and the company's staff; raises NotFound."""
    return await _find(pool, by, ticket_id, ask, tickets.get_sheet)


async def _find(
    pool: Pool,
    by: Principal,
    ticket_id: UUID,
    ask: Ask,
    read: Callable[[Connection, UUID], Awaitable[Row | None]],
) -> Row:
    ticket = await read(pool, ticket_id)
    may_see = ticket is not None and _may_see(by, ticket)
    if ticket is not None and not may_see and ticket["user_id"] is not None:
        raise NotFound
    if not may_see or _is_half_heard(ticket):
        if not await ask_for_ticket(pool, by, ticket_id, ask):
            raise NotFound
        ticket = await read(pool, ticket_id)
        if _has_no_times(ticket):
            raise Unavailable("The ticket's departure is not known here yet. Try again in a moment.")
    return ticket


def code_of(keys: CodeKeys, ticket: Row) -> str:
    """The code that is good for the ticket now; raises NotConfirmed."""
    if ticket["status"] != "confirmed":
        raise NotConfirmed(f"The ticket is {ticket['status']}, and has no code.")
    not_before, expires_at = valid_times(ticket["boards_at"], ticket["arrives_at"])
    return keys.make(
        ticket_id=ticket["id"],
        trip_id=ticket["trip_id"],
        seat=ticket["seat"],
        from_seq=ticket["from_seq"],
        to_seq=ticket["to_seq"],
        serial=ticket["qr_serial"],
        not_before=not_before,
        expires_at=expires_at,
    )


def code_wire(ticket_id: UUID, token: str) -> dict[str, Any]:
    """A code with what it says, as the wire has it."""
    facts = peek(token)
    return {
        "ticket_id": ticket_id,
        "token": token,
        "kid": facts.kid,
        "serial": facts.serial,
        "not_before": facts.not_before,
        "expires_at": facts.expires_at,
    }


def keys_wire(keys: CodeKeys) -> list[dict[str, Any]]:
    """Every key that codes may be signed with, its public half."""
    return [
        {
            "kid": kid_number(key),
            "alg": "Ed25519",
            "public_key": base64.urlsafe_b64encode(key.public.public_bytes_raw()).rstrip(b"=").decode(),
            "created_at": key.created,
            "retired": key.retired is not None,
        }
        for key in keys.all_keys()
    ]


def _may_see(by: Principal, ticket: Row) -> bool:
    return ticket["user_id"] == by.user_id or may_know(by, ticket["company_id"])


def _is_half_heard(ticket: Row | None) -> bool:
    """Whether it may have become good since, or its booking or departure has not been heard of."""
    return ticket is None or is_unheard(ticket) or _has_no_times(ticket)


def _has_no_times(ticket: Row) -> bool:
    return ticket["boards_at"] is None or ticket["arrives_at"] is None
