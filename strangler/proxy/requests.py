"""A request's head: read, checked, and rewritten for the upstream (RFC 9110, RFC 9112). No I/O.

Two readers must agree before a byte goes upstream: llhttp in its strict mode, and the rules here. A head in
which nothing is the proxy's to change goes on as it came, with lines added; any other is composed anew from
what was understood. What is refused: both lengths or two of one, a Transfer-Encoding other than chunked, bare
CR or LF, folded headers, space before a colon, NUL, a missing or doubled Host; and what `targets` refuses.
"""

import re
from dataclasses import dataclass
from random import getrandbits
from typing import Final

from httptools import HttpParserError, HttpParserInvalidMethodError, HttpParserUpgrade, HttpRequestParser

from strangler.proxy import refusals
from strangler.proxy.heads import Sink, pairs, tokens
from strangler.proxy.names import (
    AUTHORIZATION,
    COHORT,
    CONNECTION,
    CONTENT_LENGTH,
    COOKIE,
    EXPECT,
    FORWARDED_FOR,
    FORWARDED_HOST,
    FORWARDED_PROTO,
    HOP,
    HOST,
    OF_STRANGERS,
    OF_TRUSTED,
    REQUEST_ID,
    TRACEPARENT,
    TRANSFER_ENCODING,
    UPGRADE,
    VIA_LIST,
)
from strangler.proxy.refusals import Refused, malformed
from strangler.proxy.targets import CLOSED_METHODS, checked_host, checked_target, is_host

VIA: Final = b"1.1 banyan"

_LISTS: Final = frozenset({CONNECTION, FORWARDED_FOR, UPGRADE, HOP, VIA_LIST})
_NOT_TO_BE_NAMED: Final = frozenset({b"host", b"content-length", b"transfer-encoding", b"via"})

_TRACEPARENT: Final = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_ID_BYTES: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~:/+=@-"
_LONGEST_ID: Final = 128
_HEX: Final = b"0123456789abcdef"
_ADDRESS_BYTES: Final = b"0123456789abcdefABCDEF.:"
_ZEROS: Final = b"0" * 8
_SCHEMES: Final = frozenset({b"http", b"https"})
SLASH: Final = 47
FIRST_VISIBLE: Final = 33


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end of a connection, and whether its X-Forwarded-* are believed."""

    address: bytes
    trusted: bool


class RequestHead:
    """What the proxy needs to know of a request. The class holds the defaults, an instance what differs."""

    method: bytes
    target: bytes
    path: bytes
    """Without the query, as it was sent: what routes are matched with."""
    host: bytes = b""
    address: bytes
    """The client's own, as far as trusted proxies know it."""
    scheme: bytes = b"http"
    http_1_0: bool = False
    keep_alive: bool = True
    content_length: int = 0
    chunked: bool = False
    upgrade: bool = False
    authorization: bytes | None = None
    cookie: bytes | None = None
    cohort: bytes | None = None
    request_id: bytes
    traceparent: bytes
    forwarded: bytes
    """The whole head as it goes upstream."""

    has_length: bool = False
    has_body_or_upgrade: bool = False


