"""A proxy in the test's own process, between raw sockets:

upstreams that follow a script, clients that see every byte.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from strangler.config import Limits, ProxyConfig, Timeouts
from strangler.proxy.client import ClientConnection
from strangler.proxy.worker import serving
from strangler.routing.decide import CompiledRoute, compile_route
from strangler.routing.flags import Flag
from strangler.routing.table import Route

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from strangler.proxy.switchboard import Switchboard

    Script = Callable[["Upstream", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

WITHIN_S = 5.0
QUICK = Timeouts(
    head_s=0.4,
    client_idle_s=20.0,
    linger_s=0.5,
    connect_s=0.5,
    upstream_idle_s=10.0,
    queue_s=0.3,
    idle_s=1.0,
    drain_s=2.0,
)


def route(name: str, index: int = 0, *, timeout_s: float = 5.0, max_body: int = 1 << 30) -> Route:
    method, template = name.split(" ")
    return Route(
        method=method,
        template=template,
        domain="things",
        access="read",
        group=None,
        depends=(),
        timeout_s=timeout_s,
        max_body=max_body,
        index=index,
    )


@dataclass(frozen=True)
class Snapshot:
    compiled: dict[tuple[bytes, bytes], CompiledRoute]

    def match(self, method: bytes, path: bytes) -> CompiledRoute | None:
        return self.compiled.get((method, path))


class Flags:
    """The flag table of a test: paths to flags, changed at will."""

    def __init__(self) -> None:
        self.routes: list[Route] = []
        self.snapshot = Snapshot({})

    def add(self, name: str, side: Any, **limits: Any) -> None:
        added = route(name, len(self.routes), **limits)
        self.routes.append(added)
        key = added.method.encode(), added.template.encode()
        self.snapshot = Snapshot(self.snapshot.compiled | {key: compile_route(added, Flag(mode=side))})

    def move(self, name: str, side: Any) -> None:
        self.flag(name, Flag(mode=side))

    def flag(self, name: str, flag: Flag) -> None:
        """As after a change: whoever compares snapshots sees another one."""
        changed = {
            key: compile_route(compiled.route, flag) if compiled.route.name == name else compiled
            for key, compiled in self.snapshot.compiled.items()
        }
        self.snapshot = Snapshot(changed)


@dataclass
class Request:
    """A request as an upstream has it from the wire."""

    head: bytes
    body: bytes

    @property
    def line(self) -> str:
        return self.head.split(b"\r\n", 1)[0].decode()

    def header(self, name: str) -> str | None:
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b": ")
            if key.decode().lower() == name.lower():
                return value.decode()
        return None


@dataclass
class Upstream:
    """A server of raw bytes; by default it answers every request with 200 and its path."""

    script: Script
    port: int = 0
    requests: list[Request] = field(default_factory=list)
    received: bytearray = field(default_factory=bytearray)
    connections: int = 0
    closed: int = 0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self, *, abort: bool = False) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            if abort:
                writer.transport.abort()
            else:
                writer.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self.connections += 1
        await self.notify()
        try:
            await self.script(self, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            self.closed += 1
            writer.close()
            await self.notify()

    async def notify(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def until(self, condition: Callable[[Upstream], bool]) -> None:
        async with asyncio.timeout(WITHIN_S), self.changed:
            await self.changed.wait_for(lambda: condition(self))

    async def read_request(self, reader: asyncio.StreamReader) -> Request:
        head = await reader.readuntil(b"\r\n\r\n")
        request = Request(head, b"")
        length, coding = request.header("content-length"), request.header("transfer-encoding")
        if coding:
            while size := int(await reader.readuntil(b"\r\n"), 16):
                request.body += await reader.readexactly(size)
                assert await reader.readexactly(2) == b"\r\n"
            assert await reader.readexactly(2) == b"\r\n", "no trailers come this far"
        elif length:
            request.body = await reader.readexactly(int(length))
        self.requests.append(request)
        await self.notify()
        return request


async def echo_path(upstream: Upstream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        request = await upstream.read_request(reader)
        writer.write(answer(request.line.split()[1].encode()))
        await writer.drain()


def answer(body: bytes = b"", *lines: str, status: str = "200 OK") -> bytes:
    head = "".join(f"{line}\r\n" for line in (*lines, f"Content-Length: {len(body)}"))
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


def says(*pieces: bytes, close: bool = False) -> Script:
    """A script that reads a request and sends these bytes, again and again, or once and closes."""

    async def script(upstream: Upstream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await upstream.read_request(reader)
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            if close:
                return

    return script


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    head: bytes

    @property
    def slug(self) -> str:
        assert self.headers["content-type"] == "application/problem+json"
        document = json.loads(self.body)
        assert document["status"] == self.status
        assert document["request_id"] == self.headers["x-request-id"]
        return str(document["type"]).removeprefix("urn:banyan:problem:")


class Client:
    """A connection to the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def ask(self, line: str, *headers: str, body: bytes = b"") -> Answer:
        if body:
            headers = (*headers, f"Content-Length: {len(body)}")
        head = "".join(f"{text}\r\n" for text in (f"{line} HTTP/1.1", "Host: banyan.test", *headers))
        self.send(head.encode() + b"\r\n" + body)
        return await self.answer(head_only=line.startswith("HEAD"))

    async def head(self) -> Answer:
        async with asyncio.timeout(WITHIN_S):
            raw = await self.reader.readuntil(b"\r\n\r\n")
        lines = raw.decode("latin-1").split("\r\n")
        headers: dict[str, str] = {}
        for text in lines[1:-2]:
            name, _, value = text.partition(": ")
            headers[name.lower()] = headers[name.lower()] + ", " + value if name.lower() in headers else value
        return Answer(int(lines[0].split(" ")[1]), headers, b"", raw)

    async def answer(self, *, head_only: bool = False) -> Answer:
        found = await self.head()
        async with asyncio.timeout(WITHIN_S):
            if head_only or found.status in {204, 304} or found.status < 200:
                pass
            elif found.headers.get("transfer-encoding") == "chunked":
                while part := await self.chunk():
                    found.body += part
            elif "content-length" in found.headers:
                found.body = await self.reader.readexactly(int(found.headers["content-length"]))
            else:
                found.body = await self.reader.read()
        return found

    async def chunk(self) -> bytes:
        async with asyncio.timeout(WITHIN_S):
            size = int(await self.reader.readuntil(b"\r\n"), 16)
            return (await self.reader.readexactly(size + 2))[:-2]

    async def is_closed(self) -> bool:
        """Whether the proxy closes the connection without another byte."""
        try:
            async with asyncio.timeout(WITHIN_S):
                return await self.reader.read(1) == b""
        except ConnectionError:
            return True

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


