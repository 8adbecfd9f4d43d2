"""The layouts that seats are sold from, kept in memory: a layout never changes once it is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from legacy.queries import seats as queries
from legacy.rules.seating import Seating

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from common.database import Connection

_MOST: Final = 4096
_MOST_PERCENTS: Final = 100_000
_PERCENTS: Final[dict[UUID, int]] = {}
_KNOWN: Final[dict[UUID, Seating]] = {}  # by id, which is never given twice, so it may serve every database


async def seating_of(conn: Connection, layout_id: UUID) -> Seating:
    """The layout's seats; raises KeyError if there is no such layout."""
    known = _KNOWN.get(layout_id)
    return known or (await seatings_of(conn, [layout_id]))[layout_id]


async def seatings_of(conn: Connection, layout_ids: Iterable[UUID]) -> dict[UUID, Seating]:
    """The seats of several layouts, in at most one round trip."""
    wanted = set(layout_ids)
    found = {layout_id: _KNOWN[layout_id] for layout_id in wanted if layout_id in _KNOWN}
    missing = wanted - found.keys()
    if missing:
        for row in await queries.get_layouts(conn, missing):
            seating = Seating.of(row["decks"], row["classes"], row["seats"])
            found[row["id"]] = seating
            _remember(row["id"], seating)
    return found


async def least_percents(conn: Connection, layout_ids: Iterable[UUID]) -> dict[UUID, int]:
    """The fare percent of each layout's cheapest class: all that sorting by price needs of many."""
    wanted = set(layout_ids)
    missing = wanted - _PERCENTS.keys()
    if missing:
        if len(_PERCENTS) + len(missing) > _MOST_PERCENTS:
            _PERCENTS.clear()
            missing = wanted
        _PERCENTS.update(await queries.get_least_percents(conn, missing))
    return {layout_id: _PERCENTS[layout_id] for layout_id in wanted}


def _remember(layout_id: UUID, seating: Seating) -> None:
    if len(_KNOWN) >= _MOST:
        del _KNOWN[next(iter(_KNOWN))]
    _KNOWN[layout_id] = seating