class RequestReader:
    """Reads the heads of one connection's requests, one at a time."""

    __slots__ = (
        "_added",
        "_altered",
        "_believed_host",
        "_headers",
        "_kind_of",
        "_max_headers",
        "_parser",
        "_peer",
        "_sink",
        "_urls",
    )

    def __init__(self, peer: Peer, *, max_headers: int) -> None:
        self._peer = peer
        self._max_headers = max_headers
        self._kind_of = (OF_TRUSTED if peer.trusted else OF_STRANGERS).__getitem__
        self._altered = False
        self._added = b"\r\nVia: %b\r\nX-Forwarded-For: %b" % (VIA, peer.address)
        self._believed_host: bytes | None = None
        self._headers: dict[bytes, bytes] = {}
        self._urls: list[bytes] = []
        self._sink = Sink()
        self._sink.on_header = self._headers.__setitem__
        self._sink.on_url = self._urls.append
        self._parser = HttpRequestParser(self._sink)

    def read(self, raw: bytes) -> RequestHead:
        """One whole head, from the request line to the empty line. Raises `Refused`."""
        headers = self._headers
        headers.clear()
        self._urls.clear()
        try:
            self._parser.feed_data(raw)
        except HttpParserUpgrade:
            self._parser = HttpRequestParser(self._sink)
        except HttpParserInvalidMethodError:
            raise Refused(refusals.METHOD_UNKNOWN) from None
        except HttpParserError as error:
            raise malformed(str(error)) from None
        urls = self._urls
        if not urls or raw[0] < FIRST_VISIBLE:  # llhttp would skip empty lines, and the count below be wrong
            raise malformed("There is no request line.")
        self._altered = False
        # llhttp has seen to it that LF stands at the ends of lines alone
        repeated = b"" if len(headers) == raw.count(b"\n") - 2 else self._merge_repeated(raw)
        if len(headers) > self._max_headers:
            raise Refused(refusals.HEAD_TOO_LARGE.because("There are too many headers."))

        request = RequestHead()
        method = request.method = raw[: raw.find(b" ")]
        request.target = target = urls[0]
        if not raw.startswith(b" HTTP/1.1\r", len(method) + len(target) + 1):
            self._settle_version(request, raw)
        added = self._note_headers(request)
        if (
            target[0] != SLASH
            or method in CLOSED_METHODS
            or len(target.translate(None, b"#%.")) != len(target)
        ):
            request.target = checked_target(method, target, request.host)
            self._altered |= request.target is not target
        request.path = request.target.partition(b"?")[0]
        if request.has_body_or_upgrade:
            self._settle_body(request)
        if self._altered:
            lines = b"\r\n".join(map(b": ".join, headers.items()))
            request.forwarded = b"%b %b HTTP/1.1\r\n%b%b%b\r\n\r\n" % (
                method, request.target, lines, repeated, added,
            )  # fmt: skip
        else:
            request.forwarded = raw[:-4] + added + b"\r\n\r\n"
        return request

    def _note_headers(self, request: RequestHead) -> bytes:  # ruff: ignore[complex-structure, too-many-branches, too-many-statements] — hot
        """Take from the headers what the proxy must know; returns the lines that it adds.

        What the proxy says itself in a list (X-Forwarded-For, Via) is a line of its own after the others,
        which means the same (RFC 9110 §5.3) and leaves them as they are.
        """
        headers = self._headers
        kind_of = self._kind_of
        trusted = self._peer.trusted
        host = address = forwarded_proto = forwarded_host = request_id = traceparent = connection = None
        for name in list(filter(kind_of, headers)):  # a list, because names are removed on the way
            kind = kind_of(name)
            value = headers[name]
            if kind == HOST:
                if host is not None:
                    raise malformed("Host is given twice.")
                host = value
            elif kind == REQUEST_ID:
                if (
                    value.translate(None, _ID_BYTES)
                    or not 0 < len(value) <= _LONGEST_ID
                    or request_id is not None
                ):
                    self._remove(name)
                else:
                    request_id = value
            elif kind == FORWARDED_FOR:
                if trusted and value:
                    address = value
                else:
                    self._remove(name)
            elif kind == FORWARDED_PROTO:
                if trusted and value in _SCHEMES and forwarded_proto is None:
                    request.scheme = forwarded_proto = value
                else:
                    self._remove(name)
            elif kind == FORWARDED_HOST:
                if trusted and forwarded_host is None and (value == host or is_host(value)):
                    forwarded_host = value
                else:
                    self._remove(name)
            elif kind == AUTHORIZATION:
                if request.authorization is not None:
                    raise malformed("Authorization is given twice.")
                request.authorization = value
            elif kind == COOKIE:
                request.cookie = value if request.cookie is None else b"%b; %b" % (request.cookie, value)
            elif kind == TRACEPARENT:
                if traceparent is None and _TRACEPARENT.fullmatch(value):
                    traceparent = value
                else:
                    self._remove(name)
            elif kind == CONTENT_LENGTH:
                if request.has_length:
                    raise malformed("There are two lengths.")
                request.has_length = request.has_body_or_upgrade = True
                request.content_length = int(value)
            elif kind == CONNECTION:
                if connection is not None or value != b"keep-alive":
                    self._remove(name)  # what is left says of our own connection what is true
                connection = value if connection is None else b"%b,%b" % (connection, value)
            elif kind == VIA_LIST:
                if VIA in value:
                    raise Refused(refusals.LOOP)
            else:
                self._note_rare_header(request, kind, name, value)
        if host is None:
            raise malformed("There is no Host header.")
        if host != self._believed_host:
            host = self._believed_host = checked_host(host)
        request.host = host
        if connection is None:
            if request.upgrade or request.http_1_0:
                self._apply_connection(request, b"")
        elif connection != b"keep-alive" or request.upgrade or request.http_1_0:
            self._apply_connection(request, connection)
        if address is None:
            request.address = self._peer.address
        else:
            last = address.rpartition(b",")[2].strip() if b"," in address else address
            request.address = self._peer.address if last.translate(None, _ADDRESS_BYTES) else last
        added = self._added
        if forwarded_proto is None:
            added += b"\r\nX-Forwarded-Proto: http"
        if forwarded_host is None:
            added += b"\r\nX-Forwarded-Host: " + host
        # The ids of common/context.py: taken if well formed, else made; one made id serves for both.
        if traceparent is None:
            trace_id = request_id
            if (
                trace_id is None
                or len(trace_id) != 32
                or trace_id.translate(None, _HEX)
                or _ZEROS in trace_id
            ):
                trace_id = new_trace_id()
            # Nothing is recorded of a span of the edge, so its id need only differ from other traces'.
            traceparent = b"00-%b-%b-00" % (trace_id, trace_id[16:])
            added += b"\r\ntraceparent: " + traceparent
        if request_id is None:
            request_id = traceparent[3:35]
            added += b"\r\nX-Request-ID: " + request_id
        request.request_id = request_id
        request.traceparent = traceparent
        return added

    def _remove(self, name: bytes) -> None:
        del self._headers[name]
        self._altered = True

    def _note_rare_header(self, request: RequestHead, kind: int, name: bytes, value: bytes) -> None:
        headers = self._headers
        if kind == TRANSFER_ENCODING:
            if request.chunked or value.strip(b" \t").lower() != b"chunked":
                raise malformed("Transfer-Encoding must be chunked, once.")
            request.chunked = request.has_body_or_upgrade = True
            if value != b"chunked":
                headers[name] = b"chunked"
                self._altered = True
        elif kind == EXPECT:
            if value.strip(b" \t").lower() != b"100-continue":
                raise Refused(refusals.EXPECTATION)
        elif kind == COHORT:
            request.cohort = value
        elif kind == UPGRADE:
            # A WebSocket is all that is tunnelled: anything else (h2c) would carry requests past the rules
            # here.
            request.has_body_or_upgrade = True
            request.upgrade = b"websocket" in tokens(value) and not request.http_1_0
            if not request.upgrade:
                self._remove(name)
        elif kind == HOP:
            self._remove(name)

    def _apply_connection(self, request: RequestHead, value: bytes) -> None:
        """RFC 9110 §7.6.1: what Connection names goes no further."""
        headers = self._headers
        named = tokens(value)
        if b"close" in named:
            request.keep_alive = False
        elif request.http_1_0 and b"keep-alive" in named:
            request.keep_alive = True
        if request.upgrade and b"upgrade" in named:
            headers[b"Connection"] = b"Upgrade"
            self._altered = True
        else:
            self._drop({b"upgrade"})
            request.upgrade = False
        others = set(named) - {b"close", b"keep-alive", b"upgrade"}
        if others & _NOT_TO_BE_NAMED:
            raise malformed("Connection names a header that is not its to remove.")
        if others:
            self._drop(others)

    def _drop(self, lowered: set[bytes]) -> None:
        for name in [name for name in self._headers if name.lower() in lowered]:
            self._remove(name)

    def _settle_version(self, request: RequestHead, raw: bytes) -> None:
        self._altered = True
        line_end = raw.find(b"\r\n")
        if raw.startswith(b" HTTP/1.0", line_end - 9):
            request.http_1_0 = True
            request.keep_alive = False
        elif not raw.startswith(b" HTTP/1.1", line_end - 9):
            raise Refused(refusals.VERSION)

    def _settle_body(self, request: RequestHead) -> None:
        """What can only be judged when all headers are known."""
        self._parser = HttpRequestParser(self._sink)  # the old one would take what comes next for a body
        if request.chunked:
            if request.http_1_0:
                raise malformed("HTTP/1.0 has no Transfer-Encoding.")
            if request.has_length:
                raise malformed("Both Content-Length and Transfer-Encoding are given.")

    def _merge_repeated(self, raw: bytes) -> bytes:
        """Read a head in which some name comes twice; returns the lines that the dict has no room for."""
        headers = self._headers
        headers.clear()
        self._altered = True
        repeated = []
        found = pairs(raw)
        if len(found) > self._max_headers:
            raise Refused(refusals.HEAD_TOO_LARGE.because("There are too many headers."))
        for name, value in found:
            if name not in headers:
                headers[name] = value
                continue
            kind = self._kind_of(name)
            if kind in _LISTS:
                headers[name] = b"%b, %b" % (headers[name], value)
            elif kind == COOKIE:
                headers[name] = b"%b; %b" % (headers[name], value)
            elif kind:
                raise malformed(f"{name.decode('latin-1')} is given twice.")
            else:
                repeated.append(b"\r\n%b: %b" % (name, value))
        return b"".join(repeated)


def new_trace_id() -> bytes:
    """An id for what came without one; neither half is all zeros."""
    return b"%032x" % (getrandbits(128) | 1 << 64 | 1)
