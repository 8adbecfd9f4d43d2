"""The answers that the proxy gives itself, as RFC 9457 problem details in whole HTTP messages.

Everything that can go wrong at the edge is named here once. Nothing of a request is echoed into an answer but
its id, which has been checked.
"""

from dataclasses import dataclass
from typing import Final

import orjson

_REASONS: Final = {
    400: b"Bad Request",
    405: b"Method Not Allowed",
    408: b"Request Timeout",
    413: b"Content Too Large",
    414: b"URI Too Long",
    417: b"Expectation Failed",
    431: b"Request Header Fields Too Large",
    501: b"Not Implemented",
    502: b"Bad Gateway",
    503: b"Service Unavailable",
    504: b"Gateway Timeout",
    505: b"HTTP Version Not Supported",
    508: b"Loop Detected",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is answered here and not by an upstream."""

    status: int
    slug: str
    title: str
    detail: str
    retry_after_s: int | None = None

    def because(self, detail: str, *, retry_after_s: int | None = None) -> "Refusal":
        """The same refusal with the particulars of this case."""
        return Refusal(self.status, self.slug, self.title, detail, retry_after_s or self.retry_after_s)

    def body(self, request_id: str) -> bytes:
        return orjson.dumps(
            {
                "type": f"urn:banyan:problem:{self.slug}",
                "title": self.title,
                "status": self.status,
                "detail": self.detail,
                "request_id": request_id,
            }
        )

    def message(self, request_id: bytes, extra: bytes, *, head_only: bool, close: bool) -> bytes:
        """The answer as bytes; `extra` is whole header lines."""
        body = self.body(request_id.decode("ascii"))
        retry = b"" if self.retry_after_s is None else b"Retry-After: %d\r\n" % self.retry_after_s
        return b"".join(
            (
                b"HTTP/1.1 %d %b\r\n" % (self.status, _REASONS[self.status]),
                b"Content-Type: application/problem+json\r\nContent-Length: %d\r\n" % len(body),
                b"Cache-Control: no-store\r\n",
                retry,
                extra,
                b"Connection: close\r\n\r\n" if close else b"\r\n",
                b"" if head_only else body,
            )
        )


class Refused(Exception):  # ruff: ignore[error-suffix-on-exception-name] — it is an answer, not an error of ours
    """A request that is answered with this refusal instead of being forwarded."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.detail)
        self.refusal = refusal


MALFORMED: Final = Refusal(
    400,
    "malformed-request",
    "The request is not valid HTTP",
    "It was not passed on, and the connection is closed.",
)
VERSION: Final = Refusal(
    505, "http-version", "Only HTTP/1.0 and HTTP/1.1 are spoken here", "Ask again with HTTP/1.1."
)
METHOD_UNKNOWN: Final = Refusal(
    501, "method-not-implemented", "The method is not known here", "Use a method of RFC 9110."
)
METHOD_CLOSED: Final = Refusal(
    405, "method-not-allowed", "The method is not available here", "CONNECT and TRACE are not forwarded."
)
HEAD_TIMEOUT: Final = Refusal(
    408, "request-timeout", "The request did not arrive in time", "Send the request without pauses."
)
BODY_TIMEOUT: Final = HEAD_TIMEOUT.because("The rest of the body did not come in time.")
BODY_TOO_LARGE: Final = Refusal(
    413, "too-large", "The body is too large", "The route has a limit, and this body is larger."
)
TARGET_TOO_LONG: Final = Refusal(
    414, "target-too-long", "The request target is too long", "Shorten the path or the query."
)
EXPECTATION: Final = Refusal(
    417,
    "expectation-failed",
    "The expectation cannot be met",
    "Only 100-continue is known (RFC 9110 §10.1.1).",
)
HEAD_TOO_LARGE: Final = Refusal(
    431,
    "headers-too-large",
    "The headers are too large",
    "Send fewer or shorter headers; cookies are the usual cause.",
)
UPSTREAM_DOWN: Final = Refusal(
    502,
    "upstream-down",
    "The application behind the gateway cannot be reached",
    "No connection could be made.",
)
UPSTREAM_BROKE_OFF: Final = Refusal(
    502, "upstream-broke-off", "The application behind the gateway broke off",
    "It closed the connection before it had answered; whether it did the work is not known.",
)  # fmt: skip
UPSTREAM_GARBLED: Final = Refusal(
    502, "upstream-garbled", "The application behind the gateway answered with invalid HTTP",
    "The answer could not be passed on safely.",
)  # fmt: skip
NOT_DEPLOYED: Final = Refusal(
    502, "service-not-deployed", "The route's flag names a service that does not exist here", ""
)
OVERLOADED: Final = Refusal(
    503, "overloaded", "There are too many requests at the moment", "Ask again shortly.", retry_after_s=1
)
UPSTREAM_BUSY: Final = Refusal(
    503, "upstream-busy", "The application behind the gateway is busy",
    "All connections to it are in use, and waiting longer would only delay the answer.", retry_after_s=1,
)  # fmt: skip
UPSTREAM_TIMEOUT: Final = Refusal(
    504, "upstream-timeout", "The application behind the gateway did not answer in time",
    "Whether it did the work is not known.",
)  # fmt: skip
LOOP: Final = Refusal(
    508, "loop-detected", "The request came back to the proxy that had sent it",
    "An upstream address points at the strangler itself.",
)  # fmt: skip


def malformed(why: str) -> Refused:
    """The request breaks HTTP's rules in this way."""
    return Refused(MALFORMED.because(why))
