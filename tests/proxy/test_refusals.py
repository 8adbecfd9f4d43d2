"""What the proxy answers itself, over real sockets:

limits, timeouts, upstreams that fail. Never a hanging client.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from strangler.config import Limits
from tests.proxy.edge import QUICK, Edge, Upstream, answer, open_edge, says
from tests.proxy.test_chunks import BROKEN
from tests.proxy.test_request_heads import SMUGGLING
from tests.proxy.test_response_heads import GARBLED

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter


async def silent(upstream: Upstream, reader: StreamReader, writer: StreamWriter) -> None:
    await upstream.read_request(reader)
    await reader.read()


async def test_what_could_smuggle_is_answered_400_and_closed_before_a_byte_goes_upstream(edge: Edge):
    for name, raw in SMUGGLING.items():
        client = await edge.client()
        client.send(raw + b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
        found = await client.answer()
        assert (found.status, found.slug) == (400, "malformed-request"), name
        assert found.headers["connection"] == "close"
        assert await client.is_closed(), name
    assert edge.legacy.connections == 0


@pytest.mark.parametrize("coded", BROKEN.values(), ids=BROKEN.keys())
async def test_a_broken_chunk_is_400_and_the_upstream_never_gets_a_whole_request(edge: Edge, coded):
    client = await edge.client()
    client.send(b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + coded)
    assert (await client.answer()).slug == "malformed-request"
    assert await client.is_closed()
    assert not edge.legacy.requests


@pytest.mark.parametrize("raw", GARBLED.values(), ids=GARBLED.keys())
async def test_an_upstream_that_talks_nonsense_is_502_and_its_connection_is_closed(raw):
    async with open_edge(says(raw)) as edge:
        client = await edge.client()
        found = await client.ask("GET /route")
        assert (found.status, found.slug) == (502, "upstream-garbled")
        await edge.legacy.until(lambda upstream: upstream.closed == 1)


async def test_bytes_that_an_upstream_sends_unasked_never_become_an_answer():
    async def eager(upstream: Upstream, reader: StreamReader, writer: StreamWriter) -> None:
        path = (await upstream.read_request(reader)).line.split()[1].encode()
        writer.write(answer(path) + answer(b"poison"))
        await reader.read()

    async with open_edge(eager) as edge:
        client = await edge.client()
        for path in (b"/1", b"/2", b"/3"):
            assert (await client.ask(f"GET {path.decode()}")).body == path
        assert edge.legacy.connections == 3


async def test_limits_of_heads_have_their_own_statuses(edge: Edge):
    for raw, status, slug in (
        (b"GET /" + b"a" * 9000, 414, "target-too-long"),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414, "target-too-long"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 40_000, 431, "headers-too-large"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 40_000 + b"\r\n\r\n", 431, "headers-too-large"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 200 + b"\r\n", 431, "headers-too-large"),
    ):
        client = await edge.client()
        client.send(raw)
        found = await client.answer()
        assert (found.status, found.slug) == (status, slug)
        assert await client.is_closed()
    assert edge.legacy.connections == 0


async def test_a_body_beyond_the_routes_limit_is_413():
    async with open_edge(routes={"POST /small": ("legacy", {"max_body": 100})}) as edge:
        client = await edge.client()
        client.send(b"POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n")
        assert (await client.answer()).slug == "too-large"
        assert edge.legacy.connections == 0
        client = await edge.client()
        client.send(
            b"POST /small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            + b"a\r\n0123456789\r\n" * 11
        )
        assert (await client.answer()).slug == "too-large"
        assert not edge.legacy.requests
        client = await edge.client()
        assert (await client.ask("POST /small", body=b"a" * 100)).status == 200


@pytest.mark.parametrize("size", [500_000, 20 << 20], ids=["some", "what an edge lets through"])
async def test_a_client_that_still_sends_can_read_its_refusal(size):
    async with open_edge(routes={"POST /small": ("legacy", {"max_body": 100})}) as edge:
        client = await edge.client()
        client.send(b"POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size + b"a" * size)
        assert (await client.answer()).slug == "too-large"


async def test_a_head_that_does_not_arrive_is_408(edge: Edge):
    client = await edge.client()
    client.send(b"GET / HTTP/1.1\r\nHost:")
    found = await client.answer()
    assert (found.status, found.slug) == (408, "request-timeout")
    assert await client.is_closed()


async def test_a_body_that_does_not_arrive_is_408():
    async with open_edge(silent, routes={"POST /slow": ("legacy", {"timeout_s": 0.2})}) as edge:
        client = await edge.client()
        client.send(b"POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
        assert (await client.answer()).slug == "request-timeout"
        assert await client.is_closed()
        await edge.legacy.until(lambda upstream: upstream.closed == 1)


async def test_an_idle_connection_is_closed():
    async with open_edge(timeouts=replace(QUICK, client_idle_s=0.1)) as edge:
        client = await edge.client()
        assert (await client.ask("GET /route")).status == 200
        assert await client.is_closed()


async def test_an_upstream_that_is_down_is_502_at_once_and_comes_back_by_itself(edge: Edge):
    await edge.legacy.stop(abort=True)
    client = await edge.client()
    for _ in range(20):
        found = await client.ask("POST /route", body=b"a")
        assert (found.status, found.slug) == (502, "upstream-down")
        assert "connection" not in found.headers
    await edge.legacy.start()
    async with asyncio.timeout(10):
        while (await client.ask("GET /route")).status != 200:
            await asyncio.sleep(0.01)


async def test_while_an_address_is_on_trial_those_who_come_wait_for_its_outcome(edge: Edge):
    await edge.legacy.stop(abort=True)
    client = await edge.client()
    while (await client.ask("GET /route")).headers.get("retry-after") is None:
        pass
    await edge.legacy.start()
    address = edge.board.pools["legacy"].addresses[0]
    async with asyncio.timeout(10):
        while address.health.state != "trial":
            await asyncio.sleep(0.01)
    clients = [await edge.client() for _ in range(20)]
    answers = await asyncio.gather(*(one.ask("GET /route") for one in clients))
    assert {found.status for found in answers} == {200}


async def test_an_upstream_that_hangs_is_504_by_the_routes_timeout():
    async with open_edge(silent, routes={"GET /slow": ("legacy", {"timeout_s": 0.2})}) as edge:
        client = await edge.client()
        found = await client.ask("GET /slow")
        assert (found.status, found.slug) == (504, "upstream-timeout")
        await edge.legacy.until(lambda upstream: upstream.closed == 1)


async def test_an_upstream_that_hangs_for_all_is_not_asked_by_all():
    async with open_edge(silent, routes={"GET /slow": ("legacy", {"timeout_s": 0.2})}) as edge:
        clients = [await edge.client() for _ in range(6)]
        answers = await asyncio.gather(*(one.ask("GET /slow") for one in clients))
        assert {found.status for found in answers} == {504}
        began = asyncio.get_running_loop().time()
        found = await clients[0].ask("GET /slow")
        assert (found.status, found.headers["retry-after"]) == (504, "1")
        assert asyncio.get_running_loop().time() - began < 0.1


async def test_an_upstream_that_stalls_within_an_answer_cuts_the_connection():
    async with open_edge(says(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")) as edge:
        client = await edge.client()
        client.send(b"GET /route HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await client.head()).status == 200
        assert await client.reader.readexactly(3) == b"abc"
        assert await client.is_closed()


@pytest.mark.parametrize(
    "begun",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
    ],
)
async def test_an_answer_that_breaks_off_is_never_completed_by_the_proxy(begun):
    async with open_edge(says(begun, close=True)) as edge:
        client = await edge.client()
        client.send(b"GET /route HTTP/1.1\r\nHost: a\r\n\r\n")
        await client.head()
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await client.reader.readuntil(b"0\r\n\r\n")
        assert edge.board.report()[0]["errors"] == {"upstream-broke-off": 1}


async def test_an_upstream_that_closes_within_its_head_is_502():
    async with open_edge(says(b"HTTP/1.1 200 OK\r\nContent-", close=True)) as edge:
        client = await edge.client()
        assert (await client.ask("GET /route")).slug == "upstream-broke-off"


async def test_a_route_whose_service_does_not_exist_says_so_and_how_to_flag_it_back():
    async with open_edge(routes={"GET /a": "service"}) as edge:
        client = await edge.client()
        found = await client.ask("GET /a")
        assert (found.status, found.slug) == (502, "service-not-deployed")
        assert b"banyan flag set 'GET /a' legacy --why" in found.body
        assert found.headers["banyan-side"] == "service"


async def test_past_its_limit_of_requests_in_flight_it_answers_503_at_once():
    async with open_edge(silent, limits=Limits(in_flight=3)) as edge:
        clients = [await edge.client() for _ in range(3)]
        for client in clients:
            client.send(b"GET /route HTTP/1.1\r\nHost: a\r\n\r\n")
        await edge.legacy.until(lambda upstream: len(upstream.requests) == 3)
        found = await (await edge.client()).ask("GET /route")
        assert (found.status, found.slug, found.headers["retry-after"]) == (503, "overloaded", "1")


async def test_past_its_limit_of_clients_it_answers_503_and_closes():
    async with open_edge(limits=Limits(clients=2)) as edge:
        for _ in range(2):
            assert (await (await edge.client()).ask("GET /route")).status == 200
        client = await edge.client()
        assert (await client.answer()).slug == "overloaded"
        assert await client.is_closed()


async def test_when_all_connections_are_in_use_requests_wait_in_a_bounded_line():
    release = asyncio.Event()

    async def held(upstream: Upstream, reader: StreamReader, writer: StreamWriter) -> None:
        while True:
            await upstream.read_request(reader)
            await release.wait()
            writer.write(answer(b"done"))

    async with open_edge(held, limits=Limits(upstream_connections=2, waiting_for_upstream=3)) as edge:
        clients = [await edge.client() for _ in range(6)]
        asked = [asyncio.create_task(client.ask("GET /route")) for client in clients]
        refused, pending = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        assert [task.result().slug for task in refused] == ["upstream-busy"]
        release.set()
        assert {(await task).status for task in pending} == {200}
        assert edge.legacy.connections == 2


async def test_who_waits_too_long_in_the_line_gets_503():
    limits = Limits(upstream_connections=1)
    async with open_edge(silent, limits=limits, timeouts=replace(QUICK, connect_s=0.1, queue_s=0.1)) as edge:
        first, second = await edge.client(), await edge.client()
        first.send(b"GET /route HTTP/1.1\r\nHost: a\r\n\r\n")
        await edge.legacy.until(lambda upstream: len(upstream.requests) == 1)
        found = await second.ask("GET /route")
        assert (found.status, found.slug, found.headers["retry-after"]) == (503, "upstream-busy", "1")


class Forgetful:
    """An upstream that answers the first request of each connection, and closes it on the second without a
    word.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, upstream: Upstream, reader: StreamReader, writer: StreamWriter) -> None:
        await upstream.read_request(reader)
        writer.write(answer(b"ok"))
        self.asked.append((await upstream.read_request(reader)).line)
        writer.transport.abort()


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
async def test_an_idempotent_request_on_a_stale_connection_is_sent_again(method):
    script = Forgetful()
    async with open_edge(script) as edge:
        client = await edge.client()
        assert (await client.ask("GET /warm")).status == 200
        assert (await client.ask(f"{method} /route")).status == 200
        assert script.asked == [f"{method} /route HTTP/1.1"]
        assert edge.legacy.connections == 2
        assert sum(cell["retries"] for cell in edge.board.report()) == 1


