"""HTTP/1.1 as bytes, just enough of it to be cheap beside what is asked: requests made, answers read.

Without I/O. One answer at a time: nobody here asks before the last answer is whole.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

_FRAMING: Final = re.compile(
    rb"\r\n(?:(content-length): *(\d+)|(transfer-encoding): *chunked|(connection): *close) *(?=\r)",
    re.IGNORECASE,
)
_BODILESS: Final = frozenset({204, 304})
_LONGEST_HEAD: Final = 65_536
_LONGEST_SIZE_LINE: Final = 1024


class MalformedError(ValueError):
    """What came is no answer that is understood here."""


class Answer(NamedTuple):
    """A whole answer; the body is without its chunks. `is_last`: the connection is good for no other."""

    status: int
    head: bytes
    body: bytes
    is_last: bool = False

    def header(self, name: str) -> str | None:
        found = re.search(rb"\r\n" + re.escape(name.encode()) + rb": *([^\r]*)", self.head, re.IGNORECASE)
        return found[1].decode("latin-1") if found else None

    def json(self) -> Any:
        return orjson.loads(self.body)


def request(
    method: str,
    path: str,
    *,
    host: str,
    token: str | None = None,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """A request as it goes over the connection, with a JSON body if there is one."""
    content = b"" if body is None else orjson.dumps(body)
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    if headers is None or "Accept" not in headers:
        lines.append("Accept: application/json")
    if token is not None:
        lines.append(f"Authorization: Bearer {token}")
    if headers is not None:
        lines += [f"{name}: {value}" for name, value in headers.items()]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    elif method not in {"GET", "DELETE"}:
        lines.append("Content-Length: 0")
    return "\r\n".join((*lines, "", "")).encode() + content


class Reader:
    """Takes bytes as they come, split anywhere, and gives the answer once it is whole."""

    __slots__ = ("_chunks", "_head", "_held", "_is_last", "_left", "_parts", "_status")

    def __init__(self) -> None:
        self._begin()

    def feed(self, data: bytes) -> Answer | None:
        """Raises MalformedError for what cannot be followed; then the connection is good for nothing."""
        if self._left:
            return self._more_of_body(data)
        if self._chunks is not None:
            return self._more_chunks(data)
        if self._held:
            data = self._held + data
        return self._read_head(data)

    def _begin(self) -> None:
        self._held = b""
        self._status, self._head, self._is_last = 0, b"", False
        self._left = 0
        self._parts: list[bytes] = []
        self._chunks: _Chunks | None = None

    def _read_head(self, data: bytes) -> Answer | None:
        at = data.find(b"\r\n\r\n")
        if at < 0:
            if len(data) > _LONGEST_HEAD:
                raise MalformedError("a head without an end")
            self._held = data
            return None
        head, rest = data[: at + 2], data[at + 4 :]
        if not head.startswith(b"HTTP/1.1 ") or not head[9:12].isdigit():
            raise MalformedError(f"no answer: {head[:40]!r}")
        status = int(head[9:12])
        if status < 200:  # an interim one; the answer is yet to come
            self._held = b""
            return self._read_head(rest)
        length, is_chunked, is_last = _framing(head)
        if status in _BODILESS:
            length, is_chunked = 0, False
        elif length is None and not is_chunked:
            raise MalformedError("an answer without a length")
        if not is_chunked and len(rest) == length:
            self._held = b""
            return Answer(status, head, rest, is_last)
        self._held, self._status, self._head, self._is_last = b"", status, head, is_last
        if is_chunked:
            self._chunks = _Chunks()
            return self._more_chunks(rest)
        assert length is not None
        self._left = length
        return self._more_of_body(rest)

    def _more_of_body(self, data: bytes) -> Answer | None:
        if len(data) > self._left:
            raise MalformedError("more than was announced")
        self._parts.append(data)
        self._left -= len(data)
        return None if self._left else self._whole(b"".join(self._parts))

    def _more_chunks(self, data: bytes) -> Answer | None:
        assert self._chunks is not None
        return self._whole(b"".join(self._chunks.parts)) if self._chunks.feed(data) else None

    def _whole(self, body: bytes) -> Answer:
        answer = Answer(self._status, self._head, body, self._is_last)
        self._begin()
        return answer


class _Chunks:
    """A chunked body (RFC 9112 §7.1); extensions and trailers are passed over."""

    __slots__ = ("_held", "_left", "_step", "parts")

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self._held = b""
        self._left = 0
        self._step = "size"

    def feed(self, data: bytes) -> bool:
        """Whether that was the end."""
        data = self._held + data
        self._held = b""
        while True:
            if self._step == "data":
                part, data = data[: self._left], data[self._left :]
                self.parts.append(part)
                self._left -= len(part)
                if self._left:
                    return False
                self._step = "data's end"
            line, separator, rest = data.partition(b"\r\n")
            if not separator:
                if len(data) > _LONGEST_SIZE_LINE:
                    raise MalformedError("a chunk's line without an end")
                self._held = data
                return False
            data = rest
            if self._is_end(line):
                if data:
                    raise MalformedError("more than was announced")
                return True

    def _is_end(self, line: bytes) -> bool:
        """Take a line between the data."""
        if self._step == "size":
            self._left = _chunk_size(line)
            self._step = "data" if self._left else "trailers"
            return False
        if self._step == "trailers":
            return not line
        if line:
            raise MalformedError("a chunk that is longer than it says")
        self._step = "size"
        return False


def _framing(head: bytes) -> tuple[int | None, bool, bool]:
    """The length if it is told, whether the body is chunked, whether the connection ends with it."""
    length, is_chunked, is_last = None, False, False
    for found in _FRAMING.finditer(head):
        if found[1]:
            length = int(found[2])
        elif found[3]:
            is_chunked = True
        else:
            is_last = True
    return length, is_chunked, is_last


def _chunk_size(line: bytes) -> int:
    try:
        return int(line.partition(b";")[0], 16)
    except ValueError:
        raise MalformedError(f"no size of a chunk: {line[:40]!r}") from None
