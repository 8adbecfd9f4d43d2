"""The two protocols between fake transports: cut anywhere, fed anything, they behave and never raise."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strangler.proxy.client import ClientConnection
from strangler.proxy.flow import WRITE_BUFFER_BYTES
from strangler.proxy.pool import Address, Pool
from strangler.proxy.switchboard import Switchboard
from strangler.proxy.upstream import UpstreamConnection
from tests.proxy.edge import Flags, config_of
from tests.proxy.test_request_heads import SMUGGLING
from tests.proxy.test_response_heads import GARBLED

ADDRESS = "http://127.0.0.1:1"
CONFIG = config_of({"legacy": (ADDRESS,)})


class Transport(asyncio.Transport):
    """Takes what is written; the test decides when it is full."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 50000)})
        self.written = b""
        self.writes = 0
        self.unsent = 0
        self.closed = False
        self.aborted = False
        self.ended = False
        self.paused = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.ended, "nothing is written after the end"
        assert not self.closed, "nothing is written after closing"
        self.written += bytes(data)
        self.writes += 1

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = self.aborted = True

    def write_eof(self) -> None:
        self.ended = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        assert not self.paused
        self.paused = True

    def resume_reading(self) -> None:
        assert self.paused
        self.paused = False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        assert (high, low) == (WRITE_BUFFER_BYTES, None)

    def get_write_buffer_size(self) -> int:
        return self.unsent


class Bench:
    """A client's connection and one connection to legacy, which is idle at first."""

    def __init__(self) -> None:
        self.flags = Flags()
        self.flags.add("GET /route", "legacy")
        pool = Pool("legacy", (ADDRESS,), CONFIG.limits, CONFIG.timeouts)
        self.board = Switchboard(CONFIG, self.flags, self.flags.routes, {"legacy": pool}, None)
        self.address: Address = pool.addresses[0]
        self.upstream = UpstreamConnection(pool, self.address)
        self.to_upstream = Transport()
        self.upstream.connection_made(self.to_upstream)
        self.address.idle.append(self.upstream)
        self.client = ClientConnection(self.board)
        self.to_client = Transport()
        self.client.connection_made(self.to_client)

    # what uvloop calls, each in a turn of its own

    def from_client(self, data: bytes) -> None:
        self.client.data_received(data)
        self.board.turn.end()

    def from_upstream(self, data: bytes) -> None:
        self.upstream.data_received(data)
        self.board.turn.end()

    def lose_client(self) -> None:
        self.client.connection_lost(None)
        self.board.turn.end()

    def lose_upstream(self) -> None:
        self.to_upstream.closed = True
        self.upstream.connection_lost(None)
        self.board.turn.end()

    def resume_client(self) -> None:
        self.client.resume_writing()
        self.board.turn.end()


async def bench() -> Bench:
    await asyncio.sleep(0)
    return Bench()


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({place % (len(data) + 1) for place in cuts})
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True) if a != b]


IDS = b"X-Request-ID: one\r\ntraceparent: 00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01\r\n"
REQUESTS = [
    b"GET /route HTTP/1.1\r\nHost: a\r\n" + IDS + b"\r\n",
    b"\r\nPOST /x HTTP/1.1\r\nHost: a\r\n" + IDS + b"Content-Length: 5\r\n\r\nhello",
]
ANSWERS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nT: u\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n",
]
CUTS = st.lists(st.integers(0, 1000), max_size=10)


def payload(answer: bytes) -> bytes:
    """An answer without its chunks' borders, which may lie elsewhere."""
    head, _, body = (
        answer.rpartition(b"\r\n\r\n") if b"chunked" not in answer else answer.partition(b"\r\n\r\n")
    )
    if b"Transfer-Encoding: chunked" not in head:
        return answer
    whole = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        whole += body[: int(size, 16)]
        body = body[int(size, 16) + 2 :]
    return head + b"\r\n\r\n" + whole


def exchange(bench: Bench, requests: list[bytes], answers: list[bytes]) -> tuple[bytes, bytes]:
    for piece in requests:
        bench.from_client(piece)
    for piece in answers:
        bench.from_upstream(piece)
    assert not bench.board.in_flight
    assert not bench.to_client.paused
    assert not bench.to_upstream.paused
    return bench.to_upstream.written, payload(bench.to_client.written)


