"""Errors as RFC 9457 problem details, and the middleware that turns every exception into one.

A use case raises a `Problem`; nothing else builds an error response. What is not a Problem and not known
here is a fault of ours: it is logged with its traceback and answered with a bare 500, so no inner text ever
reaches a client.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, ClassVar, Final, TypeAlias

import asyncpg
import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler
from marshmallow import ValidationError

from common.context import request_id
from common.encoding import dump_json

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:banyan:problem:"

Errors: TypeAlias = dict[str, list[str]]
MOST_ERRORS: Final = 100


class Problem(Exception):  # ruff: ignore[error-suffix-on-exception-name] — RFC 9457's word
    """An answer other than the one asked for. Subclasses set `slug`, `title` and `status`."""

    slug: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Something went wrong on our side"
    status: ClassVar[int] = 500

    def __init__(
        self,
        detail: str = "",
        *,
        errors: Errors | None = None,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.errors = errors
        self.headers: dict[str, str] = dict(headers or {})
        self.extra: dict[str, Any] = extra

    def document(self, request_id: str) -> dict[str, Any]:
        """The members of the problem+json document."""
        document: dict[str, Any] = {
            "type": TYPE_PREFIX + self.slug,
            "title": self.title,
            "status": self.status,
            "detail": self.detail or self.title,
            "request_id": request_id,
        }
        if self.errors:
            document["errors"] = self.errors
        return document | self.extra


class BadRequest(Problem):
    slug, title, status = "bad-request", "The request cannot be read", 400


class MalformedJson(BadRequest):
    slug, title = "malformed-json", "The body is not JSON"


class Unauthorized(Problem):
    slug, title, status = "token-missing", "You need to log in", 401

    def __init__(self, detail: str = "", *, challenge: str = 'Bearer realm="banyan"', **extra: Any) -> None:
        super().__init__(detail, **extra)
        self.headers.setdefault("WWW-Authenticate", challenge)


class Forbidden(Problem):
    slug, title, status = "forbidden", "You may not do this", 403


class NotFound(Problem):
    slug, title, status = "not-found", "There is no such thing here", 404


class MethodNotAllowed(Problem):
    slug, title, status = "method-not-allowed", "The method is not available here", 405


class Conflict(Problem):
    slug, title, status = "conflict", "This does not fit the current state", 409


class PreconditionFailed(Problem):
    slug, title, status = "stale", "It was changed in the meantime", 412


class TooLarge(Problem):
    slug, title, status = "too-large", "The body is too large", 413


class UnsupportedMediaType(Problem):
    slug, title, status = "unsupported-media-type", "The body's media type is not accepted", 415


class WrongSide(Problem):
    """The group is fenced here: the other side owns it (SQLSTATE BY421). The proxy goes there."""

    slug, title, status = "wrong-side", "Another side answers this at the moment", 421


class ValidationFailed(Problem):
    slug, title, status = "validation-failed", "Some fields are not valid", 422

    def __init__(self, errors: Errors | None = None, detail: str = "", **extra: Any) -> None:
        super().__init__(detail or "See errors for each field.", errors=errors, **extra)


class TooManyRequests(Problem):
    slug, title, status = "too-many-requests", "Too many requests", 429

    def __init__(self, detail: str = "", *, retry_after: int = 1, **extra: Any) -> None:
        super().__init__(detail, **extra)
        self.headers["Retry-After"] = str(retry_after)


class Unavailable(Problem):
    slug, title, status = "unavailable", "This is not available for a moment", 503

    def __init__(self, detail: str = "", *, retry_after: int = 1, **extra: Any) -> None:
        super().__init__(detail, **extra)
        self.headers["Retry-After"] = str(retry_after)


class HttpProblem(Problem):
    """A status that aiohttp raised and no class here describes."""

    def __init__(self, status: int, detail: str = "", *, headers: Mapping[str, str] | None = None) -> None:
        phrase = HTTPStatus(status).phrase
        # The three are constants of a class elsewhere; here the instance is the only place that knows them.
        self.__dict__.update(slug=phrase.lower().replace(" ", "-"), title=phrase, status=status)
        super().__init__(detail, headers=headers)


HtmlErrors: TypeAlias = Callable[[web.Request, Problem], Awaitable[web.Response]]

HTML_ERRORS: Final[web.AppKey[HtmlErrors]] = web.AppKey("html_errors")
"""Optional: renders a problem as a page for requests that prefer HTML."""

FENCED: Final = "BY421"
_GONE: Final = (
    asyncpg.PostgresConnectionError,  # class 08
    asyncpg.TooManyConnectionsError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.ReadOnlySQLTransactionError,  # a connection that outlived a failover
    ConnectionError,
)
_BUSY: Final = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    TimeoutError,
)

_log: Final = structlog.get_logger("problems")


def problem_response(problem: Problem, request_id: str) -> web.Response:
    return web.Response(
        body=dump_json(problem.document(request_id)),
        status=problem.status,
        headers={"Cache-Control": "no-store", **problem.headers},
        content_type=MEDIA_TYPE,
    )


def problem_of(error: Exception) -> Problem | None:  # ruff: ignore[too-many-return-statements] — a table of cases
    """The problem that an exception stands for, or None if it is a fault of ours."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, web.HTTPException):
        return _problem_of_http(error)
    if isinstance(error, HttpProcessingError):  # while a body was read: the parts of a form, say
        return BadRequest()
    if isinstance(error, ValidationError):
        return ValidationFailed(flatten_errors(error.messages))
    if isinstance(error, asyncpg.PostgresError) and error.sqlstate == FENCED:
        return WrongSide()
    if isinstance(error, asyncpg.CharacterNotInRepertoireError | asyncpg.UntranslatableCharacterError):
        return BadRequest("A text holds a character that cannot be stored.")
    if isinstance(error, _GONE) or (isinstance(error, asyncpg.InterfaceError) and "clos" in str(error)):
        return Unavailable("The database does not answer.")
    if isinstance(error, _BUSY):
        return Unavailable("It took too long; please try again.")
    return None


