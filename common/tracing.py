"""The ids of the request that is being answered, and how log lines come to carry them.

Loads no web framework: the logs of a process that only migrates a database are set up with it, too.
"""

import re
import secrets
from contextvars import ContextVar
from typing import Final

from structlog.typing import EventDict

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._~:/+=@-]{1,128}")
_TRACEPARENT: Final = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")


class RequestContext:
    """The ids of one request; `user` is filled in when somebody is recognised."""

    __slots__ = ("flags", "request_id", "span_id", "trace_id", "user")

    def __init__(self, request_id: str, trace_id: str, span_id: str, flags: str) -> None:
        self.request_id = request_id
        self.trace_id = trace_id
        self.span_id = span_id
        self.flags = flags
        self.user: str | None = None

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


# One variable for all the ids, and not structlog's one for each: setting and resetting it is all a request
# pays.
CURRENT: Final[ContextVar[RequestContext | None]] = ContextVar("banyan_request", default=None)


def read_context(sent_id: str | None, sent_traceparent: str | None) -> RequestContext:
    """Take over what a client sent if it is well formed; the span is always a new one."""
    sent = _TRACEPARENT.fullmatch(sent_traceparent) if sent_traceparent else None
    trace_id, flags = sent.groups() if sent else (secrets.token_hex(16), "00")
    request_id = sent_id if sent_id and _REQUEST_ID.fullmatch(sent_id) else trace_id
    return RequestContext(request_id, trace_id, secrets.token_hex(8), flags)


def add_context(_logger: object, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: the current request's ids."""
    context = CURRENT.get()
    if context is not None:
        event.setdefault("request_id", context.request_id)
        event.setdefault("trace_id", context.trace_id)
        event.setdefault("span_id", context.span_id)
    return event
