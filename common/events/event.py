"""What is said between services: a row's change, the event made of it, and who listens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import orjson

from common.instants import parse_instant

if TYPE_CHECKING:
    from datetime import datetime

    from common.database import Connection

Op: TypeAlias = Literal["insert", "update", "delete", "emit"]

REWOUND = "banyan.rewound"
"""An entry that says: what follows is all there is after `since`."""
NOWHERE = -1
"""No entry's number: the chain cannot be held against it."""


@dataclass(frozen=True, slots=True)
class Change:
    """A row of the outbox; `row` is what to_jsonb makes of it, None when it is gone: `old` is what it was.

    `emit` is a row that has not changed and is published again.
    """

    seq: int
    table: str
    op: Op
    key: str
    row: dict[str, Any] | None
    old: dict[str, Any] | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Message:
    """What a source has to say of a change."""

    type: str
    subject: str
    data: Mapping[str, Any]
    version: int = 1


Translate: TypeAlias = Callable[[Change], Message | None]


@dataclass(frozen=True, slots=True)
class Event:
    """What others hear. Of two events of one subject the one with the higher `seq` is the later one."""

    source: str
    seq: int
    type: str
    version: int
    subject: str
    at: datetime
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class EventType:
    """An event as it is documented: what each field of `data` means, and its unit."""

    type: str
    version: int
    summary: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Handler:
    """Applies events of the given types, a whole batch in one transaction; then wakes the named sweeps.

    An event may come twice, and an old one after a newer one of the same subject. The handlers of a batch are
    called in the order in which a service lists them. `is_news` says that what one writes is told to others
    in turn; else nobody looks for that at once.
    """

    types: tuple[str, ...]
    apply: Callable[[Connection, Sequence[Event]], Awaitable[None]]
    wakes: tuple[str, ...] = ()
    is_news: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """An event in a stream: `prev` is the seq of the entry before it, `low` up to where all has been said."""

    id: str
    prev: int
    low: int
    event: Event


def stream_of(source: str) -> str:
    return f"events:{source}"


def encode_entry(event: Event, *, prev: int, low: int) -> bytes:
    return orjson.dumps(
        {
            "source": event.source,
            "seq": event.seq,
            "prev": prev,
            "low": low,
            "type": event.type,
            "version": event.version,
            "subject": event.subject,
            "at": event.at,
            "data": event.data,
        }
    )


def decode_entry(entry_id: bytes | str, content: bytes) -> Entry:
    """Raises ValueError or KeyError for what no relay has written."""
    said = orjson.loads(content)
    return Entry(
        entry_id if isinstance(entry_id, str) else entry_id.decode(),
        said["prev"],
        said["low"],
        event_of(said),
    )


def event_of(said: Mapping[str, Any]) -> Event:
    """An event from its JSON."""
    return Event(
        said["source"],
        said["seq"],
        said["type"],
        said["version"],
        said["subject"],
        parse_instant(said["at"]),
        said["data"],
    )


def json_of(event: Event) -> dict[str, Any]:
    """An event as jsonb keeps it."""
    return {
        "source": event.source,
        "seq": event.seq,
        "type": event.type,
        "version": event.version,
        "subject": event.subject,
        "at": event.at.isoformat(),
        "data": event.data,
    }
