"""What is put off to the end of one turn of the event loop, to be done together: writes, then books.

A write to a socket wakes who reads it, and runs half of the kernel's network code. Done one by one between
two requests' Python, that is a fifth of a request's cost; done in a row, the reader is awake already and the
code is still in the cache. A turn is what one poll of the sockets brought: nothing waits for a timer.
"""

import asyncio
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from strangler.proxy.access_log import AccessLog
    from strangler.proxy.client import ClientConnection
    from strangler.proxy.exchange import Exchange
    from strangler.proxy.upstream import UpstreamConnection

    Book: TypeAlias = tuple[Exchange, int, float, str | None]
    """An exchange that is over, its status, its seconds, and what went wrong."""


class Turn:
    """One for each worker."""

    __slots__ = ("_books", "_log", "_loop", "_writes")

    def __init__(self, log: "AccessLog | None") -> None:
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._writes: list[tuple[ClientConnection | UpstreamConnection, bytes]] = []
        self._books: list[Book] = []

    def send(self, connection: "ClientConnection | UpstreamConnection", data: bytes) -> None:
        """Write at the turn's end: for whole messages, which are small."""
        if not self._writes:
            self._loop.call_soon(self.end)
        self._writes.append((connection, data))

    def write(self, transport: asyncio.Transport, data: bytes) -> None:
        """Write now, after what was put off: for bodies, so that backpressure is felt at once."""
        self.end()
        transport.write(data)

    def book(self, exchange: "Exchange", status: int, seconds: float, error: str | None) -> None:
        """Count and log an exchange that is over, at the turn's end."""
        if not self._books and not self._writes:
            self._loop.call_soon(self.end)
        self._books.append((exchange, status, seconds, error))

    def end(self) -> None:
        """Do it. Also called before a connection is closed, which must not overtake its last bytes."""
        if self._writes:
            writes, self._writes = self._writes, []
            for connection, data in writes:
                transport = connection.transport
                if transport.is_closing():
                    connection.unsent = True
                else:
                    transport.write(data)
        if self._books:
            books, self._books = self._books, []
            for exchange, status, seconds, _ in books:
                exchange.lane.cell.observe(status, seconds)
            if self._log is not None:
                self._log.add(books)
