"""Events that could not be applied: tried again with growing pauses, then dead letters, replayed by hand.

They are kept in the consumer's own database; what is dead is shown in the stream `events:dead`, where
`banyan events dead` finds it, and shown again should Redis lose it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson
import structlog

from common.events.event import event_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from common.database import Connection
    from common.events.connections import Redis
    from common.events.event import Event, Handler

log = structlog.get_logger(__name__)

DEAD_AFTER: Final = 12
"""Attempts, about a quarter of an hour."""
LONGEST_PAUSE: Final = timedelta(minutes=2)
AT_ONCE: Final = 50
LONGEST_ERROR: Final = 500
SHOWN: Final = 200
DEAD: Final = "events:dead"


def pause_after(attempts: int) -> timedelta:
    """After each failure twice as long, from one second up to two minutes."""
    return min(timedelta(seconds=2 ** min(attempts - 1, 10)), LONGEST_PAUSE)


async def put_aside(connection: Connection, event: Event, said: Mapping[str, Any], error: Exception) -> None:
    """Keep an event that failed, to be tried again."""
    await connection.execute(
        """
        INSERT INTO banyan.failures (source, seq, event, error, next_at)
        VALUES ($1, $2, $3, $4, now() + $5::interval)
        ON CONFLICT DO NOTHING
        """,
        event.source,
        event.seq,
        said,
        repr(error)[:LONGEST_ERROR],
        pause_after(1),
    )


async def try_again(connection: Connection, handlers: Mapping[str, Handler]) -> Sequence[Event]:
    """Apply what is due once more, oldest first; answers what succeeded."""
    rows = await connection.fetch(
        """
        SELECT source, seq, event, attempts FROM banyan.failures WHERE next_at <= now()
        ORDER BY seq LIMIT $1
        """,
        AT_ONCE,
    )
    applied = []
    for row in rows:
        event = event_of(row["event"])
        handler = handlers.get(event.type)
        try:
            async with connection.transaction():
                if handler is not None:
                    await handler.apply(connection, [event])
                await connection.execute(
                    "DELETE FROM banyan.failures WHERE source = $1 AND seq = $2", row["source"], row["seq"]
                )
        except Exception as error:
            if connection.is_closed():
                raise
            await _put_off(connection, row, error)
        else:
            applied.append(event)
    return [event for event in applied if event.type in handlers]


async def _put_off(connection: Connection, row: Mapping[str, Any], error: Exception) -> None:
    attempts = row["attempts"] + 1
    is_dead = attempts >= DEAD_AFTER
    log.log(
        40 if is_dead else 30,
        "an event is dead" if is_dead else "an event failed again",
        source=row["source"],
        seq=row["seq"],
        attempts=attempts,
        error=repr(error),
    )
    await connection.execute(
        """
        UPDATE banyan.failures SET attempts = $3, error = $4,
               next_at = CASE WHEN $5 THEN 'infinity'::timestamptz ELSE now() + $6::interval END
        WHERE source = $1 AND seq = $2
        """,
        row["source"],
        row["seq"],
        attempts,
        repr(error)[:LONGEST_ERROR],
        is_dead,
        pause_after(attempts),
    )


async def show_dead(connection: Connection, redis: Redis, consumer: str) -> None:
    """Let `banyan events dead` see what is dead here: a hash by source and number."""
    rows = await connection.fetch(
        """
        SELECT source, seq, event, error, attempts FROM banyan.failures WHERE next_at = 'infinity'
        ORDER BY source, seq LIMIT $1
        """,
        SHOWN,
    )
    key = f"{DEAD}:{consumer}"
    shown = set(await redis.hkeys(key))
    dead = {
        f"{row['source']}:{row['seq']}".encode(): orjson.dumps(
            {"consumer": consumer, "error": row["error"], "attempts": row["attempts"], "event": row["event"]}
        )
        for row in rows
    }
    if new := {field: value for field, value in dead.items() if field not in shown}:
        await redis.hset(key, mapping=new)
    if gone := shown - dead.keys():
        await redis.hdel(key, *gone)


async def replay_wanted(connection: Connection, redis: Redis, consumer: str) -> None:
    """Try dead events again that somebody asked for, by `source:seq`, or `*` for all."""
    key = f"events:replay:{consumer}"
    while (wanted := await redis.lpop(key)) is not None:
        source, _, seq = wanted.decode().partition(":")
        revived = await connection.execute(
            """
            UPDATE banyan.failures SET next_at = now(), attempts = 0
            WHERE next_at = 'infinity' AND ($1 = '*' OR (source = $1 AND seq = $2))
            """,
            source,
            int(seq) if seq.isdigit() else 0,
        )
        log.info("dead events are tried again", wanted=wanted.decode(), revived=revived)
