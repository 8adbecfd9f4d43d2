"""Signs and reads the codes on tickets: Ed25519 over the layout of `codes`, as base45 text.

A code is a fact signed once; whether it is still good is asked of the ticket. Anyone with the public keys can
read one without us. Signing is deterministic: whoever has the ring makes the same code of the same facts.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature

from services.qr.domain import base45
from services.qr.domain.codes import SIGNED_SIZE, SIZE, CodeFacts, CodeMalformed, pack, tail_of, unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from uuid import UUID

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from common.keyring import KeyRing, SigningKey

TOKEN_LENGTH: Final = 150
_LARGEST_KID: Final = 255
_READ_BEFORE: Final = 4096
"""Codes whose signature is checked once: each is held up to be looked at, and again to be used."""


class TokenMalformed(Exception):  # ruff: ignore[error-suffix-on-exception-name] — the fact
    """It is no code of ours at all."""


class TokenForged(Exception):  # ruff: ignore[error-suffix-on-exception-name] — the fact
    """It has the shape of a code, but no key of ours signed it."""


@dataclass(frozen=True, slots=True)
class _Numbered:
    """The keys of a ring at a moment: what reads the codes that they signed, and what signs new ones."""

    keys: tuple[SigningKey, ...]
    read: Callable[[str], CodeFacts]
    signing_number: int
    sign: Callable[[bytes], bytes]


class CodeKeys:
    """A ring's keys as codes name them; they may change under it, as the ring's do."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring
        self._known = _number(ring)

    def all_keys(self) -> tuple[SigningKey, ...]:
        """Every key that verifies, oldest first."""
        return self._ring.all_keys()

    def make(
        self,
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

        Raises CodeMalformed for facts that do not fit the layout. See `codes.valid_times` for the times.
        """
        now = self._now()
        signed = pack(
            CodeFacts(
                kid=now.signing_number,
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
        return base45.encode(signed + now.sign(signed))

    def read(self, token: str) -> CodeFacts:
        """What a code says, if a key of ours signed it; raises TokenMalformed or TokenForged."""
        return self._now().read(token)

    def look(self, token: str) -> CodeFacts | None:
        """What a code says, or None if no key of ours signed it."""
        try:
            return self.read(token)
        except (TokenMalformed, TokenForged):
            return None

    def _now(self) -> _Numbered:
        if self._ring.all_keys() is not self._known.keys:
            self._known = _number(self._ring)
        return self._known


def peek(token: str) -> CodeFacts:
    """What a code that we have just made says, unchecked; raises TokenMalformed."""
    return _open(token)[0]


def kid_number(key: SigningKey) -> int:
    """The byte that names a key: its kid where that is a number up to 255, else one made of the public key.

    Two keys may come by the same number; a reader tries every key that has it.
    """
    if key.kid.isascii() and key.kid.isdecimal() and int(key.kid) <= _LARGEST_KID:
        return int(key.kid)
    return hashlib.sha256(key.public.public_bytes_raw()).digest()[0]


def _number(ring: KeyRing) -> _Numbered:
    keys = ring.all_keys()
    by_number: dict[int, list[Ed25519PublicKey]] = {}
    for key in keys:
        by_number.setdefault(kid_number(key), []).append(key.public)
    signing = ring.signing_key()
    # It remembers good codes alone, for as long as these are the keys, and may be asked from several threads.
    read = lru_cache(maxsize=_READ_BEFORE)(partial(_read, by_number))
    return _Numbered(keys, read, kid_number(signing), signing.private.sign)


def _read(keys: Mapping[int, list[Ed25519PublicKey]], token: str) -> CodeFacts:
    facts, signed, signature = _open(token)
    for key in keys.get(facts.kid, ()):
        try:
            key.verify(signature, signed)
        except InvalidSignature:
            continue
        return facts
    raise TokenForged


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
