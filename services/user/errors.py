"""What user-service refuses, by name."""

from __future__ import annotations

from common.problems import Conflict


class TooManyTravellers(Conflict):
    slug, title = "too-many-travellers", "There is room for twenty travellers"
