"""The strangler as it is run, under load, while things happen to it."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest

from tests.proxy.running import Strangler, listens, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.proxy.conftest import StartStrangler

MIB = 1 << 20


@pytest.fixture
async def strangler(start: StartStrangler) -> AsyncIterator[Strangler]:
    async with start() as started:
        yield started


class Load:
    """Clients that ask without pause on kept connections, as long as no answer says `Connection: close`."""

    def __init__(self, strangler: Strangler, line: str = "GET /things/1", clients: int = 16) -> None:
        self.strangler = strangler
        self.line = line
        self.answers: Counter[tuple[int, str]] = Counter()
        self.broken: Counter[str] = Counter()
        self._stop = asyncio.Event()
        self.clients = clients
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._ask()) for _ in range(self.clients)]
        await self.more(100)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        await asyncio.gather(*self._tasks)

    @property
    def count(self) -> int:
        return sum(self.answers.values()) + sum(self.broken.values())

    async def more(self, count: int) -> None:
        goal = self.count + count
        await until(lambda: self.count >= goal)

    async def _ask(self) -> None:
        client = None
        while not self._stop.is_set():
            try:
                if client is None:
                    client = await self.strangler.client()
                found = await client.ask(self.line)
            except (OSError, asyncio.IncompleteReadError) as error:
                self.broken[type(error).__name__] += 1
                client = None
                await asyncio.sleep(0.01)
                continue
            self.answers[found.status, found.headers.get("banyan-side", "-")] += 1
            if found.headers.get("connection") == "close":
                await client.close()
                client = None


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def test_health_readiness_and_metrics_are_on_the_admin_port_alone(strangler: Strangler):
    client = await strangler.client()
    for _ in range(5):
        assert (await client.ask("GET /things/1")).status == 200
    assert (await strangler.admin("/readyz"))[0] == 200
    health = await strangler.health()
    assert health["status"] == "alive"
    assert health["flags"]["redis"] is True
    assert len(health["workers"]) == 2
    status, metrics = await strangler.admin("/metrics")
    assert status == 200
    assert 'strangler_requests_total{route="GET /things/{id}",side="legacy",status="2xx"} 5' in metrics
    assert 'strangler_request_seconds_count{route="GET /things/{id}",side="legacy"} 5' in metrics
    for path in ("/metrics", "/healthz", "/readyz"):
        assert b'"side": "legacy"' in (await client.ask(f"GET {path}")).body


async def test_flags_that_change_under_load_fail_no_request(strangler: Strangler):
    chance = random.Random(3)
    modes: list[Any] = [
        {"mode": "service"},
        {"mode": "legacy"},
        {"mode": "split", "percent": 50, "sticky": "none"},
        {"mode": "split", "percent": 10, "sticky": "client"},
    ]
    async with Load(strangler) as load:
        for _ in range(25):
            await strangler.announce({"GET /things/{id}": chance.choice(modes)})
            await load.more(100)
        await strangler.set_flags(**{"GET /things/{id}": {"mode": "service"}})
        load.answers[200, "legacy"] += 0
        before = load.answers[200, "legacy"]
        await load.more(200)
        assert load.answers[200, "legacy"] - before <= load.clients
    assert not load.broken
    assert load.answers.keys() == {(200, "legacy"), (200, "service")}
    assert load.count > 2500


async def test_a_worker_that_is_killed_is_replaced_and_its_queue_is_served(strangler: Strangler):
    pids = await strangler.worker_pids()
    async with Load(strangler) as load:
        os.kill(pids[0], signal.SIGKILL)
        await until(strangler.is_ready)
        await load.more(200)
        assert load.broken.keys() <= {"ConnectionResetError", "IncompleteReadError"}
        assert sum(load.broken.values()) <= 16  # what it had in hand; nobody was refused
    assert set(await strangler.worker_pids()) != set(pids)
    assert load.answers.keys() == {(200, "legacy")}


async def test_workers_are_rolled_under_load_without_a_failed_request(strangler: Strangler):
    pids = set(await strangler.worker_pids())

    async def all_new() -> bool:
        current = await strangler.worker_pids()
        return len(current) == 2 and not pids & set(current)

    async with Load(strangler) as load:
        strangler.process.send_signal(signal.SIGHUP)
        await until(all_new)
        await load.more(200)
    assert not load.broken
    assert load.answers.keys() == {(200, "legacy")}


async def test_sigterm_finishes_what_runs_and_then_ends(strangler: Strangler):
    idle, busy = await strangler.client(), await strangler.client()
    assert (await idle.ask("GET /things/1")).status == 200
    running_request = asyncio.create_task(busy.ask("GET /slow?s=1.5"))
    await until(lambda: _in_flight(strangler, 1))
    strangler.process.send_signal(signal.SIGTERM)
    while "connection" not in (late := await idle.ask("GET /things/2")).headers:
        assert late.status == 200  # the workers have not been told yet
    assert (late.status, late.headers["connection"]) == (200, "close")
    found = await running_request
    assert (found.status, found.headers["connection"]) == (200, "close")
    assert await asyncio.to_thread(strangler.process.wait, 10) == 0
    assert not await listens(strangler.port)


async def _in_flight(strangler: Strangler, count: int) -> bool:
    return sum(worker["in_flight"] for worker in (await strangler.health())["workers"]) == count


async def test_a_drain_ends_by_its_deadline_even_if_a_request_does_not(start: StartStrangler):
    async with start(workers=1, DRAIN_S="1") as strangler:
        client = await strangler.client()
        client.send(b"GET /slow?s=60 HTTP/1.1\r\nHost: a\r\n\r\n")
        await until(lambda: _in_flight(strangler, 1))
        strangler.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(strangler.process.wait, 10) == 0
        assert await client.is_closed()


async def test_workers_end_when_their_supervisor_is_killed(start: StartStrangler):
    async with start(DRAIN_S="1") as strangler:
        pids = await strangler.worker_pids()
        strangler.process.kill()
        await until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))


async def test_an_upstream_that_is_killed_under_load_is_missed_for_as_long_as_it_is_gone(
    strangler: Strangler,
):
    legacy = strangler.applications["legacy"]
    async with Load(strangler) as load:
        legacy.kill()
        await load.more(100)
        await legacy.start()

        async def answers_again() -> bool:
            before = load.answers[200, "legacy"]
            await load.more(50)
            return load.answers[200, "legacy"] - before >= 50

        await until(answers_again)
    assert not load.broken
    assert load.answers.keys() == {(200, "legacy"), (502, "legacy")}


async def test_an_upstream_that_is_killed_within_an_answer_cuts_it_off(strangler: Strangler):
    client = await strangler.client()
    client.send(b"GET /download?bytes=1000000000 HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (await client.head()).status == 200
    await client.reader.readexactly(MIB)
    strangler.applications["legacy"].kill()
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await client.reader.readexactly(1_000_000_000)
    assert (await (await strangler.client()).ask("GET /things/1")).status == 502


@pytest.mark.parametrize("framing", ["", "&chunked"])
async def test_a_large_download_to_a_slow_client_takes_no_memory(start: StartStrangler, framing):
    size = 256 * MIB
    async with start(workers=1) as strangler:
        (pid,) = await strangler.worker_pids()
        client = await strangler.client()
        assert (await client.ask("GET /download?bytes=1000000")).status == 200
        before = resident_bytes(pid)
        client.send(f"GET /download?bytes={size}{framing} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        await client.head()
        await asyncio.sleep(0.5)  # what would pile up piles up now
        assert resident_bytes(pid) - before < 16 * MIB
        received, most = 0, 0
        while received < size:
            part = await (client.chunk() if framing else client.reader.read(MIB))
            received += len(part)
            most = max(most, resident_bytes(pid) - before)
        if framing:
            assert await client.chunk() == b""
        assert received == size
        assert most < 16 * MIB
        assert (await client.ask("GET /things/1")).status == 200


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_large_upload_to_a_slow_upstream_takes_no_memory(start: StartStrangler, chunked):
    size, piece = 256 * MIB, os.urandom(MIB)
    async with start(workers=1) as strangler:
        (pid,) = await strangler.worker_pids()
        client = await strangler.client()
        assert (await client.ask("POST /upload", body=piece)).status == 200
        before, most = resident_bytes(pid), 0
        framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"
        client.send(f"POST /upload?after=0.5 HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n".encode())
        for _ in range(size // len(piece)):
            client.send(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            await client.writer.drain()
            most = max(most, resident_bytes(pid) - before)
        if chunked:
            client.send(b"0\r\n\r\n")
        found = await client.answer()
        assert found.body == b'{"received": %d}' % size
        assert most < 16 * MIB


async def test_a_real_websocket_talks_through(strangler: Strangler):
    async with strangler.session.ws_connect(f"http://127.0.0.1:{strangler.port}/echo") as socket:
        for text in ("hello", "x" * 100_000):
            await socket.send_str(text)
            assert await socket.receive_str() == text[::-1]
    async with asyncio.timeout(5):
        await until(lambda: _in_flight(strangler, 0))


async def test_the_access_log_has_a_line_for_each_request(start: StartStrangler):
    async with start(workers=1) as strangler:
        client = await strangler.client()
        for number in range(50):
            path = f"/things/{number}?token=secret"
            assert (await client.ask(f"GET {path}", f"X-Request-ID: id-{number}")).status == 200
        await client.ask('GET /odd"path\\')
        client.send(b"GET nonsense HTTP/1.1\r\nHost: a\r\n\r\n")
        await client.answer()
        strangler.stop()
        lines = strangler.access_log()
        assert [line["path"] for line in lines[:50]] == [f"/things/{number}" for number in range(50)]
        assert [line["request_id"] for line in lines[:50]] == [f"id-{number}" for number in range(50)]
        assert lines[0]["route"] == "GET /things/{id}"
        assert lines[0]["side"] == "legacy"
        assert lines[0]["upstream"].endswith(str(strangler.applications["legacy"].port))
        assert lines[50]["path"] == '/odd"path\\'
        assert lines[51]["error"] == "malformed-request"
        assert "secret" not in strangler.log.read_text()
