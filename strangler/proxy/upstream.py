"""The protocol towards an upstream: sends one exchange at a time and reads its answer.

It knows how an answer is framed and when it is complete; what becomes of it is the exchange's business. A
connection is used again only after an answer whose end was certain.
"""

import asyncio
from typing import TYPE_CHECKING, Final, cast

from strangler.proxy import refusals
from strangler.proxy.chunks import BadChunk, ChunkDecoder
from strangler.proxy.flow import OTHER_SIDE_FULL, WRITE_BUFFER_BYTES, ReadGate
from strangler.proxy.responses import Garbled, ResponseHead, ResponseReader

if TYPE_CHECKING:
    from strangler.proxy.exchange import Exchange
    from strangler.proxy.pool import Address, Pool

LARGEST_HEAD: Final = 65536
MOST_INTERIM_ANSWERS: Final = 16


class UpstreamConnection(asyncio.Protocol):
    __slots__ = (
        "_buffer",
        "_decoder",
        "_interim",
        "_left",
        "_pool",
        "_reader",
        "_response",
        "address",
        "exchange",
        "gate",
        "idle_since",
        "reused",
        "transport",
        "unsent",
    )

    def __init__(self, pool: "Pool", address: "Address") -> None:
        # of the connection
        self._pool = pool
        self.address = address
        self._reader = ResponseReader()
        self.transport: asyncio.Transport
        self.gate: ReadGate
        self.reused = False
        self.unsent = False
        """Whether it closed before the last request was written."""
        self.idle_since = 0.0
        # of the exchange
        self.exchange: Exchange | None = None
        self._buffer = b""
        self._interim = 0
        self._response: ResponseHead | None = None
        self._left: int | None = 0
        self._decoder: ChunkDecoder | None = None

    # ── the exchange's side ─────────────────────────────────────────────────────────────────────────────────

    def abort(self) -> None:
        """Break off: the answer is not wanted any more, or not to be trusted."""
        if self.exchange is not None:
            self.exchange = None
            self._pool.lost(self, was_busy=True)
        self.transport.abort()

    # ── asyncio's side ──────────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(WRITE_BUFFER_BYTES)
        self.gate = ReadGate(self.transport)

    def data_received(self, data: bytes) -> None:
        exchange = self.exchange
        if exchange is None:  # nobody asked: whatever this is, it must not become somebody's answer
            self._pool.lost(self, was_busy=False)
            self.transport.abort()
            return
        if self._response is not None:
            self._receive_body(exchange, data)
            return
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        end = data.find(b"\r\n\r\n") + 4
        if end < 4:
            self._wait_for_head(data)
            return
        try:
            response = self._reader.read(data[:end], exchange.request)
        except Garbled as error:
            self._fail(
                refusals.UPSTREAM_GARBLED.because(f"The answer could not be passed on safely. {error}")
            )
            return
        if response.status < 200:
            self._receive_interim(exchange, response, data[end:])
            return
        if self.address.health.failures:
            self._pool.answered(self.address)
        is_whole = len(data) - end == response.length and exchange.request_complete
        if is_whole and not self._has_unsent(exchange):
            # The whole answer in one piece, to a request that was sent whole: the way of almost all.
            self.exchange = None
            self._interim = 0
            self.reused = True
            keep = response.keep_alive
            exchange.answer_whole(response, data[end:], self if keep else None)
            if not keep:
                self._pool.lost(self, was_busy=True)
                self.transport.close()
            return
        self._begin_body(exchange, response, data[end:])

    def connection_lost(self, exc: Exception | None) -> None:
        exchange = self.exchange
        self.exchange = None
        self._pool.lost(self, was_busy=exchange is not None)
        if exchange is None:
            return
        response = self._response
        if response is None:
            exchange.upstream_lost(self, unanswered=not self._buffer and not self._interim)
        elif self._left is None and self._decoder is None and exc is None:
            exchange.end_body()  # a body without a length ends with the connection (RFC 9112 §6.3)
        else:
            exchange.break_off("upstream-broke-off")

    def pause_writing(self) -> None:
        if self.exchange is not None:
            self.exchange.client.gate.close(OTHER_SIDE_FULL)

    def resume_writing(self) -> None:
        if self.exchange is not None:
            self.exchange.client.gate.open(OTHER_SIDE_FULL)

    # ── reading an answer ───────────────────────────────────────────────────────────────────────────────────

    def _wait_for_head(self, data: bytes) -> None:
        if len(data) > LARGEST_HEAD:
            self._fail(refusals.UPSTREAM_GARBLED.because("The answer's headers are too large."))
        else:
            self._buffer = data

    def _receive_interim(self, exchange: "Exchange", response: ResponseHead, rest: bytes) -> None:
        if response.status == 101:
            if not exchange.request.upgrade:
                self._fail(refusals.UPSTREAM_GARBLED.because("It switched protocols unasked."))
                return
            self._response = response
            self._left = None
            exchange.switch_protocols(response, rest)
            return
        self._interim += 1
        if self._interim > MOST_INTERIM_ANSWERS:
            self._fail(refusals.UPSTREAM_GARBLED.because("It sent interim answers without end."))
            return
        exchange.pass_interim(response)
        if rest:
            self.data_received(rest)

    def _begin_body(self, exchange: "Exchange", response: ResponseHead, rest: bytes) -> None:
        self._response = response
        self._left = response.length
        if response.chunked:
            self._decoder = ChunkDecoder()
        elif response.length is None:
            response.keep_alive = False
        exchange.begin_answer(response)
        self._receive_body(exchange, rest)

    def _receive_body(self, exchange: "Exchange", data: bytes) -> None:
        if self._decoder is not None:
            try:
                parts = self._decoder.feed(data)
            except BadChunk:
                exchange.break_off("upstream-garbled")
                return
            if parts:
                exchange.pass_body(parts)
            if self._decoder.done:
                self._end(exchange, unasked=bool(self._decoder.rest))
            return
        if exchange.tunnelled or self._left is None:
            exchange.pass_body([data] if data else [])
            return
        unasked = len(data) > self._left
        if unasked:
            data = data[: self._left]
        self._left -= len(data)
        if data:
            exchange.pass_body([data])
        if not self._left:
            self._end(exchange, unasked=unasked)

    def _end(self, exchange: "Exchange", *, unasked: bool) -> None:
        """The answer is complete. The connection may serve again if nothing is left over on either way."""
        response = self._response
        assert response is not None
        if self.exchange is not exchange:
            return  # the client was lost while the last bytes were passed on
        self.exchange = None
        self._response = None
        self._decoder = None
        self._interim = 0
        self.gate.open(OTHER_SIDE_FULL)
        self.reused = True
        may_serve = response.keep_alive and exchange.request_complete and not unasked
        if may_serve and not self._has_unsent(exchange):
            exchange.end_body(self)
            return
        self._pool.lost(self, was_busy=True)
        self.transport.close()
        exchange.end_body()

    def _has_unsent(self, exchange: "Exchange") -> bool:
        """Whether some of the request's body was answered before it was sent."""
        return exchange.bytes_in > 0 and self.transport.get_write_buffer_size() > 0

    def _fail(self, refusal: refusals.Refusal) -> None:
        exchange = self.exchange
        assert exchange is not None
        self.abort()
        exchange.fail(refusal)
