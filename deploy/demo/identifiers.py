"""Ids for demo rows: real UUIDv7s, but foreseeable."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from datetime import datetime
    from random import Random


def new_id(random: Random, at: datetime) -> UUID:
    """A UUIDv7 (RFC 9562 §5.7) of this instant with the given source of randomness."""
    milliseconds = int(at.timestamp() * 1000)
    value = (milliseconds << 80) | random.getrandbits(80)
    value = value & ~(0xF << 76) | (0x7 << 76)
    return UUID(int=value & ~(0x3 << 62) | (0x2 << 62))
