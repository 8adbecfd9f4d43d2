"""What goes through the proxy as it should, over real sockets."""

from __future__ import annotations

import asyncio
import os
import re
from typing import TYPE_CHECKING

import pytest

from tests.proxy.edge import Edge, Upstream, answer, open_edge, says

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter


async def test_a_request_and_its_answer_go_through(edge: Edge):
    client = await edge.client()
    found = await client.ask("GET /route?a=b", "Accept: text/plain", "Connection: X", "X: y")
    assert (found.status, found.body) == (200, b"/route?a=b")
    assert found.headers["banyan-side"] == "legacy"
    assert found.headers["via"] == "1.1 banyan"
    (request,) = edge.legacy.requests
    assert request.header("Accept") == "text/plain"
    assert request.header("Via") == "1.1 banyan"
    assert request.header("X-Forwarded-For") == "127.0.0.1"
    assert request.header("Connection") is None
    assert request.header("X") is None


async def test_the_ids_of_a_request_are_made_passed_on_and_returned(edge: Edge):
    client = await edge.client()
    found = await client.ask("GET /route")
    (request,) = edge.legacy.requests
    assert re.fullmatch(r"[0-9a-f]{32}", found.headers["x-request-id"])
    assert request.header("X-Request-ID") == found.headers["x-request-id"]
    assert request.header("traceparent") == found.headers["traceparent"]
    taken = await client.ask("GET /route", "X-Request-ID: mine")
    assert taken.headers["x-request-id"] == "mine"


async def test_each_route_goes_to_its_side_and_unknown_paths_to_legacy():
    service = says(answer(b"service"))
    async with open_edge(
        says(answer(b"legacy")), service, routes={"GET /a": "service", "GET /b": "legacy"}
    ) as edge:
        client = await edge.client()
        for path, side in (
            ("/a", "service"),
            ("/b", "legacy"),
            ("/unknown", "legacy"),
            ("/a?x=/b", "service"),
        ):
            found = await client.ask(f"GET {path}")
            assert (found.body.decode(), found.headers["banyan-side"]) == (side, side)


async def test_a_flag_that_changes_moves_the_next_request_on_the_same_connection():
    async with open_edge(
        says(answer(b"legacy")), says(answer(b"service")), routes={"GET /a": "legacy"}
    ) as edge:
        client = await edge.client()
        assert (await client.ask("GET /a")).body == b"legacy"
        edge.flags.move("GET /a", "service")
        assert (await client.ask("GET /a")).body == b"service"


async def test_connections_to_upstreams_are_kept_and_shared(edge: Edge):
    for _ in range(3):
        client = await edge.client()
        for _ in range(3):
            assert (await client.ask("GET /route")).status == 200
    assert edge.legacy.connections == 1


@pytest.mark.parametrize("size", [1, 1000, 300_000, 3_000_000])
async def test_bodies_of_any_size_go_both_ways_with_a_length(size):
    async def echo(upstream: Upstream, reader: StreamReader, writer: StreamWriter) -> None:
        while True:
            writer.write(answer((await upstream.read_request(reader)).body))
            await writer.drain()

    body = os.urandom(size)
    async with open_edge(echo) as edge:
        client = await edge.client()
        for _ in range(2):
            assert (await client.ask("POST /upload", body=body)).body == body
        assert edge.legacy.connections == 1


async def test_chunked_bodies_go_both_ways_without_their_trailers():
    parts = [b"a", b"b" * 1000, b"c" * 100_000]

    async def echo(upstream: Upstream, reader: StreamReader, writer: StreamWriter) -> None:
        while True:
            body = (await upstream.read_request(reader)).body
            half = len(body) // 2
            writer.write(b"HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n")
            for part in (body[:half], body[half:]):
                writer.write(b"%x;ext=1\r\n%b\r\n" % (len(part), part))
            writer.write(b"0\r\nX-Sum: 1\r\n\r\n")
            await writer.drain()

    async with open_edge(echo) as edge:
        client = await edge.client()
        for _ in range(2):
            client.send(
                b"POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n"
            )
            for part in parts:
                client.send(b"%X;x=y\r\n%b\r\n" % (len(part), part))
            client.send(b"0\r\nX: dropped\r\n\r\n")
            found = await client.answer()
            assert found.body == b"".join(parts)
            assert "trailer" not in found.headers
        assert edge.legacy.connections == 1
        assert edge.legacy.requests[0].header("Trailer") is None


