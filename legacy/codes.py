"""The code of a ticket, and the keys that anyone may check it with."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from common.problems import Conflict, NotFound
from legacy.qr_tokens import kid_number, make_token, peek_token
from legacy.queries import checkins as queries
from legacy.rules.codes import valid_times
from legacy.verification import may_know, read_code

if TYPE_CHECKING:
    from uuid import UUID

    from common.database import Pool
    from common.principals import Principal
    from common.tokens import KeyRing
    from legacy.queries.checkins import Row


class NotConfirmed(Conflict):
    slug, title = "not-confirmed", "The ticket is not confirmed"


async def find_ticket(pool: Pool, by: Principal, ticket_id: UUID) -> Row:
    """The ticket, for its owner and the company's staff; raises NotFound."""
    ticket = await queries.get_ticket(pool, ticket_id)
    if ticket is None or not (ticket["user_id"] == by.user_id or may_know(by, ticket["company_id"])):
        raise NotFound
    return ticket


def code_of(ring: KeyRing, ticket: Row) -> str:
    """The code that is good for the ticket now; raises NotConfirmed.

    The one that was stored with it, or the same made again where none is stored or its key is gone.
    """
    if ticket["status"] != "confirmed":
        raise NotConfirmed(f"The ticket is {ticket['status']}, and has no code.")
    stored = ticket["qr_code"]
    facts = read_code(ring, stored) if stored else None
    if facts is not None and facts.serial == ticket["qr_serial"]:
        return str(stored)
    not_before, expires_at = valid_times(ticket["boards_at"], ticket["arrives_at"])
    return make_token(
        ring,
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
    facts = peek_token(token)
    return {
        "ticket_id": ticket_id,
        "token": token,
        "kid": facts.kid,
        "serial": facts.serial,
        "not_before": facts.not_before,
        "expires_at": facts.expires_at,
    }


def keys_wire(ring: KeyRing) -> list[dict[str, Any]]:
    """Every key that codes may be signed with, its public half."""
    return [
        {
            "kid": kid_number(key),
            "alg": "Ed25519",
            "public_key": base64.urlsafe_b64encode(key.public.public_bytes_raw()).rstrip(b"=").decode(),
            "created_at": key.created,
            "retired": key.retired is not None,
        }
        for key in ring.all_keys()
    ]
