"""Places that a journey can start or end at: cities and their stops, found by name, typos forgiven."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from services.ticketing.repository import search as repository
from services.ticketing.service.search import stop_id_of

if TYPE_CHECKING:
    from common.database import Connection
    from services.ticketing.repository import Row

_SPECIAL: Final = re.compile(r"([\\%_])")


async def find_places(conn: Connection, text: str, limit: int) -> list[Row]:
    """The likeliest places first; of an empty text the cities that most buses call at."""
    text = " ".join(text.split())
    if not text:
        return await repository.busiest_cities(conn, limit)
    literal = _SPECIAL.sub(r"\\\1", text)
    found = await repository.match_places(conn, text, f"%{literal}%", f"{literal}%", limit)
    return found or _plausible(await repository.guess_cities(conn, text, limit))


async def resolve_place(conn: Connection, text: str) -> Row | None:
    """The place that a person means: one named by its slug or id, else the likeliest of its name."""
    named = await repository.get_place(conn, text.strip().lower(), stop_id_of(text.strip()))
    if named is not None:
        return named
    found = await find_places(conn, text, 1)
    return found[0] if found and text.strip() else None


def _plausible(guesses: list[Row]) -> list[Row]:
    """Without those that are much less like the text than the best of them."""
    return [guess for guess in guesses if guess["score"] * 3 >= guesses[0]["score"] * 2]
