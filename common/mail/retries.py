"""How long to wait before a mail is tried again."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

GIVE_UP_AFTER: Final = 15  # attempts, about nine hours
_FIRST: Final = timedelta(seconds=15)
_LONGEST: Final = timedelta(hours=1)


def wait_after(attempts: int) -> timedelta:
    """After each failed attempt twice as long as before it, up to an hour."""
    doublings = min(attempts - 1, 20)
    return min(_FIRST * (1 << doublings), _LONGEST)
