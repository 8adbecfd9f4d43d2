"""nginx with the real configuration, before an upstream that shows what it was sent."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import io
import json
import os
import re
import socket
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import aiohttp
import pytest
from aiohttp import web

from deploy.local.folders import CHECKOUT, Folders, folders_of, make_folders, remove_short_folder
from deploy.local.identity import can_reach, lesser_user
from deploy.local.nginx import Limits, fill_in, lay_out

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from deploy.local.readiness import Probe

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def free_port() -> int:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
        port: int = server.getsockname()[1]
        return port


async def answers(probe: Probe) -> bool:
    try:
        await probe()
    except OSError:
        return False
    return True


async def echo(request: web.Request) -> web.StreamResponse:
    body = await request.read()
    return web.json_response(
        {
            "method": request.method,
            "path": request.raw_path,
            "headers": dict(request.headers),
            "size": len(body),
        }
    )


async def events(request: web.Request) -> web.StreamResponse:
    """One event, and the second only when the client has told that it saw the first."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await response.write(b"data: one\n\n")
    await request.app[SEEN].wait()
    await response.write(b"data: two\n\n")
    return response


async def upload(request: web.Request) -> web.StreamResponse:
    """Tells that it has the first bytes while the client still holds back the rest."""
    await request.content.readany()
    request.app[SEEN].set()
    return web.json_response({"size": 1 + len(await request.content.read())})


async def own_policy(request: web.Request) -> web.StreamResponse:  # ruff: ignore[unused-async]
    return web.Response(
        text="", headers={"Content-Security-Policy": "default-src 'none'", "X-Request-ID": "inner"}
    )


async def shout(request: web.Request) -> web.StreamResponse:
    socket_ = web.WebSocketResponse()
    await socket_.prepare(request)
    async for message in socket_:
        await socket_.send_str(message.data.upper())
    return socket_


async def refuse(request: web.Request) -> web.StreamResponse:  # ruff: ignore[unused-async]
    return web.json_response({"type": "urn:banyan:problem:upstream-down", "mine": True}, status=502)


async def long_list(request: web.Request) -> web.StreamResponse:  # ruff: ignore[unused-async]
    return web.json_response({"items": ["a seat by the window"] * 400}, headers={"ETag": '"v1"'})


SEEN = web.AppKey("seen", asyncio.Event)


@dataclass
class Edge:
    url: str
    session: aiohttp.ClientSession
    upstream: web.AppRunner
    folders: Folders

    async def get(self, path: str, **more: Any) -> tuple[aiohttp.ClientResponse, Any]:
        return await self.ask("GET", path, **more)

    async def ask(self, method: str, path: str, **more: Any) -> tuple[aiohttp.ClientResponse, Any]:
        from yarl import URL

        async with self.session.request(method, URL(self.url + path, encoded=True), **more) as response:
            text = await response.text()
            is_json = "json" in response.headers.get("Content-Type", "")
            return response, (await response.json(content_type=None) if is_json and text else text)


