"""One request and its answer, between a client's connection and an upstream's.

    waiting ──connection──► asked ──head──► answering ──end──► done        tunnelled: after 101, until one
    side closes └──────────┴─ refusal ──┴── break-off ────┴───────────────► done

The exchange decides through the switchboard, may decide again when it is sent again, and ends exactly once:
with an answer, with a refusal, or by breaking off. It always has a deadline, so no client waits for ever.
"""

import re
from time import perf_counter
from typing import TYPE_CHECKING, Final

from strangler.proxy import refusals
from strangler.proxy.body import RequestBody
from strangler.proxy.chunks import LAST_CHUNK, BadChunk, chunk
from strangler.proxy.flow import NO_UPSTREAM_YET
from strangler.proxy.refusals import Refusal, Refused

if TYPE_CHECKING:
    from strangler.proxy.client import ClientConnection
    from strangler.proxy.requests import RequestHead
    from strangler.proxy.responses import ResponseHead
    from strangler.proxy.switchboard import Lane, Switchboard
    from strangler.proxy.upstream import UpstreamConnection

IDEMPOTENT: Final = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"})
_KEEP_ALIVE: Final = re.compile(rb"(?im)^connection:[ \t]*keep-alive[ \t]*\r\n")
CLIENT_GONE: Final = 499
"""The status that is logged and counted when the client went away first, as nginx has it."""


