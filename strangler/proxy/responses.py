"""An upstream's answer: its head read, checked, and rewritten for the client (RFC 9112 §6.3). No I/O.

An answer that cannot be framed for certain is not passed on: the client gets a 502 instead of a guess, and
the connection is not used again.
"""

from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from strangler.proxy.heads import Kinds, Sink, pairs, tokens
from strangler.proxy.requests import VIA

(CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, KEPT_BACK, VIA_LIST, UPGRADE) = range(1, 7)

_KINDS: Final = Kinds(
    {
        b"connection": CONNECTION,
        b"content-length": CONTENT_LENGTH,
        b"transfer-encoding": TRANSFER_ENCODING,
        b"via": VIA_LIST,
        b"upgrade": UPGRADE,
        # hop-by-hop, and what the proxy says itself
        b"keep-alive": KEPT_BACK,
        b"proxy-connection": KEPT_BACK,
        b"proxy-authenticate": KEPT_BACK,
        b"trailer": KEPT_BACK,
        b"te": KEPT_BACK,
        b"x-request-id": KEPT_BACK,
        b"traceparent": KEPT_BACK,
        b"banyan-side": KEPT_BACK,
    }
)
# bound once: they run for every header
_kind_of: Final = _KINDS.__getitem__
_COLON: Final = b": ".join
_NOT_TO_BE_NAMED: Final = frozenset({b"content-length", b"transfer-encoding", b"via"})


class Garbled(Exception):  # ruff: ignore[error-suffix-on-exception-name] — it names what the upstream sent
    """The upstream's answer is not valid HTTP, or its end cannot be known for certain."""


class ResponseHead:
    """What the proxy needs to know of an answer. The class holds the defaults, an instance what differs."""

    status: int
    status_line: bytes
    """`200 OK`"""
    length: int | None = None
    """Bytes of the body; None: until its last chunk if `chunked`, else until the upstream closes."""
    chunked: bool = False
    keep_alive: bool = True
    headers: bytes
    """The header lines that go to the client, each with its end, without framing by chunks or Connection."""


class ResponseReader:
    """Reads the heads of one upstream connection's answers, one at a time."""

    __slots__ = ("_headers", "_parser", "_sink")

    def __init__(self) -> None:
        self._headers: dict[bytes, bytes] = {}
        self._sink = Sink()
        self._sink.on_header = self._headers.__setitem__

    def read(self, raw: bytes, method: bytes) -> ResponseHead:
        """One whole head, an answer to a request of this method. Raises `Garbled`."""
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
        # llhttp has seen to it that LF stands only at the ends of lines
        repeated = b"" if len(headers) == raw.count(b"\n") - 2 else self._keep_repeated(raw)
        response = ResponseHead()
        response.status = status = parser.get_status_code()
        response.status_line = raw[9 : raw.find(b"\r")]
        if not raw.startswith(b"HTTP/1.1"):
            if not raw.startswith(b"HTTP/1.0"):
                raise Garbled("It is not HTTP/1.")
            response.keep_alive = False
        if not 100 <= status <= 599:
            raise Garbled(f"There is no status {status}.")
        self._note_headers(response)
        if status < 200 or status == 204 or status == 304 or method == b"HEAD":  # ruff: ignore[repeated-equality-comparison] — a set costs more here
            response.length = 0
            response.chunked = False
        response.headers = b"\r\n".join(map(_COLON, headers.items())) + repeated + b"\r\n"
        return response

    def _note_headers(self, response: ResponseHead) -> None:  # ruff: ignore[complex-structure] — one pass
        headers = self._headers
        via = VIA
        connection = None
        for name in [*headers]:
            kind = _kind_of(name)
            if not kind:
                continue
            value = headers[name]
            if kind == CONTENT_LENGTH:
                if response.length is not None:
                    raise Garbled("There are two lengths.")
                response.length = int(value)
            elif kind == UPGRADE and response.status == 101:
                pass
            else:
                del headers[name]
                if kind == CONNECTION:
                    connection = value
                elif kind == VIA_LIST:
                    via = b"%b, %b" % (value, via)
                elif kind == TRANSFER_ENCODING:
                    if response.chunked or value.strip(b" \t").lower() != b"chunked":
                        raise Garbled("Transfer-Encoding is not chunked.")
                    response.chunked = True
        if response.chunked and (response.length is not None or not response.keep_alive):
            raise Garbled("Transfer-Encoding stands beside a length, or in HTTP/1.0.")
        headers[b"Via"] = via
        if connection is not None and connection != b"keep-alive":
            self._apply_connection(response, connection)

    def _apply_connection(self, response: ResponseHead, value: bytes) -> None:
        named = set(tokens(value))
        if b"close" in named:
            response.keep_alive = False
        named -= {b"close", b"keep-alive"} | _NOT_TO_BE_NAMED
        if response.status == 101:
            named -= {b"upgrade"}
        for name in [name for name in self._headers if name.lower() in named]:
            del self._headers[name]

    def _keep_repeated(self, raw: bytes) -> bytes:
        """Read a head in which some name comes twice, as Set-Cookie may;

        returns the lines that a dict has no room for.
        """
        headers = self._headers
        headers.clear()
        repeated = []
        for name, value in pairs(raw):
            kind = _KINDS[name]
            if name not in headers:
                headers[name] = value
            elif kind in {CONNECTION, VIA_LIST, UPGRADE}:
                headers[name] = b"%b, %b" % (headers[name], value)
            elif kind in {CONTENT_LENGTH, TRANSFER_ENCODING}:
                raise Garbled(f"{name.decode('latin-1')} is given twice.")
            elif not kind:
                repeated.append(b"\r\n%b: %b" % (name, value))
        return b"".join(repeated)
