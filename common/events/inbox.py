"""What has been heard of each source, kept in the database that it was applied to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from common.events.event import REWOUND

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from common.database import Connection
    from common.events.event import Entry, Event


@dataclass(slots=True)
class Heard:
    """Everything up to `low` has been heard; `last_seq` is of the last entry of the stream.

    With a hole something after `low` is missing, until the source publishes again from there.
    """

    low: int = 0
    last_seq: int = 0
    hole: bool = False

    def copy(self) -> Heard:
        return replace(self)

    def follow(self, entry: Entry) -> bool:
        """Note the next entry of the stream; whether its event may be new."""
        event = entry.event
        if entry.prev != self.last_seq:
            self.hole = True
        self.last_seq = event.seq
        if event.type == REWOUND:
            if event.data["since"] <= self.low:
                self.hole = False
            return False
        is_new = event.seq > self.low
        if not self.hole:
            self.low = max(self.low, entry.low)
        return is_new


async def load_heard(connection: Connection, sources: Iterable[str]) -> dict[str, Heard]:
    """By source; of one that is new nothing has been heard."""
    rows = await connection.fetch("SELECT source, low, last_seq, hole FROM banyan.heard")
    known = {row["source"]: Heard(row["low"], row["last_seq"], row["hole"]) for row in rows}
    return {source: known.get(source, Heard()) for source in sources}


async def save_heard(connection: Connection, source: str, heard: Heard) -> None:
    """Note how far it is, and forget of the inbox what that says already."""
    await connection.execute(
        """
        WITH gone AS (DELETE FROM banyan.inbox WHERE source = $1 AND seq <= $2)
        INSERT INTO banyan.heard (source, low, last_seq, hole) VALUES ($1, $2, $3, $4)
        ON CONFLICT (source) DO UPDATE
        SET low = excluded.low, last_seq = excluded.last_seq, hole = excluded.hole
        """,
        source,
        heard.low,
        heard.last_seq,
        heard.hole,
    )


async def take_new(connection: Connection, source: str, events: Sequence[Event]) -> Sequence[Event]:
    """Those of the events that have not been applied, which they are from this transaction on."""
    if not events:
        return events
    rows = await connection.fetch(
        """
        INSERT INTO banyan.inbox (source, seq) SELECT $1, unnest($2::bigint[])
        ON CONFLICT DO NOTHING RETURNING seq
        """,
        source,
        sorted({event.seq for event in events}),
    )
    new = {row["seq"] for row in rows}
    taken = []
    for event in events:
        if event.seq in new:
            new.discard(event.seq)
            taken.append(event)
    return taken
