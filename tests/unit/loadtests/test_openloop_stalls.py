"""No stall is hidden: latencies count from when a request was due, against a server that really stalls."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest

from loadtests.openloop.cast import Subject
from loadtests.openloop.lines import Lines
from loadtests.openloop.saturation import Crowd, crowded
from loadtests.openloop.window import Listener, Plan, measure
from loadtests.wire import request

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
PROBLEM = b'{"type":"urn:banyan:problem:resting"}\n'
HOST = "127.0.0.1"


class Server:
    """Answers `ok` one after the other; may stall from some request on, for a time, or take time for each."""

    def __init__(
        self, *, stalls_at: int = 0, stalls_s: float = 0.0, takes_s: float = 0.0, says: bytes = OK
    ) -> None:
        self.asked = 0
        self.stalls_at, self.stalls_s, self.takes_s, self.says = stalls_at, stalls_s, takes_s, says
        self.goes_on_at = 0.0
        self.connections: set[asyncio.Transport] = set()

    def answer_within_s(self) -> float:
        """Of a request that has just come."""
        self.asked += 1
        now = time.monotonic()
        if self.asked == self.stalls_at:
            self.goes_on_at = now + self.stalls_s
        return max(0.0, self.goes_on_at - now) + self.takes_s


class Connection(asyncio.Protocol):
    def __init__(self, server: Server) -> None:
        self.server = server

    def connection_made(self, transport):
        self.transport = transport
        self.server.connections.add(transport)

    def data_received(self, data):
        for _ in range(data.count(b"\r\n\r\n")):
            asyncio.get_running_loop().call_later(self.server.answer_within_s(), self.answer)

    def answer(self):
        if self.server.says:
            self.transport.write(self.server.says)
        else:
            self.transport.close()

    def connection_lost(self, _exc):
        self.server.connections.discard(self.transport)


class Same:
    """The same question again and again."""

    statuses, marker = frozenset({200}), b"ok"

    def __init__(self, authority: str) -> None:
        self.right = 0
        self._asked = request("GET", "/", host=authority), Subject()

    def next(self):
        return self._asked

    def heard(self, _subject, _answer):
        self.right += 1


class Slow(Same):
    """The generator's machine is busy for a moment."""

    was_busy = False

    def next(self):
        if self.right == 20 and not self.was_busy:
            self.was_busy = True
            time.sleep(0.1)
        return super().next()


class Short(Same):
    """Ten questions, and no more."""

    def __init__(self, authority: str) -> None:
        super().__init__(authority)
        self.left = 10

    def next(self):
        self.left -= 1
        return super().next() if self.left >= 0 else None


@contextlib.asynccontextmanager
async def site(server: Server, **options: float):
    listening = await asyncio.get_running_loop().create_server(lambda: Connection(server), HOST, 0)
    lines = Lines(HOST, listening.sockets[0].getsockname()[1], **options)
    try:
        yield lines
    finally:
        await lines.close()
        for connection in list(server.connections):
            connection.abort()
        listening.close()
        await listening.wait_closed()


async def test_all_that_was_due_in_a_stall_has_waited():
    server = Server(stalls_at=50, stalls_s=0.4)
    async with site(server) as lines:
        measured = await measure(lines, Same(lines.authority), Plan(200, 1, spacing="even"), Listener())
    late = [ms for ms in measured.tally.latencies_ms() if ms >= 100]
    # Due every 5 ms in the stall's first 300 ms. Who waits for an answer would have measured one of them.
    assert len(late) >= 55
    assert measured.tally.asked == server.asked == len(measured.tally.latencies_s) == 200
    assert measured.tally.latencies_ms()[-1] >= 380
    assert measured.tally.failed == 0


async def test_who_waits_for_a_connection_waits_from_when_it_was_due():
    async with site(Server(takes_s=0.02), most=1) as lines:
        measured = await measure(lines, Same(lines.authority), Plan(100, 0.5, spacing="even"), Listener())
    assert measured.connections == 1
    # Fifty times 20 ms one after the other, the last of them due after 490 ms.
    assert measured.tally.latencies_ms()[-1] >= 500
    assert measured.achieved_per_s <= 50
    assert measured.tally.failed == 0


async def test_a_connection_is_kept_and_no_more_are_opened_than_are_needed():
    async with site(Server()) as lines:
        for _ in range(5):
            await lines.ask("GET", "/")
        assert lines.opened == 1


async def test_the_generator_says_so_when_it_is_itself_late():
    async with site(Server()) as lines:
        facts = (
            await measure(lines, Slow(lines.authority), Plan(100, 0.6, spacing="even"), Listener())
        ).facts()
    assert facts["is_generator_late"]
    assert facts["late_max_ms"] >= 80


