"""The consumer: hears the streams of other services and applies their events to this service's database.

What is applied, the inbox that keeps it from being applied twice, and how far it has heard are one
transaction; the stream is acknowledged after it. Of events that nobody here wants to hear it notes only now
and then how far they went, and they stay unacknowledged until then. One consumer per database is at work at
a time (a session lock); one that takes over claims what its predecessor had been given. An event that fails
is put aside and tried again, later each time, while the others go on. A break in the chain of entries (an
emptied Redis, a stream cut short) makes it ask the source to publish again from where nothing was missing.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import asyncpg
import structlog
from redis.exceptions import ResponseError

from common.events import bells, letters
from common.events.connections import PASSING, connected, line_to, stand_by
from common.events.event import decode_entry, json_of, stream_of
from common.events.inbox import NOTHING, Heard, load_heard, save_heard, take_new

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from common.database import Connection
    from common.events.connections import Command, Line, Redis
    from common.events.event import Entry, Event, Handler

    _Entries: TypeAlias = Sequence[tuple[bytes, Mapping[bytes, bytes]]]
    """Ids and fields, as Redis has them."""

log = structlog.get_logger(__name__)

BATCH: Final = 200
RETRY_S: Final = 1.0
ALIVE_MS: Final = 4_000
MOST_PASSED_BY: Final = 2_000
LOCK: Final = 0x62616E79_0002
WORKER: Final = "worker"
"""One name for whoever has the lock: what its predecessor was given is its own at once."""


@dataclass(slots=True)
class _Done:
    """Of one stream: entries to acknowledge, and the last that has been applied."""

    entries: list[bytes] = field(default_factory=list)
    applied: str | None = None


class Consumer:
    """Applies what `handlers` want to hear; `woken` is told the names of sweeps to wake."""

    def __init__(
        self,
        dsn: str,
        redis: Redis,
        name: str,
        handlers: Sequence[Handler],
        *,
        woken: Callable[[str], None],
        wrote: Callable[[], None],
        noted: Callable[[str, float], None],
    ) -> None:
        self._dsn = dsn
        self._redis = redis
        self._name = name
        self._in_order = tuple(handlers)
        self._handlers: Mapping[str, Handler] = {
            event_type: handler for handler in handlers for event_type in handler.types
        }
        self._woken, self._wrote, self._noted = woken, wrote, noted
        self.sources: Final = tuple(sorted({event_type.partition(".")[0] for event_type in self._handlers}))
        self._heard: dict[str, Heard] = {}
        self._passed_by: dict[str, list[bytes]] = {}
        """Entries that are not acknowledged, and may come again: they changed nothing but how far it is."""
        self._done: dict[str, _Done] = {}
        """What Redis has to be told by source, with the next that is asked of it."""
        self._is_behind = True
        """There may be more of what nobody rings for again."""
        self._answered: set[str] = set()
        """Sources that have taken a wish of this consumer back, which they do as they begin to answer it."""

    async def run(self) -> None:
        """Be the consumer, or stand by to become it, until cancelled."""
        while True:
            try:
                async with (
                    connected(self._dsn, f"{self._name}-consumer") as connection,
                    line_to(self._redis) as line,
                ):
                    await stand_by(connection, LOCK)
                    await self._listen(connection, line)
            except PASSING as error:
                log.warning("events are not heard", consumer=self._name, error=repr(error))
            except Exception:
                log.exception("events are not heard", consumer=self._name)
            await asyncio.sleep(RETRY_S)

    async def _listen(self, connection: Connection, line: Line) -> None:
        self._done.clear()
        self._is_behind = True
        self._heard = await load_heard(connection, self.sources)
        self._passed_by = {source: [] for source in self.sources}
        for source in self.sources:
            await self._join(connection, source)
            await self._finish_what_was_begun(connection, source)
        log.info("hearing events", consumer=self._name, sources=self.sources)
        errands_at = 0.0
        while True:
            if time.monotonic() >= errands_at:
                await self._run_errands(connection)
                errands_at = time.monotonic() + 1.0
            try:
                streams = await self._read(line)
            except ResponseError as error:
                if not str(error).startswith("NOGROUP"):
                    raise
                log.warning("a stream is gone", consumer=self._name, error=str(error))
                for source in self.sources:
                    await self._join(connection, source)
                continue
            for stream, entries in streams:
                await self._take(connection, stream.decode().partition(":")[2], entries)

    async def _read(self, line: Line) -> list[tuple[bytes, _Entries]]:
        """Say what has been done, wait for the bell, read: in one round trip; raises what reading ends in."""
        commands: list[Command] = []
        for source, done in self._done.items():
            if done.entries:
                commands.append(("XACK", stream_of(source), self._name, *done.entries))
            if done.applied is not None:
                commands.append(("HSET", f"{stream_of(source)}:applied", self._name, done.applied))
        if not self._is_behind:
            commands.append(("BLPOP", bells.bell_of(self._name), bells.WAIT_S))
        of = (*map(stream_of, self.sources), *(">" for _ in self.sources))
        commands.append(("XREADGROUP", "GROUP", self._name, WORKER, "COUNT", BATCH, "STREAMS", *of))
        *said, streams = await line.ask(commands)
        if isinstance(streams, ResponseError):
            raise streams
        refused = next((answer for answer in said if isinstance(answer, ResponseError)), None)
        if refused is None:
            self._done.clear()
        else:  # it is said again with the next question: what is acknowledged twice is acknowledged
            log.warning("Redis does not take what was done", consumer=self._name, error=repr(refused))
            await asyncio.sleep(RETRY_S)
        self._is_behind = any(len(entries) >= BATCH for _, entries in streams or ())
        return [
            (stream, [(entry_id, _by_name(fields)) for entry_id, fields in entries])
            for stream, entries in streams or ()
        ]

    async def _join(self, connection: Connection, source: str) -> None:
        """Make the group if it is not there; then whatever was said before is asked for again."""
        try:
            await self._redis.xgroup_create(stream_of(source), self._name, id="$", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise
            if not self._heard[source].hole:
                return
        await self._want(connection, source)

    async def _want(self, connection: Connection, source: str) -> None:
        """Ask the source to publish again what follows `low`, and pass over what its stream has before that.

        Who reads a long stream to its end first may find the start of what came again cut off meanwhile.
        """
        heard, stream = self._heard[source], stream_of(source)
        heard.skip()
        await save_heard(connection, source, heard)
        await self._redis.xgroup_setid(stream, self._name, "$")
        await self._redis.hset(f"{stream}:wanted", self._name, str(heard.low))
        self._answered.discard(source)

    async def _finish_what_was_begun(self, connection: Connection, source: str) -> None:
        start = b"0-0"
        while True:
            start, entries, *_ = await self._redis.xautoclaim(
                stream_of(source), self._name, WORKER, min_idle_time=0, start_id=start, count=BATCH
            )
            if entries:
                await self._take(connection, source, entries)
            if start == b"0-0":
                return

    async def _run_errands(self, connection: Connection) -> None:
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.set(f"events:alive:{self._name}", "1", px=ALIVE_MS)
            for source in self.sources:
                mine = (each for each in self._handlers if each.startswith(f"{source}."))
                bells.note_wants(pipe, source, self._name, mine)
            await pipe.execute()
        await letters.replay_wanted(connection, self._redis, self._name)
        tried = await letters.try_again(connection, self._handlers)
        self._after(tried)
        await letters.show_dead(connection, self._redis, self._name)
        for source in self.sources:
            if self._passed_by[source]:
                await save_heard(connection, source, self._heard[source])
                self._acknowledge(source, ())
            if self._heard[source].hole:
                await self._look_after_a_wish(connection, source)

    async def _look_after_a_wish(self, connection: Connection, source: str) -> None:
        """Ask again if nobody will answer: the wish is gone, and so is where the answer begins.

        It was cut off the stream if everything has been read since the wish was gone and it was not in there;
        or Redis has lost both.
        """
        if source in self._answered and not self._is_behind:
            log.warning("events are still missing", consumer=self._name, source=source)
            await self._want(connection, source)
        elif not await self._redis.hexists(f"{stream_of(source)}:wanted", self._name):
            self._answered.add(source)

    async def _take(self, connection: Connection, source: str, raw: _Entries) -> None:
        entries = _decoded(source, raw)
        if not entries:
            self._acknowledge(source, raw)
            return
        before = self._heard[source]
        heard = before.copy()
        events = [entry.event for entry in entries if heard.follow(entry)]
        mine = [event for event in events if event.type in self._handlers]
        waiting = self._passed_by[source]
        if not mine and heard.hole == before.hole and not heard.asks and len(waiting) < MOST_PASSED_BY:
            self._heard[source] = heard
            waiting += (entry_id for entry_id, _ in raw)
            self._done.setdefault(source, _Done()).applied = entries[-1].id
            return
        try:
            async with connection.transaction():
                new = await take_new(connection, source, heard, mine, low=heard.low)
                await self._apply(connection, new)
                await save_heard(connection, source, heard)
        except (asyncpg.InterfaceError, OSError):
            raise
        except Exception as error:  # ruff: ignore[blind-except] — one that fails must not hold up the others
            log.warning("events are applied one by one", source=source, error=repr(error))
            heard.beyond = set(before.beyond)
            new = await self._apply_singly(connection, source, heard, mine)
            await save_heard(connection, source, heard)
        self._heard[source] = heard
        self._after(new)
        if heard.asks:
            log.warning("events are missing", consumer=self._name, source=source, since=heard.low)
            await self._want(connection, source)
        self._acknowledge(source, raw, applied=entries[-1].id)

    def _acknowledge(
        self, source: str, raw: Sequence[tuple[bytes, Any]], *, applied: str | None = None
    ) -> None:
        """These entries, and those that were passed by before."""
        done = self._done.setdefault(source, _Done())
        done.entries += (*self._passed_by[source], *(entry_id for entry_id, _ in raw))
        done.applied = applied or done.applied
        self._passed_by[source] = []

    async def _apply(self, connection: Connection, events: Sequence[Event]) -> None:
        for handler, batch in shared_out(events, self._in_order):
            await handler.apply(connection, batch)

    async def _apply_singly(
        self, connection: Connection, source: str, heard: Heard, events: Sequence[Event]
    ) -> Sequence[Event]:
        applied: list[Event] = []
        for event in events:
            try:
                async with connection.transaction():
                    new = await take_new(connection, source, heard, [event], low=NOTHING)
                    await self._apply(connection, new)
                applied += new
            except (asyncpg.InterfaceError, OSError):
                raise
            except Exception as error:
                log.exception("an event is put aside", source=source, seq=event.seq, type=event.type)
                heard.beyond.discard(event.seq)  # it was not there, or it would not have been applied
                async with connection.transaction():
                    await take_new(connection, source, heard, [event], low=NOTHING)
                    await letters.put_aside(connection, event, json_of(event), error)
        return applied

    def _after(self, events: Sequence[Event]) -> None:
        if not events:
            return
        now = datetime.now(UTC)
        for event in events:
            self._noted(event.source, (now - event.at).total_seconds())
        used = [self._handlers[event_type] for event_type in {event.type for event in events}]
        for name in {name for handler in used for name in handler.wakes}:
            self._woken(name)
        if any(handler.is_news for handler in used):
            self._wrote()


def shared_out(
    events: Sequence[Event], handlers: Sequence[Handler]
) -> Iterator[tuple[Handler, Sequence[Event]]]:
    """Who applies which of the events, in the order of the handlers, whatever came first.

    Who reads through writes the same tables in that order, so that neither waits for the other's rows.
    """
    for handler in handlers:
        batch = [event for event in events if event.type in handler.types]
        if batch:
            yield handler, batch


def _by_name(fields: Sequence[bytes]) -> dict[bytes, bytes]:
    """An entry's fields, of which Redis tells name and content in turn."""
    return dict(zip(fields[::2], fields[1::2], strict=True))


def _decoded(source: str, raw: _Entries) -> list[Entry]:
    """What the relay said; anything else in its stream is passed over, or it would come again for ever."""
    entries = []
    for entry_id, fields in raw:
        if not fields:  # claimed, but cut off the stream meanwhile
            continue
        try:
            entries.append(decode_entry(entry_id, fields[b"e"]))
        except (ValueError, KeyError, TypeError):
            log.exception("not an event", source=source, entry=entry_id.decode())
    return entries