def flatten_errors(messages: Any) -> Errors:
    """Nested marshmallow messages as one level with dotted paths: ``{"passengers.0.name": ["…"]}``.

    The first of them: nobody reads a hundred, and an answer must not be many times the size of its request.
    """
    flat: Errors = {}
    _flatten(messages, "", flat)
    return flat


def _flatten(messages: Any, path: str, flat: Errors) -> None:
    if isinstance(messages, Mapping):
        for key, value in messages.items():
            # marshmallow speaks of the object itself as _schema
            step = "" if key == "_schema" else str(key)
            if len(flat) >= MOST_ERRORS:
                return
            _flatten(value, f"{path}.{step}" if path and step else path or step, flat)
    elif isinstance(messages, list | tuple):
        flat.setdefault(path or "body", []).extend(str(message) for message in messages)
    else:
        flat.setdefault(path or "body", []).append(str(messages))


def _problem_of_http(error: web.HTTPException) -> Problem:
    if isinstance(error, web.HTTPNotFound):
        return NotFound("Nothing is found at this address.")
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        return MethodNotAllowed(f"Available here: {allowed}.", headers={"Allow": allowed})
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return TooLarge()
    if error.status == 400:
        return BadRequest()
    return HttpProblem(error.status)


def prefers_html(request: web.Request) -> bool:
    """Whether a person's browser asks: text/html is accepted, outside /api/."""
    return not request.path.startswith("/api/") and "text/html" in request.headers.get("Accept", "")


async def answer_problem(request: web.Request, problem: Problem) -> web.StreamResponse:
    """The problem as a page where that is preferred and the application has one, else as problem+json."""
    render = request.app.get(HTML_ERRORS)
    if render is not None and prefers_html(request):
        try:
            response = await render(request, problem)
        except Exception:  # ruff: ignore[blind-except] — an error page that fails must not hide the error
            _log.exception("the error page failed")
        else:
            for name, value in problem.headers.items():
                response.headers.setdefault(name, value)
            return response
    return problem_response(problem, request_id(request))


@web.middleware
async def problem_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except asyncio.CancelledError:
        raise
    except web.HTTPException as error:
        if error.status < 400:
            raise
        problem = _problem_of_http(error)
    except Exception as error:  # ruff: ignore[blind-except] — the last line: whatever it is becomes an answer
        known = problem_of(error)
        if known is None:
            _log.exception("unexpected error", path=request.path, method=request.method)
            known = Problem("The error has been recorded; quote the request id when you ask about it.")
        elif known.status >= 500:
            _log.warning("not available", path=request.path, error=repr(error))
        problem = known
    return await answer_problem(request, problem)
