"""What has been heard of each source, kept in the database that it was applied to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from common.events.event import NOWHERE, REWOUND

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from common.database import Connection
    from common.events.event import Entry, Event

NOTHING: Final = -1
"""Lower than any event."""


@dataclass(slots=True)
class Heard:
    """Everything up to `low` has been heard; `last_seq` is of the last entry of the stream.

    With a hole something after `low` is missing, until the source publishes again from there; at each break
    in the chain it `asks` for that. `beyond` is what has been applied of that already: what the inbox holds.
    """

    low: int = 0
    last_seq: int = 0
    hole: bool = False
    beyond: set[int] = field(default_factory=set)
    asks: bool = False

    def copy(self) -> Heard:
        return replace(self, beyond=set(self.beyond))

    def skip(self) -> None:
        """Take the chain up wherever it is next: all that follows `low` will be published again."""
        self.last_seq, self.hole, self.asks = NOWHERE, True, False

    def follow(self, entry: Entry) -> bool:
        """Note the next entry of the stream; whether its event may be new."""
        event = entry.event
        if entry.prev != self.last_seq:
            self.hole = True
            self.asks |= self.last_seq != NOWHERE
        self.last_seq = event.seq
        if event.type == REWOUND:
            is_short = event.data["since"] > self.low
            self.asks = is_short and (self.asks or not self.hole)
            self.hole = is_short
            return False
        is_new = event.seq > self.low
        if not self.hole:
            self.low = max(self.low, entry.low)
        return is_new


async def load_heard(connection: Connection, sources: Iterable[str]) -> dict[str, Heard]:
    """By source; of one that is new nothing has been heard."""
    rows = await connection.fetch(
        """
        SELECT h.source, h.low, h.last_seq, h.hole,
               ARRAY(SELECT i.seq FROM banyan.inbox i WHERE i.source = h.source) AS beyond
        FROM banyan.heard h
        """
    )
    known = {
        row["source"]: Heard(row["low"], row["last_seq"], row["hole"], set(row["beyond"])) for row in rows
    }
    return {source: known.get(source, Heard()) for source in sources}


async def save_heard(connection: Connection, source: str, heard: Heard) -> None:
    """Note how far it is, and forget of the inbox what that says already."""
    forgotten = {seq for seq in heard.beyond if seq <= heard.low}
    if forgotten:
        await connection.execute(
            "DELETE FROM banyan.inbox WHERE source = $1 AND seq = ANY($2::bigint[])",
            source,
            sorted(forgotten),
        )
        heard.beyond -= forgotten
    await connection.execute(
        """
        INSERT INTO banyan.heard (source, low, last_seq, hole) VALUES ($1, $2, $3, $4)
        ON CONFLICT (source) DO UPDATE
        SET low = excluded.low, last_seq = excluded.last_seq, hole = excluded.hole
        """,
        source,
        heard.low,
        heard.last_seq,
        heard.hole,
    )


async def take_new(
    connection: Connection, source: str, heard: Heard, events: Sequence[Event], *, low: int
) -> Sequence[Event]:
    """Those of the events that have not been applied, which they are from this transaction on.

    Up to `low` the caller says so itself, by `save_heard` in the same transaction; the inbox is for what
    comes after it. `heard` is no good any more if the transaction fails.
    """
    taken: dict[int, Event] = {}
    for event in events:
        if event.seq not in heard.beyond:
            taken.setdefault(event.seq, event)
    later = [seq for seq in taken if seq > low]
    if later:
        await connection.execute(
            "INSERT INTO banyan.inbox (source, seq) SELECT $1, unnest($2::bigint[])", source, later
        )
        heard.beyond.update(later)
    return list(taken.values())