async def test_pipelined_requests_are_answered_in_their_order():
    async def slow_first(upstream: Upstream, reader: StreamReader, writer: StreamWriter) -> None:
        while True:
            path = (await upstream.read_request(reader)).line.split()[1]
            if path == "/1":
                await asyncio.sleep(0.05)
            writer.write(answer(path.encode()))

    async with open_edge(slow_first) as edge:
        client = await edge.client()
        client.send(
            b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
            b"POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
            b"POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
            b"\r\nGET /4 HTTP/1.1\r\nHost: a\r\n\r\n"
        )
        assert [(await client.answer()).body for _ in range(4)] == [b"/1", b"/2", b"/3", b"/4"]
        assert [request.body for request in edge.legacy.requests] == [b"", b"abc", b"abc", b""]


async def test_many_pipelined_requests_wait_in_a_bounded_buffer(edge: Edge):
    client = await edge.client()
    count = 3000
    client.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % n for n in range(count)))
    for number in range(count):
        assert (await client.answer()).body == b"/%d" % number


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
async def test_answers_without_a_body_leave_the_connection_in_order(status):
    head = f"HTTP/1.1 {status}\r\nETag: a\r\n\r\n".encode()
    async with open_edge(says(head)) as edge:
        client = await edge.client()
        for _ in range(3):
            assert (await client.ask("GET /route")).status == int(status[:3])
        assert edge.legacy.connections == 1