@dataclass
class Edge:
    """The proxy of a test, and what stands around it."""

    config: ProxyConfig
    flags: Flags
    board: Switchboard
    port: int
    stack: contextlib.AsyncExitStack
    legacy: Upstream
    service: Upstream | None
    beside: list[Upstream]
    """More addresses of legacy."""

    async def client(self) -> Client:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
        client = Client(reader, writer)
        self.stack.push_async_callback(client.close)
        return client


def config_of(
    upstreams: dict[str, tuple[str, ...]], timeouts: Timeouts = QUICK, limits: Limits | None = None
) -> ProxyConfig:
    config = ProxyConfig.from_env(
        {
            "BANYAN_UPSTREAM_LEGACY": "http://127.0.0.1:1",
            "BANYAN_REDIS_URL": "redis://localhost:1",
            "BANYAN_ACCESS_LOG": "off",
            "BANYAN_ROUTES_FILE": __file__,
        }
    )
    return replace(config, upstreams=upstreams, timeouts=timeouts, limits=limits or Limits())


@asynccontextmanager
async def open_edge(
    legacy: Script = echo_path,
    service: Script | None = None,
    *,
    beside: tuple[Script, ...] = (),
    timeouts: Timeouts = QUICK,
    limits: Limits | None = None,
    routes: dict[str, Any] | None = None,
) -> AsyncGenerator[Edge]:
    """A proxy with a legacy upstream and, if there is a script for it, a service called `things`.

    `routes`: name → side, or (side, limits of the route).
    """
    flags = Flags()
    for name, side in (routes or {"GET /route": "legacy"}).items():
        if isinstance(side, tuple):
            flags.add(name, side[0], **side[1])
        else:
            flags.add(name, side)
    async with contextlib.AsyncExitStack() as stack:
        upstreams: dict[str, tuple[str, ...]] = {}
        servers = {"legacy": Upstream(legacy)} | ({"things": Upstream(service)} if service else {})
        for name, server in servers.items():
            await server.start()
            stack.push_async_callback(server.stop, abort=True)
            upstreams[name] = (f"http://127.0.0.1:{server.port}",)
        others = [Upstream(script) for script in beside]
        for other in others:
            await other.start()
            stack.push_async_callback(other.stop, abort=True)
            upstreams["legacy"] += (f"http://127.0.0.1:{other.port}",)
        config = config_of(upstreams, timeouts, limits)
        board = await stack.enter_async_context(serving(config, flags, flags.routes))
        loop = asyncio.get_running_loop()
        listening = await loop.create_server(lambda: ClientConnection(board), "127.0.0.1", 0)
        stack.callback(listening.close)
        port = listening.sockets[0].getsockname()[1]
        yield Edge(config, flags, board, port, stack, servers["legacy"], servers.get("things"), others)
