"""The relay: reads the outbox and publishes events to the source's stream, each at least once.

One relay per database is at work at a time (a session lock); the others stand by. It never waits for other
transactions (see `position`), and a listener that has lost something, or is new, gets it again: it writes
down up to where it has heard, and the relay goes back to there. What is no longer in the outbox is emitted
anew from the tables.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import orjson
import structlog

from common.events import bells
from common.events.connections import PASSING, connected, line_to, raise_refusal, stand_by
from common.events.event import NOWHERE, REWOUND, Change, Event, encode_entry, stream_of
from common.events.position import Position

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from common.database import Connection
    from common.events.connections import Line, Redis
    from common.events.event import Message, Translate

log = structlog.get_logger(__name__)

BATCH: Final = 500
KEPT_ENTRIES: Final = 20_000
"""How long a stream may get; who is further behind is served from the outbox."""
SPACED_S: Final = 0.02
"""A change goes out at once, and those that follow it closely go out together: a turn costs the same for one
as for fifty, here and with every listener."""
IDLE_S: Final = 0.25
"""How soon a change is noticed that this process was not told of."""
WANTS_EVERY_S: Final = 1.0
RETRY_S: Final = 1.0
KEPT_DAYS: Final = 3
PRUNE_EVERY_S: Final = 300.0
PRUNED_AT_ONCE: Final = 5_000
EMITTED_AT_ONCE: Final = 500
LOCK: Final = 0x62616E79_0001
_NEXT_XID: Final = "SELECT pg_current_xact_id()::text::bigint"
EVERYTHING: Final = -1
"""Wanted by `banyan events republish`: all rows anew, whatever the outbox still has."""


class Relay:
    """Publishes one database's changes as events of `source`."""

    def __init__(self, dsn: str, redis: Redis, source: str, translate: Translate) -> None:
        self._dsn = dsn
        self._redis = redis
        self._source = source
        self._stream = stream_of(source)
        self._translate = translate
        self._awake = asyncio.Event()
        # of one turn of being the relay
        self._position = Position(0)
        self._saved_low = 0
        self._prev = 0
        self._last_entry = "0-0"
        self._wants: dict[str, frozenset[str]] = {}
        self._turns = 0
        self._turned = asyncio.Condition()
        self._is_idle = False

    def wake(self) -> None:
        """There may be something to publish."""
        self._awake.set()

    async def flushed(self) -> str:
        """Wait until what is committed now is published; answers the id of the stream's last entry."""
        wanted = self._turns + (1 if self._is_idle else 2)  # a turn under way may have read before now
        self._awake.set()
        async with self._turned:
            while self._turns < wanted:
                self._awake.set()
                await self._turned.wait()
        return self._last_entry

    async def run(self) -> None:
        """Be the relay, or stand by to become it, until cancelled."""
        while True:
            try:
                async with (
                    connected(self._dsn, f"{self._source}-relay") as connection,
                    line_to(self._redis) as line,
                ):
                    await stand_by(connection, LOCK)
                    await self._begin(connection)
                    await self._publish_for_ever(connection, line)
            except PASSING as error:
                log.warning("events are not relayed", source=self._source, error=repr(error))
            except Exception:
                log.exception("events are not relayed", source=self._source)
            await asyncio.sleep(RETRY_S)

    async def _begin(self, connection: Connection) -> None:
        low = await connection.fetchval("SELECT low FROM banyan.relay")
        self._position, self._saved_low = Position(low), low
        # Redis may have lost the end of the stream meanwhile: who has not heard up to here is told so.
        await self._say_since(low)
        log.info("relaying events", source=self._source, since=low)

    async def _say_since(self, since: int, *, granted: Iterable[bytes] = ()) -> None:
        """Tell listeners that what follows is all there is after `since`, and forget who wanted it."""
        found = await self._redis.xrevrange(self._stream, count=1)
        prev = _seq_in(found[0][1]) if found else 0  # in an emptied Redis there is none, which is noticed
        marker = Event(self._source, self._position.low, REWOUND, 1, "", datetime.now(UTC), {"since": since})
        entry = encode_entry(marker, prev=prev, low=max(since, 0))
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.xadd(self._stream, {"e": entry})
            if granted:
                pipe.hdel(f"{self._stream}:wanted", *granted)
            bells.ring(pipe, self._wants)
            answers = await pipe.execute()
        self._prev, self._last_entry = self._position.low, answers[0].decode()

    async def _publish_for_ever(self, connection: Connection, line: Line) -> None:
        wants_at = prune_at = 0.0
        while True:
            self._awake.clear()
            now = time.monotonic()
            if now >= wants_at:
                await self._give_what_is_wanted(connection)
                wants_at = now + WANTS_EVERY_S
                await self._save(connection)
            if now >= prune_at:
                more = await self._prune(connection) == PRUNED_AT_ONCE
                prune_at = now + (WANTS_EVERY_S if more else PRUNE_EVERY_S)
            turned_at = time.monotonic()
            while await self._publish_next(connection, line) >= BATCH:
                pass
            async with self._turned:
                self._turns += 1
                self._turned.notify_all()
            self._is_idle = True
            # not wait_for, which may swallow a cancellation that comes at the moment of waking (until 3.12)
            with suppress(TimeoutError):
                async with asyncio.timeout(IDLE_S):
                    await self._awake.wait()
                await asyncio.sleep(max(0.0, turned_at + SPACED_S - time.monotonic()))
            self._is_idle = False

    async def _publish_next(self, connection: Connection, line: Line) -> int:
        position = self._position
        rows = await connection.fetch(
            """
            SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS xmin,
                   change.*
            FROM (SELECT) AS always
            LEFT JOIN LATERAL (
                (SELECT o.seq, o.tbl, o.op, o.key, o.row, o.old, o.at
                 FROM unnest($2::bigint[], $3::bigint[]) AS gap (first, last)
                 JOIN banyan.outbox o ON o.seq BETWEEN gap.first AND gap.last
                 LIMIT $4)
                UNION ALL
                (SELECT seq, tbl, op, key, row, old, at FROM banyan.outbox
                 WHERE seq > $1 ORDER BY seq LIMIT $4)
            ) change ON true
            """,
            position.last,
            [gap.first for gap in position.gaps],
            [gap.last for gap in position.gaps],
            BATCH,
        )
        found = (_change_of(row) for row in rows if row["seq"] is not None)
        changes = sorted(found, key=lambda change: change.seq)
        if not changes and not position.gaps:
            return 0
        seqs = [change.seq for change in changes]
        # Of a large transaction that comes late only a part has been read: its gaps stay until the rest is.
        is_part = sum(seq <= position.last for seq in seqs) >= BATCH
        beyond = await connection.fetchval(_NEXT_XID) if position.leaves_gap(seqs) else 0
        after = Position(position.last, list(position.gaps))
        after.advance(seqs, xmin=0 if is_part else rows[0]["xmin"], beyond=beyond)
        await self._publish(line, changes, after)
        self._position = after
        return len(changes)

    async def _publish(self, line: Line, changes: Sequence[Change], after: Position) -> None:
        first_gap = after.gaps[0].first if after.gaps else None
        entries, types, prev = [], set(), self._prev
        for change in changes:
            message = self._translate(change)
            if message is None:
                continue
            low = change.seq if first_gap is None else min(change.seq, first_gap - 1)
            entries.append(encode_entry(_event_of(self._source, change, message), prev=prev, low=low))
            types.add(message.type)
            prev = change.seq
        if entries:
            await self._append(line, entries, bells.concerned(self._wants, types))
            self._prev = prev

    async def _append(self, line: Line, entries: Sequence[bytes], concerned: Iterable[str]) -> None:
        added = [("XADD", self._stream, "MAXLEN", "~", KEPT_ENTRIES, "*", "e", entry) for entry in entries]
        answers = await line.ask([*added, *bells.rings(concerned)])
        raise_refusal(answers)
        self._last_entry = answers[len(entries) - 1].decode()

    async def _give_what_is_wanted(self, connection: Connection) -> None:
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.hgetall(f"{self._stream}:wanted")
            pipe.hgetall(bells.listeners_of(self._source))
            wanted, wants = await pipe.execute()
        self._wants = bells.read_wants(wants)
        if not wanted:
            return
        # Never ahead of where it is: before that somebody else may be waiting for what has not been said yet.
        since = min(self._position.low, *(int(value) for value in wanted.values()))
        forgotten = await connection.fetchval("SELECT forgotten FROM banyan.relay")
        if since < forgotten:
            await _emit_everything(connection)  # before anybody is told, since it may be interrupted
        low = max(since, forgotten, 0)
        await connection.execute("UPDATE banyan.relay SET low = least(low, $1)", low)
        self._position, self._saved_low = Position(low), low
        log.info(
            "publishing again", source=self._source, since=low, wanted_by=sorted(map(bytes.decode, wanted))
        )
        await self._say_since(since, granted=wanted)

    async def _save(self, connection: Connection) -> None:
        if self._position.low > self._saved_low:
            await connection.execute("UPDATE banyan.relay SET low = $1", self._position.low)
            self._saved_low = self._position.low

    async def _prune(self, connection: Connection) -> int:
        """Forget what was published days ago, a little at a time; answers how much."""
        forgotten: int = await connection.fetchval(
            """
            WITH old AS (
                SELECT seq FROM banyan.outbox
                WHERE at < now() - make_interval(days => $1) AND seq <= $2
                ORDER BY seq LIMIT $3
            ), gone AS (
                DELETE FROM banyan.outbox WHERE seq IN (SELECT seq FROM old) RETURNING seq
            ), noted AS (
                UPDATE banyan.relay SET forgotten = greatest(forgotten, (SELECT max(seq) FROM gone))
                WHERE EXISTS (SELECT FROM gone)
            )
            SELECT count(*) FROM gone
            """,
            KEPT_DAYS,
            self._saved_low,
            PRUNED_AT_ONCE,
        )
        return forgotten


async def _emit_everything(connection: Connection) -> None:
    tables = await connection.fetch("SELECT tbl FROM banyan.captured ORDER BY tbl")
    for table in tables:
        after: str | None = None
        while True:
            after = await connection.fetchval(
                "SELECT banyan.emit($1, $2, $3)", table["tbl"], after, EMITTED_AT_ONCE
            )
            if after is None:
                break


def _change_of(row: Any) -> Change:
    return Change(row["seq"], row["tbl"], row["op"], row["key"], row["row"], row["old"], row["at"])


def _seq_in(fields: Mapping[bytes, bytes]) -> int:
    """The number of an entry; of one that no relay has written, none that a listener could have heard."""
    try:
        return int(orjson.loads(fields[b"e"])["seq"])
    except (ValueError, KeyError, TypeError):
        return NOWHERE


def _event_of(source: str, change: Change, message: Message) -> Event:
    return Event(
        source, change.seq, message.type, message.version, message.subject, change.at, dict(message.data)
    )
