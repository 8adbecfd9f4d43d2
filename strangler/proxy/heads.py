"""What requests' and responses' heads have in common: finding them, and filling a dict from llhttp.

llhttp checks every byte of a head and puts each header into a dict by calling `dict.__setitem__` itself, so
no Python frame runs per header. A dict keeps one value per name: if it has fewer entries than the head has
lines, some name came twice, and `repeated` reads the head line by line. Nothing here does I/O.
"""

from collections.abc import Callable, Mapping
from typing import Final

PASS: Final = 0
"""The kind of a header that means nothing to the proxy: forwarded as it is."""

_REMEMBERED_NAMES: Final = 1024
_REMEMBERED_LENGTH: Final = 64


class Kinds(dict[bytes, int]):  # ruff: ignore[subclass-builtin] — UserDict would cost a frame per header
    """Header names as they were sent → what they are to the proxy.

    Spellings are remembered, so that the usual ones cost one lookup; how many is bounded, because clients
    choose them.
    """

    def __init__(self, known: Mapping[bytes, int]) -> None:
        super().__init__(known)
        self.known = dict(known)

    def __missing__(self, name: bytes) -> int:
        kind = self.known.get(name.lower(), PASS)
        if len(self) < _REMEMBERED_NAMES and len(name) <= _REMEMBERED_LENGTH:
            self[name] = kind
        return kind


class Sink:
    """What llhttp calls: methods of built-in types, put here as attributes."""

    __slots__ = ("on_header", "on_url")

    on_header: Callable[[bytes, bytes], None]
    on_url: Callable[[bytes], None]


def pairs(raw: bytes) -> list[tuple[bytes, bytes]]:
    """All headers in order, of a head that llhttp has found valid."""
    found = []
    for line in raw[:-4].split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        found.append((name, value.strip(b" \t")))
    return found


def tokens(value: bytes) -> list[bytes]:
    """A comma separated list in lower case, without empty elements (RFC 9110 §5.6.1)."""
    return [token for part in value.lower().split(b",") if (token := part.strip(b" \t"))]
