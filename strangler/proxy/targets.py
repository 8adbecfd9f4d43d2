"""What a request asks for: its target (RFC 9112 §3.2) and its host. No I/O.

A target that two servers could resolve differently is refused: one that names another host than Host does,
one with a fragment, and one with dot segments, encoded or not, behind which another route than the one
decided here may lie.
"""

import re
from typing import Final
from urllib.parse import unquote_to_bytes

from strangler.proxy import refusals
from strangler.proxy.refusals import Refused, malformed

CLOSED_METHODS: Final = frozenset({b"CONNECT", b"TRACE"})
"""One would open a tunnel to anywhere, the other show headers that are no script's business."""

_HOST: Final = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_ABSOLUTE: Final = re.compile(rb"(?i:https?)://([^/?#]*)(/[^?]*)?(\?.*)?")
_DOT_SEGMENT: Final = re.compile(rb"/\.{1,2}(?:/|\Z)")


def is_host(value: bytes) -> bool:
    """Whether it is a host, with or without a port."""
    return _HOST.fullmatch(value) is not None


def checked_host(value: bytes) -> bytes:
    """A Host header's value. Raises `Refused`."""
    host = value.strip(b" \t")  # llhttp leaves what stands before the line's end
    if not is_host(host):
        raise malformed("Host names no host.")
    return host


def checked_target(method: bytes, target: bytes, host: bytes) -> bytes:
    """A target that is not plainly a path, in origin form. Raises `Refused`."""
    if method in CLOSED_METHODS:
        raise Refused(refusals.METHOD_CLOSED)
    if b"#" in target:
        raise malformed("A request target has no fragment.")
    if not target.startswith(b"/"):
        target = _origin_form(method, target, host)
    plain = unquote_to_bytes(target.partition(b"?")[0])
    if b"." in plain and _DOT_SEGMENT.search(plain):
        raise malformed("The path has dot segments.")
    return target


def _origin_form(method: bytes, target: bytes, host: bytes) -> bytes:
    if target == b"*" and method == b"OPTIONS":
        return target
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None:
        raise malformed("The request target is neither a path nor an http URL.")
    authority, path, query = absolute.groups()
    if authority.lower() != host.lower():
        raise malformed("The request target and Host name different hosts.")
    return (path or b"/") + (query or b"")
