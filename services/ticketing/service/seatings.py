"""The layouts that seats are sold from, kept in memory: a layout never changes once it is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.ticketing.domain.seating import Seating
from services.ticketing.repository import seats as repository

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from common.database import Connection

_MOST: Final = 4096
_KNOWN: Final[dict[UUID, Seating]] = {}  # by id, which is never given twice, so it may serve every database


async def seating_of(conn: Connection, layout_id: UUID) -> Seating | None:
    """The layout's seats; None if it has not been heard of."""
    known = _KNOWN.get(layout_id)
    return known or (await seatings_of(conn, [layout_id])).get(layout_id)


async def seatings_of(conn: Connection, layout_ids: Iterable[UUID]) -> dict[UUID, Seating]:
    """The seats of several layouts, in at most one round trip; without those that have not been heard of."""
    wanted = set(layout_ids)
    found = {layout_id: _KNOWN[layout_id] for layout_id in wanted if layout_id in _KNOWN}
    missing = wanted - found.keys()
    if missing:
        for row in await repository.get_layouts(conn, missing):
            seating = Seating.of(row["decks"], row["classes"], row["seats"])
            found[row["id"]] = seating
            _remember(row["id"], seating)
    return found


def _remember(layout_id: UUID, seating: Seating) -> None:
    if len(_KNOWN) >= _MOST:
        del _KNOWN[next(iter(_KNOWN))]
    _KNOWN[layout_id] = seating
