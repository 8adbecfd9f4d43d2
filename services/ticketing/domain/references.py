"""The short name of a booking that people read to each other: a rule without I/O."""

from __future__ import annotations

import secrets
from typing import Final

ALPHABET: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without 0, 1, I and O, which are mistaken for each other."""

LENGTH: Final = 8


def new_reference() -> str:
    """One of a trillion, not to be guessed; that it is new is for the database to say."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