@pytest.mark.parametrize(("method", "body"), [("POST", b""), ("PATCH", b""), ("POST", b"a"), ("PUT", b"a")])
async def test_a_request_that_may_have_been_done_is_not_sent_again(method, body):
    script = Forgetful()
    async with open_edge(script) as edge:
        client = await edge.client()
        assert (await client.ask("GET /warm")).status == 200
        found = await client.ask(f"{method} /route", body=body)
        assert (found.status, found.slug) == (502, "upstream-broke-off")
        assert edge.legacy.connections == 1


async def test_a_fresh_connection_that_closes_is_not_tried_for_ever():
    async with open_edge(says(close=True)) as edge:
        client = await edge.client()
        assert (await client.ask("GET /route")).slug == "upstream-broke-off"
        assert edge.legacy.connections == 1


async def test_retries_have_a_budget():
    async with open_edge(Forgetful()) as edge:
        pool = edge.board.pools["legacy"]
        pool.retry_budget = 0.5
        client = await edge.client()
        assert (await client.ask("GET /warm")).status == 200
        pool.retry_budget = 0.5
        assert (await client.ask("GET /route")).status == 502


async def test_an_exchange_has_an_end_even_if_bytes_trickle():
    async def trickle(upstream: Upstream, reader: StreamReader, writer: StreamWriter) -> None:
        await upstream.read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not reader.at_eof():
            writer.write(b"a")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with open_edge(trickle, timeouts=replace(QUICK, total_s=0.3)) as edge:
        client = await edge.client()
        client.send(b"GET /route HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await client.head()).status == 200
        async with asyncio.timeout(5):
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await client.reader.readexactly(1_000_000)


async def test_a_silent_tunnel_is_closed():
    switch = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    async with open_edge(says(switch), timeouts=replace(QUICK, tunnel_idle_s=0.2)) as edge:
        client = await edge.client()
        client.send(b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        assert (await client.head()).status == 101
        assert await client.is_closed()
        await edge.legacy.until(lambda upstream: upstream.closed == 1)
