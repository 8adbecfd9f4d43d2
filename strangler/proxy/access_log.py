"""The access log: one line per request, JSON or for people, formatted at once, written later by a thread.

`add` only appends to a list. A tick hands what has gathered to a thread, so that a pipe whose reader is slow
delays no request. If the thread falls far behind, lines are dropped and counted: the log must never use up
the memory. The query is left out of the path: it can hold what no log should.
"""

import os
import random
import threading
import time
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final

import orjson

if TYPE_CHECKING:
    from strangler.proxy.exchange import Exchange
    from strangler.proxy.turn import Book

MOST_LINES_WAITING: Final = 50_000
ATOMIC_BYTES: Final = 4096
"""What a pipe takes in one piece (PIPE_BUF), so that the lines of several workers do not mix."""
_LONGEST_PATH: Final = 1024
_PLAIN: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._~:@!$&'()*+,;=%-"


class AccessLog:
    __slots__ = (
        "_batches",
        "_fd",
        "_for_people",
        "_handed_over",
        "_lines",
        "_sample",
        "_second",
        "_stamp",
        "_thread",
        "lost",
        "written",
    )

    def __init__(self, fd: int, *, sample: float, for_people: bool = False) -> None:
        self._fd = fd
        self._sample = sample
        self._for_people = for_people
        self._lines: list[bytes] = []
        self._second = 0
        self._stamp = b""
        self._batches: SimpleQueue[list[bytes] | None] = SimpleQueue()
        self._handed_over = 0
        self.written = 0
        """Counted by the thread alone, as the other is by the loop alone."""
        self.lost = 0
        self._thread = threading.Thread(target=self._write, name="access-log", daemon=True)
        self._thread.start()

    def add(self, books: "list[Book]") -> None:
        """The lines of the exchanges that ended in one turn."""
        now = time.time()
        second = int(now)
        if second != self._second:
            self._second = second
            self._stamp = _stamp(now)
        stamp = b"%b.%03d" % (self._stamp, (now - second) * 1000)
        for exchange, status, seconds, error in books:
            if self._sample < 1 and status < 500 and error is None and self._is_left_out():
                continue
            line = self._line_for_people if self._for_people else self._line
            self._lines.append(line(stamp, exchange, status, seconds * 1000, error))

    @staticmethod
    def _line(stamp: bytes, exchange: "Exchange", status: int, ms: float, error: str | None) -> bytes:
        request = exchange.request
        path = request.path
        if path.translate(None, _PLAIN) or len(path) > _LONGEST_PATH:
            path = _escaped(path)
        upstream = exchange.upstream
        return (
            b'{"timestamp":"%bZ","level":"info","service":"strangler","event":"request",%b"path":"%b",'
            b'"status":%d,"ms":%.2f,"bytes_in":%d,"bytes_out":%d,"client":"%b","request_id":"%b",'
            b'"trace_id":"%b","upstream":"%b"%b}\n'
            % (
                stamp,
                exchange.lane.log_fields,
                path,
                status,
                ms,
                exchange.bytes_in,
                exchange.bytes_out,
                request.address,
                request.request_id,
                request.traceparent[3:35],
                b"" if upstream is None else upstream.address.label,
                b"" if error is None and not exchange.retries else _rare(error, exchange.retries),
            )
        )

    @staticmethod
    def _line_for_people(
        stamp: bytes, exchange: "Exchange", status: int, ms: float, error: str | None
    ) -> bytes:
        request = exchange.request
        return b"%b %d %b %b, %b, %.1f ms%b\n" % (
            stamp[11:],
            status,
            request.method,
            _escaped(request.path),
            exchange.lane.cell.side.encode(),
            ms,
            b"" if error is None else b", " + error.encode(),
        )

    def _is_left_out(self) -> bool:
        return random.random() >= self._sample  # ruff: ignore[suspicious-non-cryptographic-random-usage] — a sample

    def add_refused(self, peer: bytes, request_id: bytes, status: int, error: str) -> None:
        """The line of a request that was not understood."""
        stamp, slug = _stamp(time.time()), error.encode()
        if self._for_people:
            self._lines.append(b"%b %d from %b, %b\n" % (stamp[11:], status, peer, slug))
            return
        self._lines.append(
            b'{"timestamp":"%bZ","level":"info","service":"strangler","event":"request","status":%d,'
            b'"client":"%b","request_id":"%b","error":"%b"}\n' % (stamp, status, peer, request_id, slug)
        )

    def flush(self) -> None:
        """Hand over what has gathered; called by the worker's tick."""
        if not self._lines:
            return
        lines, self._lines = self._lines, []
        if self._handed_over - self.written > MOST_LINES_WAITING:
            self.lost += len(lines)
            return
        self._handed_over += len(lines)
        self._batches.put(lines)

    def close(self) -> None:
        """Write what is left and end the thread."""
        self.flush()
        self._batches.put(None)
        self._thread.join(5)

    def _write(self) -> None:
        while (lines := self._batches.get()) is not None:
            piece: list[bytes] = []
            size = 0
            for line in lines:
                if size + len(line) > ATOMIC_BYTES and piece:
                    self._write_piece(b"".join(piece))
                    piece, size = [], 0
                piece.append(line)
                size += len(line)
            self._write_piece(b"".join(piece))
            self.written += len(lines)

    def _write_piece(self, piece: bytes) -> None:
        rest = memoryview(piece)
        while rest:
            try:
                rest = rest[os.write(self._fd, rest) :]
            except BlockingIOError:  # another process made the pipe non-blocking
                time.sleep(0.01)
            except OSError:  # nobody reads any more
                self.lost += 1
                return


def _stamp(now: float) -> bytes:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)).encode()


def _escaped(path: bytes) -> bytes:
    """A path as it stands between quotes in JSON, cut where it is too long for a log."""
    return orjson.dumps(path[:_LONGEST_PATH].decode("latin-1"))[1:-1]


def _rare(error: str | None, retries: int) -> bytes:
    fields = b'"retries":%d' % retries if retries else b""
    if error is not None:
        fields += b'%b"error":"%b"' % (b"," if fields else b"", error.encode())
    return b"," + fields