@pytest.fixture(scope="module")
def state(tmp_path_factory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("gateway") / "state with a space"
    if os.getuid() == 0:
        for parent in [folder.parent, *folder.parent.parents][:3]:
            parent.chmod(0o755)
    yield folder
    remove_short_folder(folders_of(folder))


@pytest.fixture
async def start_edge(state) -> AsyncIterator[Callable[..., Any]]:
    opened: list[Any] = []

    async def start(limits: Limits | None = None) -> Edge:
        limits = limits or Limits(guess_rate="1000r/s", guess_burst=1000, head_within="1s")
        app = web.Application(client_max_size=64 * 2**20)
        app[SEEN] = asyncio.Event()
        app.router.add_get("/_banyan/events", events)
        app.router.add_post("/upload", upload)
        app.router.add_get("/own", own_policy)
        app.router.add_get("/shout", shout)
        app.router.add_get("/refuse", refuse)
        app.router.add_get("/long", long_list)
        app.router.add_route("*", "/{rest:.*}", echo)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        folders = folders_of(state)
        make_folders(folders)
        gateway = lay_out(
            folders, hosts=("127.0.0.1",), port=free_port(), strangler=f"127.0.0.1:{port}", limits=limits
        )
        daemon = gateway.daemon(())
        process = await asyncio.create_subprocess_exec(*daemon.command.argv, cwd=daemon.command.folder)
        session = aiohttp.ClientSession()
        opened.append((session, process, runner))
        async with asyncio.timeout(10):
            while not await answers(daemon.ready):
                assert process.returncode is None
                await asyncio.sleep(0.02)
        return Edge(gateway.url, session, runner, folders)

    yield start
    for session, process, runner in opened:
        await session.close()
        process.terminate()
        await process.wait()
        await runner.cleanup()


@pytest.fixture
async def edge(start_edge) -> Edge:
    return await start_edge()


def test_nginx_accepts_the_configuration(state):
    folders = folders_of(state)
    make_folders(folders)
    gateway = lay_out(
        folders, hosts=("127.0.0.1", "::1"), port=free_port(), strangler="127.0.0.1:1", limits=Limits()
    )
    argv = [*gateway.daemon(()).command.argv, "-t"]
    answer = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert "warn" not in answer.stderr


def test_no_placeholder_is_left_without_a_value():
    with pytest.raises(KeyError):
        fill_in("listen ${GATEWAY_FORGOTTEN};", {})


async def test_what_a_client_claims_about_its_way_is_replaced(edge):
    _, seen = await edge.get(
        "/api/search?from=%2F",
        headers={
            "X-Forwarded-For": "1.2.3.4",
            "Forwarded": "for=1.2.3.4",
            "Banyan-Epoch": "9",
            "Banyan-Read-Through": "1",
        },
    )
    assert seen["path"] == "/api/search?from=%2F"
    assert seen["headers"]["X-Forwarded-For"] == "127.0.0.1"
    assert seen["headers"]["X-Forwarded-Proto"] == "http"
    assert seen["headers"]["Host"] == edge.url.removeprefix("http://")
    assert "Forwarded" not in seen["headers"]
    assert "Banyan-Epoch" not in seen["headers"]
    assert "Banyan-Read-Through" not in seen["headers"]


async def test_a_valid_request_id_is_passed_on_and_returned(edge):
    response, seen = await edge.get("/", headers={"X-Request-ID": "abc:1/2+3=4@~._-"})
    assert seen["headers"]["X-Request-ID"] == "abc:1/2+3=4@~._-"
    assert response.headers.getall("X-Request-ID") == ["abc:1/2+3=4@~._-"]


@pytest.mark.parametrize("sent", [None, 'quote"', "a b", "x" * 129, "{}"])
async def test_a_missing_or_invalid_request_id_is_replaced(edge, sent):
    response, seen = await edge.get("/", headers={"X-Request-ID": sent} if sent else {})
    made = seen["headers"]["X-Request-ID"]
    assert re.fullmatch(r"[0-9a-f]{32}", made)
    assert response.headers.getall("X-Request-ID") == [made]


async def test_every_answer_has_the_security_headers(edge):
    for path in ("/", "/static/legacy/none.css", "/metrics"):
        response, _ = await edge.get(path)
        assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "Referrer-Policy" in response.headers
        assert "Strict-Transport-Security" not in response.headers
        assert response.headers["Server"] == "nginx"


async def test_an_application_may_set_its_own_policy(edge):
    response, _ = await edge.get("/own")
    assert response.headers.getall("Content-Security-Policy") == ["default-src 'none'"]
    assert "inner" not in response.headers.getall("X-Request-ID")


@pytest.mark.parametrize(
    "path",
    [
        "/internal/epochs",
        "/internal",
        "//internal/x",
        "/a/../internal/x",
        "/%69nternal/x",
        "/metrics",
        "/healthz",
        "/readyz",
    ],
)
async def test_what_is_inside_cannot_be_reached(edge, path):
    response, problem = await edge.get(path)
    assert response.status == 404
    assert response.headers["Content-Type"] == "application/problem+json"
    assert problem["type"] == "urn:banyan:problem:not-found"
    assert problem["status"] == 404
    assert problem["request_id"] == response.headers["X-Request-ID"]


async def test_a_strangler_that_is_down_is_502_at_once_and_as_a_problem(edge):
    await edge.upstream.cleanup()
    async with asyncio.timeout(2):
        response, problem = await edge.ask("POST", "/api/bookings", json={})
    assert response.status == 502
    assert problem["type"] == "urn:banyan:problem:upstream-down"
    assert response.headers["Retry-After"] == "2"
    assert response.headers["Cache-Control"] == "no-store"


async def test_the_log_names_what_was_asked_for_whoever_answers_and_no_query(edge):
    await edge.upstream.cleanup()
    asked = f"/api/bookings/{uuid4()}"
    await edge.get(f"{asked}?token=secret")
    log = edge.folders.logs / "gateway-access.log"
    async with asyncio.timeout(10):
        while asked not in (written := log.read_text(encoding="utf-8")):
            await asyncio.sleep(0.05)
    line = next(json.loads(line) for line in written.splitlines() if asked in line)
    assert (line["path"], line["status"]) == (asked, 502)
    assert "secret" not in written


async def test_a_browser_gets_a_page_when_the_strangler_is_down(edge):
    await edge.upstream.cleanup()
    response, page = await edge.get("/search", headers=BROWSER)
    assert response.status == 502
    assert response.content_type == "text/html"
    assert "<h1>We cannot be reached" in page
    assert response.headers["X-Request-ID"] in page


async def test_an_error_of_the_strangler_is_passed_on_as_it_is(edge):
    response, problem = await edge.get("/refuse")
    assert response.status == 502
    assert problem["mine"] is True


async def test_a_body_over_the_limit_is_413_before_it_is_read(edge):
    body = io.BytesIO(b"x" * (26 * 2**20))
    response, problem = await edge.ask("POST", "/api/bookings", data=body, headers={"Expect": "100-continue"})
    assert response.status == 413
    assert problem["type"] == "urn:banyan:problem:too-large"


async def test_too_long_targets_and_heads_are_named(edge):
    response, problem = await edge.get("/" + "a" * 20_000)
    assert (response.status, problem["type"]) == (414, "urn:banyan:problem:target-too-long")
    response, problem = await edge.get("/", headers={"Cookie": "c" * 20_000})
    assert (response.status, problem["type"]) == (431, "urn:banyan:problem:headers-too-large")


@pytest.mark.parametrize(
    ("head", "status", "slug"),
    [
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked",
            501,
            "transfer-coding-not-implemented",
        ),
        ("GET / HTTP/3.0\r\nHost: a", 505, "http-version-not-supported"),
        ("OPTIONS * HTTP/1.1\r\nHost: a", 400, "malformed-request"),  # optional: RFC 9110 §9.1
        ("GET /static/common/ HTTP/1.1\r\nHost: a\r\nConnection: close", 404, "not-found"),
    ],
)
async def test_what_nginx_refuses_by_itself_is_a_problem_too(edge, head, status, slug):
    reader, writer = await asyncio.open_connection("127.0.0.1", int(edge.url.rpartition(":")[2]))
    writer.write(f"{head}\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert json.loads(answer.partition("\r\n\r\n")[2])["type"] == f"urn:banyan:problem:{slug}"


async def test_bodies_stream_in(edge):
    seen = edge.upstream.app[SEEN]

    async def body() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.wait_for(seen.wait(), 5)
        yield b"y" * 100_000

    response, answer = await edge.ask("POST", "/upload", data=body())
    assert response.status == 200
    assert answer["size"] == 100_001


async def test_events_stream_out(edge):
    async with asyncio.timeout(5), edge.session.get(edge.url + "/_banyan/events") as response:
        assert await response.content.readline() == b"data: one\n"
        edge.upstream.app[SEEN].set()
        assert b"data: two" in await response.content.read()


async def test_a_websocket_is_passed_through(edge):
    async with edge.session.ws_connect(edge.url + "/shout") as connection:
        await connection.send_str("hello")
        assert (await connection.receive(5)).data == "HELLO"


async def test_json_is_compressed_for_who_asks(edge):
    async with (
        aiohttp.ClientSession(auto_decompress=False) as session,
        session.get(edge.url + "/long", headers={"Accept-Encoding": "gzip"}) as response,
    ):
        raw = await response.read()
    assert response.headers["Content-Encoding"] == "gzip"
    assert response.headers["Vary"] == "Accept-Encoding"
    assert b"a seat by the window" in gzip.decompress(raw)


async def test_guessing_is_limited_and_reading_is_not(start_edge):
    edge = await start_edge(Limits(guess_rate="1r/m", guess_burst=2))
    guesses = [(await edge.ask("POST", "/api/auth/login", json={}))[0] for _ in range(5)]
    assert [answer.status for answer in guesses] == [200, 200, 200, 429, 429]
    assert guesses[-1].headers["Retry-After"] == "1"
    assert {(await edge.get("/api/auth/me"))[0].status for _ in range(10)} == {200}


@pytest.mark.parametrize(("mount", "folder"), [("legacy", "legacy/static"), ("common", "common/web/static")])
async def test_static_files_come_from_the_checkout(edge, mount, folder):
    files = [
        path
        for path in (CHECKOUT / folder).rglob("*")
        if path.is_file() and path.suffix in {".css", ".js", ".svg"}
    ]
    if not files:
        pytest.skip(f"{folder} is empty")
    name = files[0].relative_to(CHECKOUT / folder)
    response, _ = await edge.get(f"/static/{mount}/{name}")
    assert response.status == 200
    assert response.headers["Cache-Control"] == "public, max-age=300, must-revalidate"
    again, _ = await edge.get(f"/static/{mount}/{name}", headers={"If-None-Match": response.headers["ETag"]})
    assert again.status == 304
    forever, _ = await edge.get(f"/static/{mount}/{name}?v=abc")
    assert "immutable" in forever.headers["Cache-Control"]


@pytest.mark.parametrize(
    "path", ["/static/legacy/../app.py", "/static/legacy/%2e%2e/app.py", "/static/legacy../app.py"]
)
async def test_static_paths_do_not_lead_out_of_their_folder(edge, path):
    response, text = await edge.get(path)
    assert "create_app" not in str(text)
    assert response.status in {200, 400, 404}  # what is outside /static/ goes to the strangler


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/static/common/banyan.css", "GET, HEAD"),
        ("TRACE", "/api/bookings", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
    ],
)
async def test_a_method_that_nginx_refuses_is_told_which_are_taken(edge, method, path, allowed):
    response, problem = await edge.ask(method, path)
    assert (response.status, problem["status"]) == (405, 405)
    assert response.headers["Allow"] == allowed
    assert "Allow" not in (await edge.get("/static/common/none.css"))[0].headers


async def test_a_slow_head_is_cut_off(edge):
    reader, writer = await asyncio.open_connection("127.0.0.1", int(edge.url.rpartition(":")[2]))
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n")
    await writer.drain()
    async with asyncio.timeout(15):
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
    writer.close()


async def test_an_idle_strangler_connection_is_not_reused_after_it_closed(edge):
    """Requests one after the other while the upstream closes its connections now and then: none may fail."""
    statuses = [(await edge.get("/", headers={"X-Round": str(number)}))[0].status for number in range(50)]
    assert set(statuses) == {200}


def test_workers_of_a_root_nginx_step_down_where_they_can_read_the_files(edge):
    config = (edge.folders.gateway / "nginx.conf").read_text()
    if os.getuid() != 0:
        assert "\nuser " not in config
    elif can_reach(CHECKOUT, lesser_user(CHECKOUT)):
        assert "user root" not in config
