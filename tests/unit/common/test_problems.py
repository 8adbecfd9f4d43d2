# ruff: file-ignore[unused-async] — aiohttp's handlers are coroutines
from typing import Any

import asyncpg
import pytest
from aiohttp import ClientResponse, web
from marshmallow import ValidationError
from structlog.testing import capture_logs

from common.context import request_context
from common.problems import (
    HTML_ERRORS,
    Conflict,
    NotFound,
    Problem,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    ValidationFailed,
    flatten_errors,
    problem_middleware,
    problem_of,
)


class SeatsTaken(Conflict):
    slug, title = "seats-taken", "Somebody was faster"


def fenced() -> asyncpg.PostgresError:
    return asyncpg.PostgresError.new({"C": "BY421", "M": "bookings are fenced", "S": "ERROR"})


@pytest.fixture
async def ask(aiohttp_client):
    """Ask an application whose only handler raises the error."""

    async def ask(
        error: BaseException, path: str = "/api/x", render: Any = None, **headers: str
    ) -> ClientResponse:
        async def fail(_request: web.Request) -> web.Response:
            raise error

        app = web.Application(middlewares=[request_context, problem_middleware])
        app.router.add_get("/api/x", fail)
        app.router.add_get("/x", fail)
        if render:
            app[HTML_ERRORS] = render
        client = await aiohttp_client(app)
        return await client.get(path, headers=headers, allow_redirects=False)

    return ask


async def test_a_problem_is_told_as_rfc_9457_has_it(ask):
    answer = await ask(SeatsTaken("Seats 4A and 4B are sold.", seats=["4A", "4B"]), **{"X-Request-ID": "abc"})
    assert answer.status == 409
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.headers["Cache-Control"] == "no-store"
    assert await answer.json(content_type=None) == {
        "type": "urn:banyan:problem:seats-taken",
        "title": "Somebody was faster",
        "status": 409,
        "detail": "Seats 4A and 4B are sold.",
        "request_id": "abc",
        "seats": ["4A", "4B"],
    }


async def test_what_nobody_expected_is_logged_and_not_told(ask):
    with capture_logs() as logs:
        answer = await ask(RuntimeError("password is hunter2"))
    assert answer.status == 500
    assert "hunter2" not in await answer.text()
    (entry,) = [log for log in logs if log["event"] == "unexpected error"]
    assert (entry["log_level"], entry["exc_info"]) == ("error", True)


@pytest.mark.parametrize(
    ("error", "status", "slug"),
    [
        (ValidationError({"name": ["Missing."]}), 422, "validation-failed"),
        (fenced(), 421, "wrong-side"),
        (ConnectionRefusedError(), 503, "unavailable"),
        (asyncpg.ConnectionDoesNotExistError(), 503, "unavailable"),
        (asyncpg.TooManyConnectionsError(), 503, "unavailable"),
        (asyncpg.InterfaceError("pool is closing"), 503, "unavailable"),
        (asyncpg.InterfaceError("cannot perform operation"), 500, "internal-error"),
        (asyncpg.QueryCanceledError(), 503, "unavailable"),
        (asyncpg.DeadlockDetectedError(), 503, "unavailable"),
        (asyncpg.UniqueViolationError(), 500, "internal-error"),
        (asyncpg.CharacterNotInRepertoireError(), 400, "bad-request"),
        (TimeoutError(), 503, "unavailable"),
        (web.HTTPNotFound(), 404, "not-found"),
        (web.HTTPRequestEntityTooLarge(10, 11), 413, "too-large"),
        (web.HTTPBadRequest(), 400, "bad-request"),
        (web.HTTPGone(), 410, "gone"),
        (KeyError("x"), 500, "internal-error"),
    ],
)
async def test_every_error_has_its_problem(ask, error: Any, status: int, slug: str):
    answer = await ask(error)
    assert answer.status == status
    assert (await answer.json(content_type=None))["type"] == f"urn:banyan:problem:{slug}"
    if status == 503:
        assert int(answer.headers["Retry-After"]) >= 1


async def test_a_redirect_is_no_problem(ask):
    answer = await ask(web.HTTPSeeOther("/elsewhere"))
    assert (answer.status, answer.headers["Location"]) == (303, "/elsewhere")
    assert answer.headers["X-Request-ID"]


async def test_an_unknown_address_and_a_wrong_method_are_problems_too(aiohttp_client):
    app = web.Application(middlewares=[request_context, problem_middleware])

    async def show(_request: web.Request) -> web.Response:
        return web.Response()

    app.router.add_get("/api/x", show)
    client = await aiohttp_client(app)
    missing = await client.get("/api/y")
    assert (await missing.json(content_type=None))["type"] == "urn:banyan:problem:not-found"
    wrong = await client.delete("/api/x")
    assert (wrong.status, wrong.headers["Allow"]) == (405, "GET, HEAD")
    assert (await wrong.json(content_type=None))["type"] == "urn:banyan:problem:method-not-allowed"


async def test_headers_of_a_problem_are_sent(ask):
    assert (await ask(TooManyRequests(retry_after=7))).headers["Retry-After"] == "7"
    assert (await ask(Unavailable(retry_after=3))).headers["Retry-After"] == "3"
    assert (await ask(Unauthorized())).headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_browser_gets_a_page_and_an_api_client_never_does(ask):
    async def render(_request: web.Request, problem: Problem) -> web.Response:
        return web.Response(text=f"<h1>{problem.status}", status=problem.status, content_type="text/html")

    html = {"Accept": "text/html,*/*;q=0.8"}
    page = await ask(NotFound(), "/x", render, **html)
    assert (page.status, await page.text()) == (404, "<h1>404")
    assert (await ask(NotFound(), "/api/x", render, **html)).content_type == "application/problem+json"
    assert (await ask(NotFound(), "/x", render)).content_type == "application/problem+json"
    assert (await ask(TooManyRequests(retry_after=7), "/x", render, **html)).headers["Retry-After"] == "7"


async def test_an_error_page_that_fails_does_not_hide_the_error(ask):
    async def render(_request: web.Request, _problem: Problem) -> web.Response:
        raise RuntimeError("template")

    answer = await ask(NotFound(), "/x", render, Accept="text/html")
    assert (answer.status, answer.content_type) == (404, "application/problem+json")


def test_nested_messages_become_dotted_paths():
    messages = {
        "passengers": {1: {"name": ["Missing."], "_schema": ["Odd."]}},
        "_schema": ["Bad."],
        "a": "text",
    }
    assert flatten_errors(messages) == {
        "passengers.1.name": ["Missing."],
        "passengers.1": ["Odd."],
        "body": ["Bad."],
        "a": ["text"],
    }
    assert flatten_errors(["Invalid input type."]) == {"body": ["Invalid input type."]}


def test_a_problem_keeps_its_errors_and_unknown_exceptions_have_none():
    assert ValidationFailed({"a": ["b"]}).document("r")["errors"] == {"a": ["b"]}
    assert problem_of(RuntimeError()) is None
