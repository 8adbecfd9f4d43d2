"""The protocol towards a client: finds each request's head, and answers in the order of the requests.

One exchange at a time: what a client sends ahead (pipelining) waits in a bounded buffer until the answer is
written. A request that must be refused before it is understood is answered here, and the connection is closed
in a way that lets the client read the answer.
"""

import asyncio
import re
from time import perf_counter
from typing import TYPE_CHECKING, Final, cast

from strangler.proxy import refusals
from strangler.proxy.exchange import Exchange
from strangler.proxy.flow import OTHER_SIDE_FULL, PIPELINE_FULL, WRITE_BUFFER_BYTES, ReadGate
from strangler.proxy.refusals import Refusal, Refused
from strangler.proxy.requests import Peer, RequestReader

if TYPE_CHECKING:
    from strangler.proxy.switchboard import Switchboard

_BARE_LINE_END: Final = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)")
# More than the gateway lets through (its client_max_body_size), or the answer is lost in a reset.
_MOST_DISCARDED: Final = 32 << 20


class ClientConnection(asyncio.Protocol):
    __slots__ = (
        "_advancing",
        "_board",
        "_buffer",
        "_discarded",
        "_head_began",
        "_idle_s",
        "_reader",
        "_skipped_line",
        "closing",
        "deadline",
        "exchange",
        "gate",
        "peer",
        "transport",
        "unsent",
        "write_paused",
    )

    def __init__(self, board: "Switchboard") -> None:
        # of the connection
        self._board = board
        self._idle_s = board.timeouts.client_idle_s
        self.transport: asyncio.Transport
        self.gate: ReadGate
        self.peer: Peer
        self._reader: RequestReader
        self.write_paused = False
        self.closing = False
        self.unsent = False
        self._discarded = 0
        # between requests
        self._buffer = b""
        self._advancing = False
        self._head_began = False
        self._skipped_line = False
        self.deadline = 0.0
        # of the request
        self.exchange: Exchange | None = None

    # ── asyncio's side ──────────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        board = self._board
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(WRITE_BUFFER_BYTES)
        self.gate = ReadGate(self.transport)
        self.peer = board.peer(transport.get_extra_info("peername"))
        self._reader = RequestReader(self.peer, max_headers=board.limits.headers)
        self.deadline = perf_counter() + self._idle_s
        board.clients.add(self)
        if len(board.clients) > board.limits.clients:
            self._refuse(refusals.OVERLOADED)

    def data_received(self, data: bytes) -> None:
        exchange = self.exchange
        if exchange is None:
            if self.closing:
                self._discard(data)
            else:
                self._advance(self.take_buffer() + data if self._buffer else data)
            return
        if not exchange.request_complete or exchange.tunnelled:
            data = exchange.receive(data)
        if data:
            self._buffer += data
            if len(self._buffer) > self._board.limits.pipelined_bytes:
                self.gate.close(PIPELINE_FULL)

    # eof_received is asyncio's own: a client that has closed its half is taken for gone, as by nginx

    def connection_lost(self, exc: Exception | None) -> None:  # ruff: ignore[unused-method-argument] — asyncio's signature
        self.closing = True
        self._board.clients.discard(self)
        if self.exchange is not None:
            self.exchange.abandon()

    def pause_writing(self) -> None:
        self.write_paused = True
        if self.exchange is not None and self.exchange.upstream is not None:
            self.exchange.upstream.gate.close(OTHER_SIDE_FULL)

    def resume_writing(self) -> None:
        self.write_paused = False
        if self.exchange is not None:
            if self.exchange.upstream is not None:
                self.exchange.upstream.gate.open(OTHER_SIDE_FULL)
        elif self._buffer and not self.closing:
            self._advance(self.take_buffer())

    # ── requests ────────────────────────────────────────────────────────────────────────────────────────────

    def _advance(self, data: bytes) -> None:
        """Begin as many requests as can be: one, unless they are answered at once."""
        self._advancing = True
        while data and self.exchange is None and not self.closing and not self.write_paused:
            if data[0] == 13 and data.startswith(b"\r\n") and not self._skipped_line:
                self._skipped_line = True  # RFC 9112 §2.2: an empty line before a request line
                data = data[2:]
                continue
            end = data.find(b"\r\n\r\n") + 4
            if end < 4:
                self._wait_for_head(data)
                break
            data = self._begin(data[:end], data[end:])
        else:
            self._buffer = data
        self._advancing = False

    def _begin(self, raw: bytes, rest: bytes) -> bytes:
        """Begin the exchange of one head; returns what belongs to the next request."""
        board = self._board
        self._head_began = self._skipped_line = False
        try:
            if len(raw) > board.limits.target_bytes:
                self._check_sizes(raw)
            request = self._reader.read(raw)
        except Refused as refused:
            self._refuse(refused.refusal)
            return b""
        exchange = self.exchange = Exchange(board, self, request)
        board.in_flight.add(exchange)
        if rest and not exchange.request_complete:
            rest = exchange.receive(rest)
            if exchange.done:
                return b""
        exchange.dispatch()
        return rest

    def exchange_done(self, exchange: Exchange, now: float) -> None:
        """The exchange is over: go on with the next one, or close."""
        self.exchange = None
        if self.gate.reasons:
            self.gate.reset()
        if self.closing:
            return
        if not exchange.keep_alive:
            self._close(linger=not exchange.request_complete)
            return
        self.deadline = now + self._idle_s
        if self._buffer and not self._advancing:
            self._advance(self.take_buffer())

    def take_buffer(self) -> bytes:
        buffer, self._buffer = self._buffer, b""
        return buffer

    def _wait_for_head(self, data: bytes) -> None:
        board = self._board
        if _BARE_LINE_END.search(data):
            self._refuse(refusals.MALFORMED.because("A line does not end with CRLF."))
            return
        try:
            self._check_sizes(data)
        except Refused as refused:
            self._refuse(refused.refusal)
            return
        self._buffer = data
        if not self._head_began:
            self._head_began = True
            self.deadline = perf_counter() + board.timeouts.head_s

    def _check_sizes(self, raw: bytes) -> None:
        limits = self._board.limits
        line_end = raw.find(b"\r\n")
        if (line_end if line_end >= 0 else len(raw)) > limits.target_bytes:
            raise Refused(refusals.TARGET_TOO_LONG)
        if len(raw) > limits.head_bytes:
            raise Refused(refusals.HEAD_TOO_LARGE)

    # ── closing ─────────────────────────────────────────────────────────────────────────────────────────────

    def _refuse(self, refusal: Refusal) -> None:
        """Answer a request that was not understood, and close."""
        request_id = self._board.refused(self.peer, refusal)
        extra = b"X-Request-ID: %b\r\n" % request_id
        message = refusal.message(request_id, extra, head_only=False, close=True)
        self._board.turn.send(self, message)
        self._close(linger=True)

    def _close(self, *, linger: bool) -> None:
        """Close after what is written; `linger` reads on for a while.

        A client that still sends when its connection is closed gets a reset, which can take the answer from
        it (RFC 9112 §9.6).
        """
        self.closing = True
        self._buffer = b""
        timeouts = self._board.timeouts
        self._board.turn.end()
        if linger and not self.transport.is_closing():
            self.deadline = perf_counter() + timeouts.linger_s
            self.transport.write_eof()
        else:
            self.deadline = perf_counter() + timeouts.idle_s
            self.transport.close()

    def _discard(self, data: bytes) -> None:
        self._discarded += len(data)
        if self._discarded > _MOST_DISCARDED:
            self.transport.abort()

    def drain(self) -> None:
        """The worker wants to end: an idle connection is closed, a busy one after its answer."""
        if self.exchange is None and not self.closing and not self._buffer:
            self._close(linger=False)

    def check_deadline(self, now: float) -> None:
        """Called by the worker's tick."""
        if self.exchange is not None or now < self.deadline:
            return
        if self.closing:
            self.transport.abort()
        elif self._head_began:
            self._refuse(refusals.HEAD_TIMEOUT)
        else:
            self._close(linger=False)
