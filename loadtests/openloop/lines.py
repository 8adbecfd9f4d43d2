"""Kept connections to one address: whoever asks gets a free one, else a new one up to a bound, else waits."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from loadtests.wire import Answer, MalformedError, Reader, request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Heard: TypeAlias = Callable[[Answer], None]

MOST: Final = 512
IDLE_S: Final = 50.0
"""Less than the gateway keeps a connection for, so that none is closed as it is picked up."""
ANSWERED_WITHIN_S: Final = 30.0


def _none(why: str) -> Answer:
    """In place of an answer that never came: status 0."""
    return Answer(0, b"", why.encode())


class Lines:
    """Connections to `host`; all that is asked is heard of exactly once, be it that nothing came."""

    def __init__(
        self, host: str, port: int, *, most: int = MOST, within_s: float = ANSWERED_WITHIN_S
    ) -> None:
        self.host, self.port, self.authority = host, port, f"{host}:{port}"
        self.opened = 0
        self._most, self._within_s = most, within_s
        self._loop = asyncio.get_running_loop()
        self._free: list[_Line] = []
        self._busy: set[_Line] = set()
        self._waiting: deque[tuple[bytes, Heard, float]] = deque()
        self._connecting: set[asyncio.Task[None]] = set()
        self._quiet: asyncio.Future[None] | None = None
        self._sweep = self._loop.call_later(1.0, self._give_up_late)

    @property
    def unanswered(self) -> int:
        return len(self._busy) + len(self._waiting)

    def send(self, asked: bytes, heard: Heard) -> None:
        """At once on a free connection; `heard` gets the answer, or one of status 0 that says why none."""
        now = time.monotonic()
        while self._free:
            line = self._free.pop()
            if now - line.since < IDLE_S:
                self._busy.add(line)
                line.ask(asked, heard, now)
                return
            line.drop()
        self._waiting.append((asked, heard, now))
        if len(self._busy) + len(self._connecting) < self._most:
            self._connect()

    async def ask(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """For what is not measured by its instant: ask, and wait."""
        asked = request(method, path, host=self.authority, token=token, body=body, headers=headers)
        return await self.ask_bytes(asked)

    async def ask_bytes(self, asked: bytes) -> Answer:
        answer: asyncio.Future[Answer] = self._loop.create_future()
        self.send(asked, lambda got: None if answer.done() else answer.set_result(got))
        return await answer

    async def settle(self, within_s: float) -> None:
        """Wait for what is still to be answered; who is not by then hears that nothing came."""
        if self.unanswered:
            self._quiet = self._loop.create_future()
            await asyncio.wait([self._quiet], timeout=within_s)
            self._quiet = None
        self.give_up()

    def give_up(self) -> None:
        """Whatever is still asked hears that nothing came; the connections that are free are kept."""
        while self._waiting:
            self._waiting.popleft()[1](_none("never-sent"))
        for line in list(self._busy):
            line.fail("unanswered")

    async def close(self) -> None:
        self._sweep.cancel()
        for task in self._connecting:
            task.cancel()
        self.give_up()
        for line in list(self._free):
            line.drop()
        await asyncio.sleep(0)  # the transports' own callbacks

    def is_free(self, line: _Line) -> None:
        """The line has its answer: those who wait come first."""
        if self._waiting:
            asked, heard, _ = self._waiting.popleft()
            self._busy.add(line)
            line.ask(asked, heard, time.monotonic())
        else:
            self._busy.discard(line)
            self._free.append(line)
            self._tell_if_quiet()

    def is_lost(self, line: _Line) -> None:
        self._busy.discard(line)
        if line in self._free:
            self._free.remove(line)
        if self._waiting and len(self._busy) + len(self._connecting) < self._most:
            self._connect()
        self._tell_if_quiet()

    def _tell_if_quiet(self) -> None:
        if self._quiet is not None and not self._quiet.done() and not self.unanswered:
            self._quiet.set_result(None)

    def _connect(self) -> None:
        task = self._loop.create_task(self._open())
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _open(self) -> None:
        try:
            _, line = await self._loop.create_connection(lambda: _Line(self), self.host, self.port)
        except OSError:
            if self._waiting:
                self._waiting.popleft()[1](_none("not-connected"))
            return
        self.opened += 1
        # The task counts among those that connect until it is done; one over the bound for a moment is none.
        self.is_free(line)

    def _give_up_late(self) -> None:
        self._sweep = self._loop.call_later(1.0, self._give_up_late)
        since = time.monotonic() - self._within_s
        while self._waiting and self._waiting[0][2] < since:
            self._waiting.popleft()[1](_none("never-sent"))
        for line in [line for line in self._busy if line.since < since]:
            line.fail("timed-out")


class _Line(asyncio.Protocol):
    """One connection, one request at a time; `since` is when it was last used."""

    __slots__ = ("_heard", "_lines", "_reader", "_transport", "since")

    def __init__(self, lines: Lines) -> None:
        self.since = time.monotonic()
        self._lines = lines
        self._reader = Reader()
        self._heard: Heard | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one without inheriting from it

    def ask(self, asked: bytes, heard: Heard, now: float) -> None:
        self._heard, self.since = heard, now
        self._transport.write(asked)

    def data_received(self, data: bytes) -> None:
        try:
            answer = self._reader.feed(data)
        except MalformedError:
            self.fail("malformed")
            return
        if answer is None:
            return
        heard, self._heard = self._heard, None
        if heard is None:
            self.drop()  # an answer that nobody asked for
            return
        if answer.is_last:
            self.drop()
        else:
            self._lines.is_free(self)
        heard(answer)

    def connection_lost(self, exc: Exception | None) -> None:  # ruff: ignore[unused-method-argument] — the protocol's signature
        self._end("connection-lost")

    def fail(self, why: str) -> None:
        """End the connection now; who waits for its answer hears why."""
        self._end(why)
        self._transport.abort()

    def drop(self) -> None:
        self._end("connection-lost")
        self._transport.close()

    def _end(self, why: str) -> None:
        heard, self._heard = self._heard, None
        self._lines.is_lost(self)
        if heard is not None:
            heard(_none(why))