class Exchange:
    """The class holds what most exchanges never change; an instance, what is its own."""

    board: "Switchboard"
    client: "ClientConnection"
    request: "RequestHead"
    lane: "Lane"
    began: float
    deadline: float = 0.0
    upstream: "UpstreamConnection | None" = None
    retries: int = 0
    done: bool = False
    tunnelled: bool = False
    set_cookie: bytes = b""

    # the request's body
    request_complete: bool = True
    bytes_in: int = 0
    _body: RequestBody | None = None
    _pending: tuple[bytes, ...] = ()

    # the answer
    keep_alive: bool
    bytes_out: int = 0
    _status: int = 0
    _answering: bool = False
    _out_chunked: bool = False

    def __init__(self, board: "Switchboard", client: "ClientConnection", request: "RequestHead") -> None:
        self.board = board
        self.client = client
        self.request = request
        self.began = perf_counter()
        self.keep_alive = request.keep_alive
        if request.has_body_or_upgrade:
            self._body = RequestBody(request)
            self.request_complete = self._body.complete
        self.lane = lane = board.steer(self)
        lane.cell.in_flight += 1

    # ── towards the upstream ────────────────────────────────────────────────────────────────────────────────

    def dispatch(self) -> None:
        """Send it to where it was steered, or get in line."""
        board, lane = self.board, self.lane
        pool = lane.pool
        if pool is None:
            self.fail(refusals.NOT_DEPLOYED.because(lane.missing))
            return
        if self.request.content_length > lane.max_body:
            self.fail(refusals.BODY_TOO_LARGE)
            return
        if len(board.in_flight) > board.most_in_flight:
            self.fail(refusals.OVERLOADED)
            return
        try:
            upstream = pool.acquire(self)
        except Refused as refused:
            self.fail(refused.refusal)
            return
        if upstream is not None:
            self.connected(upstream)
        elif self.upstream is None:
            self.deadline = perf_counter() + board.timeouts.connect_s + board.timeouts.queue_s

    def connected(self, upstream: "UpstreamConnection") -> None:
        """Here is a connection: send what there is."""
        self.upstream = upstream
        self.deadline = self.began + self.lane.timeout_s
        upstream.exchange = self
        if not self._pending:
            self.board.turn.send(upstream, self.request.forwarded)
            return
        begun = b"".join((self.request.forwarded, *self._pending))
        if self.request_complete:
            self.board.turn.send(upstream, begun)  # and its body is kept: what was not sent can be sent
        else:
            self._pending = ()
            self.board.turn.write(upstream.transport, begun)
        self.client.gate.open(NO_UPSTREAM_YET)

    def not_connected(self, failure: Refusal) -> None:
        """No connection could be made, so nothing was sent: any method may go to another address."""
        pool = self.lane.pool
        assert pool is not None
        if not self.retries and len(pool.addresses) > 1 and pool.may_retry():
            self._retry()
        else:
            self.fail(failure)

    def upstream_lost(self, upstream: "UpstreamConnection", *, unanswered: bool) -> None:
        """The upstream closed before the head of an answer."""
        pool = self.lane.pool
        assert pool is not None
        # RFC 9110 §9.2.2, RFC 9112 §9.3.1: what was not sent can be sent; and a kept connection that closes
        # without a byte never saw the request, or it may be asked again because twice is as good as once.
        bodiless = self.request_complete and not self.bytes_in
        stale = bodiless and unanswered and upstream.reused and self.request.method in IDEMPOTENT
        unsent = upstream.unsent and (bodiless or self._pending)
        if not self.retries and (unsent or stale) and pool.may_retry():
            self.upstream = None
            self._retry()
            return
        pool.failed(upstream.address, refusals.UPSTREAM_BROKE_OFF)
        self.fail(refusals.UPSTREAM_BROKE_OFF)

    def _retry(self) -> None:
        """Once more, by the flags as they are now: the answer may have moved to the other side."""
        self.retries += 1
        self.lane.cell.retries += 1
        self.lane.cell.in_flight -= 1
        self.lane = self.board.steer(self)
        self.lane.cell.in_flight += 1
        self.dispatch()

    def receive(self, data: bytes) -> bytes:
        """Bytes from the client: this request's body. Returns what belongs to the next request."""
        if self.tunnelled:
            assert self.upstream is not None
            self.board.turn.write(self.upstream.transport, data)
            self.bytes_in += len(data)
            self.deadline = perf_counter() + self.board.timeouts.tunnel_idle_s
            return b""
        body = self._body
        assert body is not None
        try:
            out = body.take(data)
        except BadChunk as error:
            self.request_complete = False
            self.fail(refusals.MALFORMED.because(str(error)))
            return b""
        self.bytes_in = body.received
        self.request_complete = body.complete
        if self.bytes_in > self.lane.max_body:
            self.request_complete = False  # so that the connection ends with the refusal
            self.fail(refusals.BODY_TOO_LARGE)
            return b""
        if self.upstream is None:
            self._pending += (out,)
            if not self.request_complete:
                self.client.gate.close(NO_UPSTREAM_YET)
        else:
            patience_s = self.board.timeouts.idle_s if self._answering else self.lane.timeout_s
            self.deadline = perf_counter() + patience_s
            if out:
                self.board.turn.write(self.upstream.transport, out)
        return body.rest

    # ── towards the client ──────────────────────────────────────────────────────────────────────────────────

    def answer_whole(
        self, response: "ResponseHead", body: bytes, upstream: "UpstreamConnection | None"
    ) -> None:
        """The upstream's answer came in one piece; `upstream` if it may serve again."""
        if self.board.draining:
            self.keep_alive = False
        self.bytes_out = len(body)
        self.board.turn.send(self.client, self._message(response, b"", body))
        now = perf_counter()
        if upstream is not None:
            upstream.idle_since = now
            self.lane.pool.release(upstream)  # type: ignore[union-attr] # it came from there
        self._finish(response.status, now, None)

    def pass_interim(self, response: "ResponseHead") -> None:
        """100 Continue or 103 Early Hints: not for HTTP/1.0 (RFC 9110 §15.2)."""
        if not self.request.http_1_0:
            self.board.turn.write(self.client.transport, response.head + b"\r\n")

    def switch_protocols(self, response: "ResponseHead", rest: bytes) -> None:
        """101: from here on bytes go both ways as they come."""
        assert self.upstream is not None
        self.tunnelled = self._answering = self.keep_alive = True
        self._status = response.status
        message = self._message(response, b"Connection: Upgrade\r\n", rest)
        self.board.turn.write(self.client.transport, message)
        self.deadline = perf_counter() + self.board.timeouts.tunnel_idle_s
        self.keep_alive = False
        sent_early = self.client.take_buffer()
        self.client.gate.reset()
        if sent_early:
            self.receive(sent_early)

    def begin_answer(self, response: "ResponseHead") -> None:
        """The head of an answer whose body follows in pieces."""
        request = self.request
        self._answering = True
        self._status = response.status
        framing = b""
        if response.length is None and not request.http_1_0:
            self._out_chunked = True
            framing = b"Transfer-Encoding: chunked\r\n"
        delimited = response.length is not None or self._out_chunked
        self.keep_alive = (
            request.keep_alive and delimited and self.request_complete and not self.board.draining
        )
        self.board.turn.write(self.client.transport, self._message(response, framing, b""))

    def pass_body(self, parts: list[bytes]) -> None:
        if self.done:
            return
        client = self.client
        for part in parts:
            self.bytes_out += len(part)
            self.board.turn.write(client.transport, chunk(part) if self._out_chunked else part)
        timeouts = self.board.timeouts
        self.deadline = perf_counter() + (timeouts.tunnel_idle_s if self.tunnelled else timeouts.idle_s)

    def end_body(self, upstream: "UpstreamConnection | None" = None) -> None:
        """The answer is complete; `upstream` if it may serve again."""
        if self.done:
            return
        if self._out_chunked:
            self.board.turn.write(self.client.transport, LAST_CHUNK)
        now = perf_counter()
        if upstream is not None:
            upstream.idle_since = now
            self.lane.pool.release(upstream)  # type: ignore[union-attr] # it came from there
        self._finish(self._status, now, None)

    # ── other ends ──────────────────────────────────────────────────────────────────────────────────────────

    def fail(self, refusal: Refusal) -> None:
        """Answer in the upstream's place; break off if its answer has begun."""
        if self.done:
            return
        if self._answering:
            self.break_off(refusal.slug)
            return
        self._leave_upstream()
        request = self.request
        self.keep_alive = request.keep_alive and self.request_complete and not self.board.draining
        extra = b"X-Request-ID: %b\r\ntraceparent: %b\r\n%b%b" % (
            request.request_id,
            request.traceparent,
            self.set_cookie,
            self.lane.answer_lines,
        )
        head_only = request.method == b"HEAD"
        message = refusal.message(request.request_id, extra, head_only=head_only, close=not self.keep_alive)
        self.board.turn.send(self.client, message)
        self._finish(refusal.status, perf_counter(), refusal.slug)

    def break_off(self, slug: str) -> None:
        """The answer cannot be completed: the client must see that, so its connection is cut."""
        if self.done:
            return
        self._leave_upstream()
        self.client.transport.abort()
        self._finish(self._status, perf_counter(), slug)

    def abandon(self) -> None:
        """The client is gone: so is the reason for the upstream to go on."""
        if self.done:
            return
        self._leave_upstream()
        if self.tunnelled:
            self._finish(self._status, perf_counter(), None)
        else:
            self._finish(CLIENT_GONE, perf_counter(), "client-gone")

    def check_deadline(self, now: float) -> None:
        """Called by the worker's tick."""
        timeouts = self.board.timeouts
        if now < self.deadline and (self.tunnelled or now < self.began + timeouts.total_s):
            return
        pool = self.lane.pool
        if self._answering:
            self.break_off("tunnel-idle" if self.tunnelled else "answer-stalled")
        elif self.upstream is None:
            full = pool is not None and pool.is_full()
            self.fail(refusals.UPSTREAM_BUSY if full else refusals.UPSTREAM_TIMEOUT)
        elif not self.request_complete:
            self.fail(refusals.BODY_TIMEOUT)
        else:
            assert pool is not None
            pool.failed(self.upstream.address, refusals.UPSTREAM_TIMEOUT)
            self.fail(refusals.UPSTREAM_TIMEOUT)

    def _leave_upstream(self) -> None:
        if self.upstream is not None:
            self.upstream.abort()
        elif self.lane.pool is not None:
            self.lane.pool.forget(self)

    def _message(self, response: "ResponseHead", framing: bytes, body: bytes) -> bytes:
        """An answer's head and what there is of its body, as the client gets it."""
        request = self.request
        head = response.head
        if not self.keep_alive or request.http_1_0:
            if response.says_keep_alive:
                head = _KEEP_ALIVE.sub(b"", head)
            framing += b"Connection: keep-alive\r\n" if self.keep_alive else b"Connection: close\r\n"
        if not response.has_request_id:
            framing += b"X-Request-ID: %b\r\n" % request.request_id
        if not response.has_traceparent:
            framing += b"traceparent: %b\r\n" % request.traceparent
        return b"".join((head, self.lane.answer_lines, self.set_cookie, framing, b"\r\n", body))

    def _finish(self, status: int, now: float, error: str | None) -> None:
        self.done = True
        board, cell = self.board, self.lane.cell
        board.in_flight.discard(self)
        cell.in_flight -= 1
        if error is not None:
            cell.error(error)
        board.turn.book(self, status, now - self.began, error)
        self.client.exchange_done(self, now)
