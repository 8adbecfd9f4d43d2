"""What a request carries through the system: its id, its trace, and the one line that is logged of it.

`request_context` is the outermost one, so that it sees the final status of everything. It takes
``X-Request-ID`` and ``traceparent`` (W3C Trace Context) or makes them, returns both, and lets every log
line written meanwhile carry them.
"""

from time import perf_counter
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from common.metrics import METRICS, UNMATCHED
from common.tracing import CURRENT, RequestContext, read_context

REQUEST_ID_HEADER: Final = "X-Request-ID"
TRACEPARENT_HEADER: Final = "traceparent"

QUIET: Final = frozenset({"/healthz", "/readyz", "/metrics"})

CONTEXT: Final = web.RequestKey("context", RequestContext)

_log: Final = structlog.get_logger("access")


def request_id(request: web.Request) -> str:
    """The id that the request came with or was given."""
    context = request.get(CONTEXT)
    return context.request_id if context is not None else ""


def route_template(request: web.Request) -> str:
    """The path as the route table has it, ``/api/trips/{trip_id}``: bounded in number, unlike paths."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else UNMATCHED


@web.middleware
async def request_context(request: web.Request, handler: Handler) -> web.StreamResponse:
    headers = request.headers
    context = read_context(headers.get(REQUEST_ID_HEADER), headers.get(TRACEPARENT_HEADER))
    request[CONTEXT] = context
    token = CURRENT.set(context)
    metrics = request.app.get(METRICS)
    started = perf_counter()
    status, size = 500, None
    if metrics is not None:
        metrics.in_flight += 1
    try:
        try:
            response = await handler(request)
        except web.HTTPException as answer:
            _return_ids(answer, context)
            status = answer.status
            raise
        if not response.prepared:
            _return_ids(response, context)
        status = response.status
        size = response.content_length  # None for a stream, which ends after this
        return response
    finally:
        seconds = perf_counter() - started
        template = route_template(request)
        if metrics is not None:
            metrics.in_flight -= 1
            metrics.observe(request.method, template, status, seconds)
        if template not in QUIET:
            _log.info(
                "request",
                method=request.method,
                route=template,
                path=request.path,
                status=status,
                ms=round(seconds * 1000, 2),
                bytes=size,
                user=context.user,
            )
        CURRENT.reset(token)


async def return_ids_of_streams(  # ruff: ignore[unused-async] — aiohttp wants a coroutine
    request: web.Request, response: web.StreamResponse
) -> None:
    """For ``app.on_response_prepare``: a stream sends its headers before the middleware sees it."""
    context = request.get(CONTEXT)
    if context is not None:
        _return_ids(response, context)


def _return_ids(response: web.StreamResponse, context: RequestContext) -> None:
    response.headers[REQUEST_ID_HEADER] = context.request_id
    response.headers[TRACEPARENT_HEADER] = context.traceparent
