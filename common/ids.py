"""UUIDv7 (RFC 9562 §5.7): ids that sort by the time they were made.

Python 3.14 brings its own; until it is the oldest one supported this is ours. Ids tell their time of
creation to whoever holds them, so they must never stand in for a secret.
"""

import os
import threading
from datetime import UTC, datetime
from time import time_ns
from typing import Final
from uuid import UUID

_COUNTER_BITS: Final = 42
_COUNTER_MAX: Final = (1 << _COUNTER_BITS) - 1
_VERSION_AND_VARIANT: Final = (7 << 76) | (0b10 << 62)


class _Sequence:
    """Makes ids that grow strictly, also within a millisecond and when the clock steps back.

    The 42 bits after the timestamp are a counter that starts at a random value in each millisecond (RFC
    9562 §6.2, method 1), with its highest bit clear to leave room for counting; the last 32 bits are random
    each time.
    """

    __slots__ = ("_counter", "_lock", "_milliseconds")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._milliseconds = -1
        self._counter = 0

    def next(self) -> UUID:
        noise = int.from_bytes(os.urandom(10), "big")
        with self._lock:
            now = time_ns() // 1_000_000
            if now > self._milliseconds:
                self._milliseconds = now
                self._counter = (noise >> 32) & (_COUNTER_MAX >> 1)
            elif self._counter == _COUNTER_MAX:
                self._milliseconds += 1
                self._counter = 0
            else:
                self._counter += 1
            milliseconds, counter = self._milliseconds, self._counter
        high, low = counter >> 30, counter & 0x3FFF_FFFF
        return UUID(
            int=(milliseconds << 80)
            | _VERSION_AND_VARIANT
            | (high << 64)
            | (low << 32)
            | (noise & 0xFFFF_FFFF)
        )


_SEQUENCE: Final = _Sequence()


def uuid7() -> UUID:
    """A new id, greater than every one that this process made before."""
    return _SEQUENCE.next()


def made_at(identifier: UUID) -> datetime:
    """The instant, to the millisecond, that a UUIDv7 carries."""
    return datetime.fromtimestamp((identifier.int >> 80) / 1000, tz=UTC)
