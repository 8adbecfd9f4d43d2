"""Signs and reads the codes on tickets: Ed25519 over the layout of `rules.codes`, as base45 text.

A code is a fact signed once; whether it is still good is asked of the ticket. Anyone with the public keys can
read one without us.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature

from legacy.rules import base45
from legacy.rules.codes import SIGNED_SIZE, SIZE, CodeFacts, CodeMalformed, pack, tail_of, unpack

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from common.tokens import KeyRing, SigningKey

TOKEN_LENGTH: Final = 150
_LARGEST_KID: Final = 255


class TokenMalformed(Exception):  # ruff: ignore[error-suffix-on-exception-name] — the fact
    """It is no code of ours at all."""


class TokenForged(Exception):  # ruff: ignore[error-suffix-on-exception-name] — the fact
    """It has the shape of a code, but no key of ours signed it."""


def make_token(
    ring: KeyRing,
    *,
    ticket_id: UUID,
    trip_id: UUID,
    seat: str,
    from_seq: int,
    to_seq: int,
    serial: int,
    not_before: datetime,
    expires_at: datetime,
) -> str:
    """The text of the QR code, signed with the newest key; the same facts and key give the same text.

    Raises CodeMalformed for facts that do not fit the layout. See `rules.codes.valid_times` for the times.
    """
    key = ring.signing_key()
    signed = pack(
        CodeFacts(
            kid=kid_number(key),
            ticket_id=ticket_id,
            trip_tail=tail_of(trip_id),
            seat=seat,
            from_seq=from_seq,
            to_seq=to_seq,
            serial=serial,
            not_before=not_before,
            expires_at=expires_at,
        )
    )
    return base45.encode(signed + key.private.sign(signed))


def read_token(ring: KeyRing, token: str) -> CodeFacts:
    """What a code says, if a key of ours signed it; raises TokenMalformed or TokenForged."""
    facts, signed, signature = _open(token)
    for key in ring.all_keys():
        if kid_number(key) != facts.kid:
            continue
        try:
            key.public.verify(signature, signed)
        except InvalidSignature:
            continue
        return facts
    raise TokenForged


def peek_token(token: str) -> CodeFacts:
    """What a code of our own database says, unchecked; raises TokenMalformed."""
    return _open(token)[0]


def kid_number(key: SigningKey) -> int:
    """The byte that names a key: its kid where that is a number up to 255, else one made of the public key.

    Two keys may come by the same number; a reader tries every key that has it.
    """
    if key.kid.isascii() and key.kid.isdecimal() and int(key.kid) <= _LARGEST_KID:
        return int(key.kid)
    return hashlib.sha256(key.public.public_bytes_raw()).digest()[0]


def _open(token: str) -> tuple[CodeFacts, bytes, bytes]:
    # Base45 knows a blank, and of a code only the first character may be one: so blanks at the ends that some
    # scanner or form took or added can be put right without doubt.
    try:
        value = base45.decode(token.strip().rjust(TOKEN_LENGTH))
        if len(value) != SIZE:
            raise TokenMalformed
        return unpack(value[:SIGNED_SIZE]), value[:SIGNED_SIZE], value[SIGNED_SIZE:]
    except (base45.Base45Malformed, CodeMalformed) as error:
        raise TokenMalformed from error
