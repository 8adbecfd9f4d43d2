"""What the sweeps are called: who wakes one names it."""

from __future__ import annotations

from typing import Final

EXPIRE: Final = "expire holds"
CONFIRM: Final = "confirm bookings"
CONFIRM_OLD: Final = "confirm old bookings"
CALL_OFF: Final = "cancel bookings of cancelled trips"
CALL_OFF_OLD: Final = "cancel bookings of trips cancelled before"
WITHDRAW: Final = "withdraw seats that a bus lacks"
WITHDRAW_OLD: Final = "withdraw seats that a bus has lacked before"
BOARDED: Final = "note who boarded with a ticket given back"
BOARDED_OLD: Final = "note who boarded with a ticket given back before"
TELL_FREED: Final = "tell who waits for freed seats"
TELL_ALL: Final = "tell who waits for seats"
FORGET_ANSWERS: Final = "forget idempotency keys"