@pytest.mark.parametrize("request_bytes", REQUESTS)
@pytest.mark.parametrize("answer_bytes", ANSWERS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(request_cuts=CUTS, answer_cuts=CUTS)
async def test_a_stream_that_is_cut_anywhere_gives_the_same_result(
    request_bytes, answer_bytes, request_cuts, answer_cuts
):
    whole = exchange(await bench(), [request_bytes], [answer_bytes])
    pieces = exchange(await bench(), cut(request_bytes, request_cuts), cut(answer_bytes, answer_cuts))
    assert pieces == whole
    assert whole[0].endswith(request_bytes.partition(b"\r\n\r\n")[2])


@given(st.binary(max_size=300), CUTS)
async def test_garbage_from_a_client_is_answered_or_waited_for_and_goes_nowhere(garbage, cuts):
    made = await bench()
    for piece in cut(garbage, cuts):
        made.from_client(piece)
    assert not made.to_client.written or made.to_client.written.startswith(b"HTTP/1.1 ")
    if made.to_client.written:
        assert made.to_client.ended


@given(st.sampled_from([raw for raw in SMUGGLING.values() if raw.strip()]), CUTS)
async def test_a_smuggling_attempt_is_refused_however_it_is_cut(raw, cuts):
    made = await bench()
    for piece in cut(raw, cuts):
        made.from_client(piece)
    assert made.to_client.written.startswith(b"HTTP/1.1 400 ")
    assert made.to_client.ended
    assert made.to_upstream.written == b""


@given(
    st.sampled_from(list(GARBLED.values())) | st.binary(max_size=300).map(lambda raw: raw + b"\r\n\r\n"), CUTS
)
async def test_garbage_from_an_upstream_never_hangs_a_client(garbage, cuts):
    made = await bench()
    made.from_client(REQUESTS[0])
    for piece in cut(garbage, cuts):
        if not made.to_upstream.closed:
            made.from_upstream(piece)
    if not made.to_upstream.closed:
        made.lose_upstream()
    assert made.to_client.aborted or made.to_client.written.startswith(b"HTTP/1.1 ")
    assert not made.board.in_flight


@given(st.lists(st.sampled_from([*REQUESTS, *SMUGGLING.values(), b"\r\n", b"GET", b"\0"]), max_size=6), CUTS)
async def test_any_pipeline_leaves_nothing_in_flight_once_the_client_is_gone(requests, cuts):
    made = await bench()
    for piece in cut(b"".join(requests), cuts):
        if not made.to_client.closed:
            made.from_client(piece)
    made.lose_client()
    assert not made.board.in_flight
    assert not made.board.clients


@pytest.mark.parametrize("request_bytes", REQUESTS)
async def test_what_comes_in_one_piece_goes_on_in_one_piece(request_bytes):
    made = await bench()
    made.from_client(request_bytes)
    made.from_upstream(ANSWERS[0])
    assert (made.to_upstream.writes, made.to_client.writes) == (1, 1)
    assert made.address.idle == [made.upstream]


async def test_a_connection_that_answered_before_it_had_the_whole_request_is_not_used_again():
    made = await bench()
    made.from_client(REQUESTS[1])
    made.to_upstream.unsent = 1
    made.from_upstream(ANSWERS[0])
    assert made.to_client.written.endswith(b"\r\n\r\nabc")
    assert made.to_upstream.closed
    assert not made.address.idle


async def test_reading_from_the_upstream_stops_while_the_client_is_slow():
    made = await bench()
    made.from_client(REQUESTS[0])
    made.from_upstream(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
    made.client.pause_writing()
    assert made.to_upstream.paused
    made.resume_client()
    assert not made.to_upstream.paused
    made.client.pause_writing()
    made.from_upstream(b"defghij")
    assert not made.to_upstream.paused, "it serves others now"


async def test_reading_from_the_client_stops_while_the_upstream_is_slow():
    made = await bench()
    made.from_client(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
    made.upstream.pause_writing()
    assert made.to_client.paused
    made.upstream.resume_writing()
    assert not made.to_client.paused


async def test_a_slow_client_gets_no_second_answer_into_its_buffer():
    made = await bench()
    made.from_client(REQUESTS[0])
    made.client.pause_writing()
    made.from_upstream(ANSWERS[0])
    sent = made.to_upstream.written
    made.from_client(REQUESTS[0])
    assert made.to_upstream.written == sent
    made.resume_client()
    assert made.to_upstream.written == sent * 2


async def test_what_a_client_sends_ahead_is_bounded():
    made = await bench()
    made.from_client(REQUESTS[0])
    while not made.to_client.paused:
        made.from_client(REQUESTS[0] * 50)
    assert len(made.client.take_buffer()) < 2 * made.board.limits.pipelined_bytes
    made.from_upstream(ANSWERS[0])
    assert not made.to_client.paused


async def test_a_request_sent_again_is_steered_anew():
    made = await bench()
    made.upstream.reused = True
    made.from_client(REQUESTS[0])
    assert made.client.exchange is not None
    made.flags.move("GET /route", "service")
    made.lose_upstream()
    assert b"service-not-deployed" in made.to_client.written


@pytest.mark.parametrize(
    ("method", "rest"),
    [
        ("GET", b"\r\n"),
        ("POST", b"\r\n"),
        ("POST", b"Content-Length: 3\r\n\r\nabc"),
        ("POST", b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
    ],
)
async def test_what_was_never_sent_is_sent_elsewhere_whole_whatever_its_method(method, rest):
    made = await bench()
    made.upstream.reused = True
    made.client.data_received(method.encode() + b" /route HTTP/1.1\r\nHost: a\r\n" + rest)
    made.to_upstream.closed = True  # in the same turn, before the request is written
    made.board.turn.end()
    made.lose_upstream()
    assert made.to_upstream.written == b""
    assert made.to_client.written == b""
    pool = made.board.pools["legacy"]
    (exchange,) = pool.waiting
    other, transport = UpstreamConnection(pool, made.address), Transport()
    other.connection_made(transport)
    exchange.connected(other)
    made.board.turn.end()
    assert transport.written.count(b" /route HTTP/1.1\r\n") == 1
    assert transport.written.endswith(rest.partition(b"\r\n\r\n")[2])
    await pool.close()
