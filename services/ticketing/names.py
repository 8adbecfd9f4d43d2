"""What the sweeps are called: who wakes one names it."""

from __future__ import annotations

from typing import Final

EXPIRE: Final = "expire holds"
CONFIRM: Final = "confirm bookings"
CONFIRM_OLD: Final = "confirm old bookings"
CALL_OFF: Final = "cancel bookings of cancelled trips"
CALL_OFF_OLD: Final = "cancel bookings of trips cancelled before"
TELL_FREED: Final = "tell who waits for freed seats"
TELL_ALL: Final = "tell who waits for seats"
FORGET_ANSWERS: Final = "forget idempotency keys"
