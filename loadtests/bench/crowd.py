"""A crowd: kept connections that take requests from one queue, each as soon as it has its answer.

All that is asked is made beforehand.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

from loadtests import wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HOST: Final = "bench.example"


@dataclass(slots=True)
class Answers:
    """How all of them were answered, in the order of the answers."""

    took_s: float = 0.0
    statuses: list[int] = field(default_factory=list)
    latencies_s: list[float] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def count(self, *statuses: int) -> int:
        return sum(status in statuses for status in self.statuses)


def request(method: str, path: str, *, token: str | None = None, body: Any = None) -> bytes:
    """A request as it goes over the connection."""
    return wire.request(method, path, host=HOST, token=token, body=body)


async def ask(host: str, port: int, asks: Sequence[bytes], connections: int) -> Answers:
    """Ask all; ends with the last answer. A connection that is closed meanwhile is an OSError."""
    loop = asyncio.get_running_loop()
    answers, queue = Answers(), iter(asks)
    lines = [
        (await loop.create_connection(lambda: _Line(answers), host, port))[1] for _ in range(connections)
    ]
    began = time.perf_counter()
    for line in lines:
        line.begin(queue)
    try:
        await asyncio.gather(*(line.done for line in lines))
    finally:
        answers.took_s = time.perf_counter() - began
        for line in lines:
            line.close()
    return answers


class _Line(asyncio.Protocol):
    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._queue: Iterator[bytes]
        self._reader = wire.Reader()
        self._asked_at = 0.0
        self._transport: asyncio.Transport
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one without inheriting from it

    def begin(self, queue: Iterator[bytes]) -> None:
        self._queue = queue
        self._ask()

    def close(self) -> None:
        self._transport.close()

    def _ask(self) -> None:
        following = next(self._queue, None)
        if following is None:
            self.done.set_result(None)
            return
        self._asked_at = time.perf_counter()
        self._transport.write(following)

    def data_received(self, data: bytes) -> None:
        answer = self._reader.feed(data)
        if answer is None:
            return
        self._answers.latencies_s.append(time.perf_counter() - self._asked_at)
        self._answers.statuses.append(answer.status)
        self._answers.bodies.append(answer.body)
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(ConnectionError(f"hung up: {exc}"))
