"""An upstream's answer: its head read, checked, and rewritten for the client (RFC 9112 §6.3). No I/O.

An answer that cannot be framed for certain is not passed on: the client gets a 502 instead of a guess, and
the connection is not used again.
"""

from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from strangler.proxy.heads import Sink, pairs, tokens
from strangler.proxy.names import (
    CONNECTION,
    CONTENT_LENGTH,
    OF_UPSTREAMS,
    REQUEST_ID,
    TRACEPARENT,
    TRANSFER_ENCODING,
    UPGRADE,
)
from strangler.proxy.requests import RequestHead

# bound once: it runs for every header
_kind_of: Final = OF_UPSTREAMS.__getitem__
_NOT_TO_BE_NAMED: Final = frozenset({b"content-length", b"transfer-encoding", b"via"})


class Garbled(Exception):  # ruff: ignore[error-suffix-on-exception-name] — it names what the upstream sent
    """The upstream's answer is not valid HTTP, or its end cannot be known for certain."""


class ResponseHead:
    """What the proxy needs to know of an answer. The class holds the defaults, an instance what differs."""

    status: int
    length: int | None = None
    """Bytes of the body; None: until its last chunk if `chunked`, else until the upstream closes."""
    chunked: bool = False
    keep_alive: bool = True
    head: bytes
    """Status line and headers as the client gets them, each with its end, without framing by chunks."""
    says_keep_alive: bool = False
    """Whether there is a `Connection: keep-alive` among them, which must be true to stay."""
    has_request_id: bool = False
    has_traceparent: bool = False


class ResponseReader:
    """Reads the heads of one upstream connection's answers, one at a time."""

    __slots__ = ("_altered", "_headers", "_sink")

    def __init__(self) -> None:
        self._altered = False
        self._headers: dict[bytes, bytes] = {}
        self._sink = Sink()
        self._sink.on_header = self._headers.__setitem__

    def read(self, raw: bytes, request: RequestHead) -> ResponseHead:
        """One whole head, of an answer to this request. Raises `Garbled`."""
        headers = self._headers
        headers.clear()
        # A new parser each time: llhttp would wait for a body that we count ourselves, or that HEAD has not.
        parser = HttpResponseParser(self._sink)
        try:
            parser.feed_data(raw)
        except HttpParserUpgrade:
            pass  # whether it was asked for is the exchange's to know
        except HttpParserError as error:
            raise Garbled(str(error)) from None
        self._altered = False
        # llhttp has seen to it that LF stands at the ends of lines alone
        repeated = b"" if len(headers) == raw.count(b"\n") - 2 else self._keep_repeated(raw)
        response = ResponseHead()
        response.status = status = parser.get_status_code()
        if not raw.startswith(b"HTTP/1.1 "):
            if not raw.startswith(b"HTTP/1.0 "):
                raise Garbled("It is not HTTP/1.")
            response.keep_alive = False
            self._altered = True
        if not 100 <= status <= 599:
            raise Garbled(f"There is no status {status}.")
        self._note_headers(response, request)
        if status < 200 or status == 204 or status == 304 or request.method == b"HEAD":  # ruff: ignore[repeated-equality-comparison] — a set costs more here
            response.length = 0
            response.chunked = False
        if self._altered:
            lines = b"".join([b"%b: %b\r\n" % header for header in headers.items()])
            response.head = b"HTTP/1.1 %b\r\n%b%b" % (raw[9 : raw.find(b"\r")], lines, repeated)
        else:
            response.head = raw[:-2]
        return response

    def _note_headers(self, response: ResponseHead, request: RequestHead) -> None:  # ruff: ignore[complex-structure, too-many-branches] — a hot pass
        headers = self._headers
        connection = None
        for name in list(filter(_kind_of, headers)):  # a list, because names are removed on the way
            kind = _kind_of(name)
            value = headers[name]
            if kind == CONTENT_LENGTH:
                if response.length is not None:
                    raise Garbled("There are two lengths.")
                response.length = int(value)
            elif kind == CONNECTION:
                if value == b"keep-alive" and connection is None:
                    response.says_keep_alive = True
                else:
                    self._remove(name)
                connection = value if connection is None else b"%b,%b" % (connection, value)
            elif kind == REQUEST_ID and value == request.request_id and not response.has_request_id:
                response.has_request_id = True
            elif kind == TRACEPARENT and value[:36] == request.traceparent[:36]:
                response.has_traceparent = True
            elif kind == TRANSFER_ENCODING:
                if response.chunked or value.strip(b" \t").lower() != b"chunked":
                    raise Garbled("Transfer-Encoding is not chunked.")
                response.chunked = True
                self._remove(name)
            elif kind != UPGRADE or response.status != 101:
                self._remove(name)
        if response.chunked and (response.length is not None or not response.keep_alive):
            raise Garbled("Transfer-Encoding stands beside a length, or in HTTP/1.0.")
        if connection is not None and connection != b"keep-alive":
            self._apply_connection(response, connection)

    def _remove(self, name: bytes) -> None:
        del self._headers[name]
        self._altered = True

    def _apply_connection(self, response: ResponseHead, value: bytes) -> None:
        named = set(tokens(value))
        if b"close" in named:
            response.keep_alive = False
        named -= {b"close", b"keep-alive"} | _NOT_TO_BE_NAMED
        if response.status == 101:
            named -= {b"upgrade"}
        for name in [name for name in self._headers if name.lower() in named]:
            self._remove(name)

    def _keep_repeated(self, raw: bytes) -> bytes:
        """Read a head in which some name comes twice, as Set-Cookie may.

        Returns the lines that the dict has no room for.
        """
        headers = self._headers
        headers.clear()
        self._altered = True
        repeated = []
        for name, value in pairs(raw):
            kind = _kind_of(name)
            if name not in headers:
                headers[name] = value
            elif kind in {CONNECTION, UPGRADE}:
                headers[name] = b"%b, %b" % (headers[name], value)
            elif kind in {CONTENT_LENGTH, TRANSFER_ENCODING}:
                raise Garbled(f"{name.decode('latin-1')} is given twice.")
            elif not kind:
                repeated.append(b"%b: %b\r\n" % (name, value))
        return b"".join(repeated)
