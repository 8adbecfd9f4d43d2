"""The chunked coding (RFC 9112 §7.1), decoded strictly and without I/O.

Extensions and trailers are read past and dropped. A size that is not plain hexadecimal, or a line end that is
not CRLF, is an error: parsers that disagree about either are how requests are smuggled.
"""

import re
from typing import Final

_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?")
_TRAILER: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*")
_LONGEST_LINE: Final = 1024
_MOST_TRAILER_BYTES: Final = 8192

LAST_CHUNK: Final = b"0\r\n\r\n"


class BadChunk(Exception):  # ruff: ignore[error-suffix-on-exception-name] — it names what was met
    """The chunked coding is broken here."""


def chunk(data: bytes) -> bytes:
    """One chunk of these bytes, which are not empty."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class ChunkDecoder:
    """Takes bytes as they come; gives payload, and after `done` what belongs to the next message."""

    __slots__ = ("_buffer", "_in_chunk", "_in_trailers", "_remaining", "_trailer_bytes", "done", "rest")

    def __init__(self) -> None:
        self._buffer = b""
        self._remaining = 0
        self._in_chunk = False
        self._in_trailers = False
        self._trailer_bytes = 0
        self.done = False
        self.rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The payload that these bytes complete. Raises `BadChunk`."""
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        found: list[bytes] = []
        at = 0
        while not self.done:
            if self._remaining:
                part = data[at : at + self._remaining]
                if not part:
                    break
                found.append(part)
                at += len(part)
                self._remaining -= len(part)
            elif self._in_chunk:
                ending = data[at : at + 2]
                if ending != b"\r\n"[: len(ending)]:
                    raise BadChunk("A chunk is longer than it says.")
                if len(ending) < 2:
                    break
                at += 2
                self._in_chunk = False
            else:
                end = data.find(b"\n", at, at + _LONGEST_LINE)
                if end < 0:
                    self._check_partial(data[at : at + _LONGEST_LINE])
                    break
                self._read_line(data[at : end + 1])
                at = end + 1
        if self.done:
            self.rest = data[at:]
        else:
            self._buffer = data[at:]
        return found

    @staticmethod
    def _check_partial(line: bytes) -> None:
        if len(line) >= _LONGEST_LINE:
            raise BadChunk("A line is too long.")
        if b"\r" in line[:-1]:
            raise BadChunk("A line does not end with CRLF.")

    def _read_line(self, line: bytes) -> None:
        if not line.endswith(b"\r\n"):
            raise BadChunk("A line does not end with CRLF.")
        if self._in_trailers:
            self._read_trailer(line)
            return
        size = _SIZE.fullmatch(line, 0, len(line) - 2)
        if size is None:
            raise BadChunk("A chunk's size is not a hexadecimal number.")
        self._remaining = int(size[1], 16)
        self._in_chunk = self._remaining > 0
        self._in_trailers = not self._in_chunk

    def _read_trailer(self, line: bytes) -> None:
        self._trailer_bytes += len(line)
        if line == b"\r\n":
            self.done = True
        elif self._trailer_bytes > _MOST_TRAILER_BYTES:
            raise BadChunk("The trailers are too long.")
        elif not _TRAILER.fullmatch(line, 0, len(line) - 2):
            raise BadChunk("A trailer is not valid.")
