"""Ids for demo rows: real UUIDv7s, but foreseeable."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final
from uuid import UUID

if TYPE_CHECKING:
    from datetime import datetime
    from random import Random


_LOW: Final = (1 << 62) - 1


def new_id(random: Random, at: datetime) -> UUID:
    """A UUIDv7 (RFC 9562 §5.7) of this instant with the given source of randomness."""
    chance = random.getrandbits(74)
    return UUID(int=_begin(at) | (chance >> 62 << 64) | (chance & _LOW))


@lru_cache(maxsize=1 << 12)
def _begin(at: datetime) -> int:
    """What all ids of an instant have in common."""
    return (int(at.timestamp() * 1000) << 80) | (0x7 << 76) | (0x2 << 62)


def tail(value: UUID) -> int:
    """All but the instant."""
    return value.int & (1 << 80) - 1
