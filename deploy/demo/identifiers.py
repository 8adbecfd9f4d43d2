"""Ids for demo rows: real UUIDv7s, but foreseeable. They are what is copied: 16 bytes after their length."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from uuid import UUID

if TYPE_CHECKING:
    from random import Random


_LENGTH: Final = 16
_LOW: Final = (1 << 62) - 1
_TAIL: Final = (1 << 80) - 1


def new_id(random: Random, at: datetime) -> bytes:
    """A UUIDv7 (RFC 9562 §5.7) of this instant with the given source of randomness."""
    chance = random.getrandbits(74)
    return (_begin(at) | (chance >> 62 << 64) | (chance & _LOW)).to_bytes(4 + _LENGTH, "big")


@lru_cache(maxsize=1 << 12)
def _begin(at: datetime) -> int:
    """What all ids of an instant have in common."""
    return (_LENGTH << 128) | (int(at.timestamp() * 1000) << 80) | (0x7 << 76) | (0x2 << 62)


def id_of(value: UUID) -> bytes:
    return _LENGTH.to_bytes(4, "big") + value.bytes


def uuid_of(value: bytes) -> UUID:
    return UUID(bytes=value[4:])


def tail(value: bytes) -> int:
    """All but the instant."""
    return int.from_bytes(value, "big") & _TAIL


def instant_of(value: bytes) -> datetime:
    """When it was made."""
    return datetime.fromtimestamp(int.from_bytes(value[4:10], "big") / 1000, UTC)


def nonce_of(value: bytes) -> bytes:
    """In hexadecimal, as a scanner would have made it."""
    return value[4:].hex().encode()