async def test_the_answer_to_head_has_a_length_and_no_body():
    async with open_edge(says(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")) as edge:
        client = await edge.client()
        for _ in range(3):
            found = await client.ask("HEAD /route")
            assert found.headers["content-length"] == "500"
        assert edge.legacy.connections == 1


async def test_a_body_that_ends_with_its_connection_becomes_chunked():
    async with open_edge(says(b"HTTP/1.1 200 OK\r\n\r\n", b"one", b"two", close=True)) as edge:
        client = await edge.client()
        for _ in range(2):
            found = await client.ask("GET /route")
            assert found.body == b"onetwo"
            assert found.headers["transfer-encoding"] == "chunked"


async def test_http_1_0_clients_get_what_they_can_read():
    script = says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")
    async with open_edge(script) as edge:
        client = await edge.client()
        client.send(b"GET /route HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
        found = await client.answer()
        assert found.body == b"onetwo"
        assert found.headers["connection"] == "close"
        assert "transfer-encoding" not in found.headers


async def test_http_1_0_connections_are_kept_if_the_client_asks_for_it(edge: Edge):
    client = await edge.client()
    for _ in range(2):
        client.send(b"GET /route HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
        assert (await client.answer()).headers["connection"] == "keep-alive"
    client.send(b"GET /route HTTP/1.0\r\nHost: a\r\n\r\n")
    assert (await client.answer()).headers["connection"] == "close"
    assert await client.is_closed()


async def test_the_connection_closes_after_the_answer_if_the_client_says_so(edge: Edge):
    client = await edge.client()
    found = await client.ask("GET /route", "Connection: close")
    assert found.headers["connection"] == "close"
    assert found.body == b"/route"
    assert await client.is_closed()


async def test_a_connection_that_an_upstream_closes_is_not_used_again():
    async with open_edge(says(answer(b"a", "Connection: close"))) as edge:
        client = await edge.client()
        for _ in range(3):
            found = await client.ask("GET /route")
            assert found.body == b"a"
            assert "connection" not in found.headers
        assert edge.legacy.connections == 3


async def test_100_continue_is_asked_of_the_upstream_and_its_word_passed_on():
    async def careful(upstream: Upstream, reader: StreamReader, writer: StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"\r\nExpect: 100-continue\r\n" in head
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        writer.write(answer(await reader.readexactly(5)))
        await writer.drain()
        await reader.read()

    async with open_edge(careful) as edge:
        client = await edge.client()
        client.send(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        assert (await client.head()).status == 100
        client.send(b"hello")
        assert (await client.answer()).body == b"hello"


async def test_a_refusal_in_place_of_100_continue_reaches_the_client_at_once():
    async def strict(upstream: Upstream, reader: StreamReader, writer: StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(b"no", status="403 Forbidden"))
        await writer.drain()
        await reader.read()

    async with open_edge(strict) as edge:
        client = await edge.client()
        client.send(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        found = await client.answer()
        assert (found.status, found.body, found.headers["connection"]) == (403, b"no", "close")
        assert await client.is_closed()
        await edge.legacy.until(lambda upstream: upstream.closed == 1)


async def test_early_hints_pass():
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
    async with open_edge(says(hints + hints + answer(b"done"))) as edge:
        client = await edge.client()
        for _ in range(2):
            client.send(b"GET /route HTTP/1.1\r\nHost: a\r\n\r\n")
            assert (await client.head()).headers["link"] == "</a.css>"
            assert (await client.head()).status == 103
            assert (await client.answer()).body == b"done"


async def test_server_sent_events_pass_as_they_come():
    more = asyncio.Event()

    async def events(upstream: Upstream, reader: StreamReader, writer: StreamWriter) -> None:
        await upstream.read_request(reader)
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for number in range(3):
            event = b"data: %d\n\n" % number
            writer.write(b"%x\r\n%b\r\n" % (len(event), event))
            await more.wait()
            more.clear()
        writer.write(b"0\r\n\r\n")

    async with open_edge(events) as edge:
        client = await edge.client()
        client.send(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await client.head()).headers["content-type"] == "text/event-stream"
        for number in range(3):  # the next event is only sent when this one has arrived
            assert await client.chunk() == b"data: %d\n\n" % number
            more.set()
        assert await client.chunk() == b""


async def test_a_websocket_is_tunnelled_both_ways():
    async def websocket(upstream: Upstream, reader: StreamReader, writer: StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"\r\nConnection: Upgrade\r\n" in head
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nfirst"
        )
        while data := await reader.read(100):
            writer.write(data[::-1])

    async with open_edge(websocket) as edge:
        client = await edge.client()
        client.send(b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly")
        found = await client.head()
        assert (found.status, found.headers["upgrade"], found.headers["connection"]) == (
            101,
            "websocket",
            "Upgrade",
        )
        assert await client.reader.readexactly(10) == b"firstylrae"
        client.send(b"GET / HTTP/1.1\r\n\r\n")
        assert await client.reader.readexactly(18) == b"\n\r\n\r1.1/PTTH / TEG"
        await client.close()
        await edge.legacy.until(lambda upstream: upstream.closed == 1)
        assert not edge.board.in_flight


async def test_a_tunnel_closes_when_the_upstream_does():
    switch = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nbye"
    async with open_edge(says(switch, close=True)) as edge:
        client = await edge.client()
        client.send(b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        assert (await client.head()).status == 101
        assert await client.reader.readexactly(3) == b"bye"
        assert await client.is_closed()


async def test_a_client_that_goes_away_takes_its_upstream_request_with_it():
    async def never(upstream: Upstream, reader: StreamReader, writer: StreamWriter) -> None:
        await upstream.read_request(reader)
        await reader.read()

    async with open_edge(never) as edge:
        client = await edge.client()
        client.send(b"GET /route HTTP/1.1\r\nHost: a\r\n\r\n")
        await edge.legacy.until(lambda upstream: bool(upstream.requests))
        await client.close()
        await edge.legacy.until(lambda upstream: upstream.closed == 1)
        assert not edge.board.in_flight
        assert edge.board.report()[0]["errors"] == {"client-gone": 1}


async def test_an_answer_that_comes_before_the_body_is_whole_closes_both_connections():
    async def impatient(upstream: Upstream, reader: StreamReader, writer: StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(b"enough", status="413 Content Too Large"))
        await reader.read()

    async with open_edge(impatient) as edge:
        client = await edge.client()
        client.send(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n" + b"a" * 1000)
        found = await client.answer()
        assert (found.status, found.body, found.headers["connection"]) == (413, b"enough", "close")
        client.send(b"a" * 1000)
        assert await client.is_closed()
        await edge.legacy.until(lambda upstream: upstream.closed == 1)
