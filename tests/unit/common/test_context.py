# ruff: file-ignore[unused-async] — aiohttp's handlers are coroutines
import re

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from common.context import request_context, request_id, return_ids_of_streams
from common.metrics import add_metrics
from common.problems import problem_middleware
from common.tracing import CURRENT, read_context

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
async def client(aiohttp_client):
    async def show(request: web.Request) -> web.Response:
        assert CURRENT.get() is not None
        return web.Response(text=request_id(request))

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"12345")
        return response

    async def fail(_request: web.Request) -> web.Response:
        raise RuntimeError

    app = web.Application(middlewares=[request_context, problem_middleware])
    app.on_response_prepare.append(return_ids_of_streams)
    app.router.add_get("/things/{id}", show)
    app.router.add_get("/stream", stream)
    app.router.add_get("/fail", fail)
    app.router.add_get("/healthz", show)
    add_metrics(app)
    return await aiohttp_client(app)


async def test_ids_that_were_sent_are_kept_and_returned(client):
    answer = await client.get("/things/1", headers={"X-Request-ID": "abc-1", "traceparent": TRACEPARENT})
    assert await answer.text() == answer.headers["X-Request-ID"] == "abc-1"
    _, trace, span, flags = answer.headers["traceparent"].split("-")
    assert (trace, flags) == ("4bf92f3577b34da6a3ce929d0e0e4736", "01")
    assert span != "00f067aa0ba902b7"


async def test_ids_are_made_where_none_were_sent(client):
    first, second = [await client.get("/things/1") for _ in range(2)]
    assert re.fullmatch(r"[0-9a-f]{32}", first.headers["X-Request-ID"])
    assert first.headers["X-Request-ID"] != second.headers["X-Request-ID"]
    assert first.headers["X-Request-ID"] in first.headers["traceparent"]


@pytest.mark.parametrize("sent", ["a b", 'a"b', "é", "x" * 129, "<script>", "{}"])
async def test_an_id_that_could_harm_a_log_is_replaced(client, sent: str):
    answer = await client.get("/things/1", headers={"X-Request-ID": sent})
    assert answer.headers["X-Request-ID"] != sent


@given(st.text(max_size=60))
def test_a_malformed_traceparent_is_replaced(sent: str):
    context = read_context(None, sent)
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", context.traceparent)


@pytest.mark.parametrize(
    "sent",
    [
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        TRACEPARENT.upper(),
        TRACEPARENT + "\n",
    ],
)
def test_a_traceparent_that_the_standard_forbids_is_replaced(sent: str):
    assert read_context(None, sent).trace_id != "4bf92f3577b34da6a3ce929d0e0e4736"


async def test_one_line_is_logged_for_each_request_with_its_template(client):
    with capture_logs() as logs:
        await client.get("/things/17?secret=1")
    (entry,) = [log for log in logs if log["event"] == "request"]
    assert entry["route"] == "/things/{id}"
    assert entry["path"] == "/things/17"
    assert (entry["method"], entry["status"], entry["user"]) == ("GET", 200, None)
    assert entry["bytes"] > 0
    assert entry["ms"] >= 0


async def test_health_checks_are_not_logged(client):
    with capture_logs() as logs:
        await client.get("/healthz")
    assert logs == []


async def test_a_streamed_answer_has_the_ids_too(client):
    answer = await client.get("/stream", headers={"X-Request-ID": "abc"})
    assert (await answer.read(), answer.headers["X-Request-ID"]) == (b"12345", "abc")


async def test_a_failure_is_counted_under_its_template(client):
    await client.get("/fail")
    await client.get("/unknown/1")
    await client.get("/unknown/2")
    await client.get("/things/1")
    text = await (await client.get("/metrics")).text()
    assert 'http_requests_total{method="GET",route="/fail",status="500"} 1.0' in text
    assert 'http_requests_total{method="GET",route="unmatched",status="404"} 2.0' in text
    assert 'http_request_seconds_count{method="GET",route="/things/{id}",status_class="2xx"} 1.0' in text
    assert "http_requests_in_flight 1.0" in text


async def test_a_method_of_another_world_is_counted_as_other(client):
    await client.request("PROPFIND", "/things/1")
    await client.request("MKCOL", "/things/1")
    text = await (await client.get("/metrics")).text()
    assert 'method="OTHER",route="unmatched",status="405"} 2.0' in text