async def test_the_warm_up_is_asked_and_does_not_count():
    server, told = Server(), []
    async with site(server) as lines:
        listener = Listener(
            began=lambda: told.append(("began", server.asked)),
            ended=lambda: told.append(("ended", server.asked)),
        )
        source = Same(lines.authority)
        measured = await measure(lines, source, Plan(100, 0.5, warm_s=0.3, spacing="even"), listener)
    assert measured.tally.asked == 50
    assert source.right == server.asked == 80
    assert [name for name, _ in told] == ["began", "ended"]
    assert 0 < told[0][1] < told[1][1]  # before the window there was a warm-up, in it there was more
    assert measured.ended > measured.began


async def test_nothing_left_to_ask_is_a_failure_of_the_measurement():
    async with site(Server()) as lines:
        measured = await measure(lines, Short(lines.authority), Plan(100, 0.4, spacing="even"), Listener())
    assert measured.tally.failures[0, "nothing-to-ask"] == 30
    assert measured.tally.asked == 40


async def test_a_full_site_is_asked_by_so_many_at_once_and_no_more():
    server, told = Server(takes_s=0.02), []
    async with site(server) as lines:
        listener = Listener(began=lambda: told.append(server.asked), ended=lambda: told.append(server.asked))
        found = await crowded(lines, Same(lines.authority), Crowd(10, 0.4, 0.1, 0), listener)
        assert lines.opened == 10
    assert found["answers_per_s"] <= 500
    assert 0 < told[0] < told[1]
    assert found["asked"] == round(found["answers_per_s"] * found["seconds"])
    assert server.asked - found["asked"] >= 10  # the warm-up's, and those that were on their way at the end
    assert found["failed"] == 0


async def test_a_full_site_has_nothing_left_to_do_behind_the_window():
    async with site(Server(takes_s=0.02)) as lines:
        await crowded(lines, Same(lines.authority), Crowd(10, 0.1, 0.0, 0), Listener())
        assert lines.unanswered == 0


async def test_a_window_ends_with_what_there_is_to_ask():
    async with site(Server(takes_s=0.02)) as lines:
        found = await crowded(lines, Short(lines.authority), Crowd(5, 30.0, 0.0, 0), Listener())
    assert found["seconds"] < 10
    assert 6 <= found["asked"] <= 10  # those on their way at its end may come behind it
    assert found["failed"] == 0


@pytest.mark.parametrize(
    ("says", "what"),
    [
        (b"HTTP/1.1 503 No\r\nContent-Length: 38\r\n\r\n" + PROBLEM, (503, "resting")),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno", (200, "wrong-body")),
        (b"SMTP ready\r\n\r\n", (0, "malformed")),
        (b"", (0, "connection-lost")),
    ],
)
async def test_every_wrong_answer_is_a_failure_and_is_called_what_it_is(says, what):
    async with site(Server(says=says)) as lines:
        measured = await measure(lines, Same(lines.authority), Plan(50, 0.2), Listener())
    assert dict(measured.tally.failures) == {what: 10}
    assert measured.tally.latencies_s == []  # however quick it was


async def test_what_never_came_took_as_long_as_was_waited_for_it():
    async with site(Server(stalls_at=1, stalls_s=60), within_s=0.3) as lines:
        measured = await measure(lines, Same(lines.authority), Plan(50, 0.2), Listener())
    assert dict(measured.tally.failures) == {(0, "timed-out"): 10}
    assert len(measured.tally.latencies_s) == 10
    assert min(measured.tally.latencies_s) >= 0.3


async def test_who_is_never_answered_hears_of_it():
    async with site(Server(stalls_at=1, stalls_s=60), within_s=0.1) as lines:
        answer = await lines.ask("GET", "/")
    assert (answer.status, answer.body) == (0, b"timed-out")


async def test_what_is_still_asked_when_all_is_over_is_given_up():
    async with site(Server(stalls_at=1, stalls_s=60), most=1) as lines:
        asking = [asyncio.create_task(lines.ask("GET", "/")) for _ in range(2)]
        await asyncio.sleep(0)
        await lines.settle(0.2)
        told = await asyncio.gather(*asking)
        assert sorted(answer.body for answer in told) == [b"never-sent", b"unanswered"]


async def test_nobody_there_is_told_to_all_who_ask():
    listening = await asyncio.start_server(lambda _reader, _writer: None, HOST, 0)
    port = listening.sockets[0].getsockname()[1]
    listening.close()
    await listening.wait_closed()
    lines = Lines(HOST, port)
    answers = await asyncio.gather(*(lines.ask("GET", "/") for _ in range(3)))
    assert {answer.body for answer in answers} == {b"not-connected"}
    await lines.close()
