"""The layout of a ticket's code: what is signed, byte by byte. Big-endian, version first.

    version 1 · kid 1 · ticket id 16 · trip id, last 8 · seat 2 · from 1 · to 1 · serial 1
    · not before 3 (minutes since 2020) · lifetime 2 (minutes) · Ed25519 signature 64

One hundred bytes, which base45 makes 150 characters: a QR code of version 6-M holds 154.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

VERSION: Final = 1
SIGNED_SIZE: Final = 36
SIGNATURE_SIZE: Final = 64
SIZE: Final = SIGNED_SIZE + SIGNATURE_SIZE

EARLIEST: Final = timedelta(hours=24)  # before the departure at the boarding stop
LATEST: Final = timedelta(hours=24)  # after the arrival

_LAYOUT: Final = struct.Struct(">BB16s8sHBBB3sH")
_EPOCH: Final = datetime(2020, 1, 1, tzinfo=UTC)
_MINUTE: Final = timedelta(minutes=1)
_SEAT_ALPHABET: Final = " 0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SEAT_BASE: Final = len(_SEAT_ALPHABET)
_SEAT_LENGTH: Final = 3
_LARGEST_START: Final = 2**24
_LARGEST_LIFETIME: Final = 2**16


class CodeMalformed(ValueError):  # ruff: ignore[error-suffix-on-exception-name] — the fact
    """The bytes, or the facts, do not fit the layout."""


@dataclass(frozen=True, slots=True)
class CodeFacts:
    """What a code says. The times are whole minutes; `trip_tail` is the end of the trip's id."""

    kid: int
    ticket_id: UUID
    trip_tail: bytes
    seat: str
    from_seq: int
    to_seq: int
    serial: int
    not_before: datetime
    expires_at: datetime

    def is_for(self, trip_id: UUID) -> bool:
        """Whether this may be a code for that trip."""
        return self.trip_tail == tail_of(trip_id)


def tail_of(trip_id: UUID) -> bytes:
    """The random half of a UUIDv7: enough to tell one trip from another."""
    return trip_id.bytes[8:]


def valid_times(boards_at: datetime, arrives_at: datetime) -> tuple[datetime, datetime]:
    """From and until when a code is good, of the departure at the boarding stop and the arrival."""
    return boards_at - EARLIEST, arrives_at + LATEST


def pack(facts: CodeFacts) -> bytes:
    """The bytes to sign. Times are widened to whole minutes; raises CodeMalformed for what does not fit."""
    start = (facts.not_before - _EPOCH) // _MINUTE
    end = -((_EPOCH - facts.expires_at) // _MINUTE)
    lifetime = end - start
    if not 0 <= start < _LARGEST_START or not 0 < lifetime < _LARGEST_LIFETIME:
        raise CodeMalformed("a code starts between 2020 and 2051 and lasts at most 45 days")
    try:
        return _LAYOUT.pack(
            VERSION,
            facts.kid,
            facts.ticket_id.bytes,
            facts.trip_tail,
            _pack_seat(facts.seat),
            facts.from_seq,
            facts.to_seq,
            facts.serial,
            start.to_bytes(3),
            lifetime,
        )
    except struct.error as error:
        raise CodeMalformed("kid, stops and serial are each between 0 and 255") from error


def unpack(signed: bytes) -> CodeFacts:
    """What the bytes say, whoever signed them; raises CodeMalformed."""
    if len(signed) != SIGNED_SIZE or signed[0] != VERSION:
        raise CodeMalformed("not a code of this version")
    _, kid, ticket, trip_tail, seat, from_seq, to_seq, serial, start, lifetime = _LAYOUT.unpack(signed)
    not_before = _EPOCH + int.from_bytes(start) * _MINUTE
    return CodeFacts(
        kid=kid,
        ticket_id=UUID(bytes=ticket),
        trip_tail=trip_tail,
        seat=_unpack_seat(seat),
        from_seq=from_seq,
        to_seq=to_seq,
        serial=serial,
        not_before=not_before,
        expires_at=not_before + lifetime * _MINUTE,
    )


def _pack_seat(seat: str) -> int:
    number = 0
    for character in seat.ljust(_SEAT_LENGTH):
        digit = _SEAT_ALPHABET.find(character)
        if digit < 0 or len(seat) > _SEAT_LENGTH:
            raise CodeMalformed(f"no seat is called {seat!r}")
        number = number * _SEAT_BASE + digit
    return number


def _unpack_seat(number: int) -> str:
    if number >= _SEAT_BASE**_SEAT_LENGTH:
        raise CodeMalformed("the seat is out of range")
    number, last = divmod(number, _SEAT_BASE)
    first, middle = divmod(number, _SEAT_BASE)
    return "".join(_SEAT_ALPHABET[digit] for digit in (first, middle, last)).rstrip()
