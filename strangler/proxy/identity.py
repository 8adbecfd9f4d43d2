"""Who a request is from, as far as choosing a side needs it.

The access token is decoded without verifying it: it only says which bucket a request falls into, and whoever
forges one merely chooses a side for himself, which is the same site. Nothing here lets anybody in.
"""

import re
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from typing import Final, NamedTuple

import orjson

from strangler.proxy.requests import RequestHead
from strangler.routing.decide import Key

CLIENT_COOKIE: Final = b"banyan_client"
_ACCESS: Final = re.compile(rb"(?:\A|;)[ ]?banyan_access=([A-Za-z0-9_.-]+)")
_CLIENT: Final = re.compile(rb"(?:\A|;)[ ]?banyan_client=([A-Za-z0-9_-]{8,64})(?:;|\Z)")
_REMEMBERED: Final = 8192
_LONGEST_TOKEN: Final = 4096


class Claims(NamedTuple):
    user: str | None
    role: str | None
    company: str | None


NOBODY: Final = Claims(None, None, None)


class Identities:
    """Reads tokens, and remembers a bounded number of them."""

    __slots__ = ("_claims",)

    def __init__(self) -> None:
        self._claims: dict[bytes, Claims] = {}

    def key(self, request: RequestHead) -> Key:
        cookie = request.cookie
        client = None if cookie is None else client_cookie(cookie)
        user, role, company = self._claims_of(request)
        return Key(
            user,
            (request.address if client is None else client).decode("latin-1"),
            role,
            company,
            None if request.cohort is None else request.cohort.decode("latin-1"),
        )

    def _claims_of(self, request: RequestHead) -> Claims:
        token = request.authorization
        if token is None:
            if request.cookie is None or (found := _ACCESS.search(request.cookie)) is None:
                return NOBODY
            token = found[1]
        claims = self._claims.get(token)
        if claims is None:
            claims = read_claims(token)
            if len(self._claims) >= _REMEMBERED:
                self._claims.clear()
            self._claims[token] = claims
        return claims


def client_cookie(cookie: bytes) -> bytes | None:
    """The value that was set at the edge, if it has the form that is set."""
    found = _CLIENT.search(cookie)
    return None if found is None else found[1]


def read_claims(token: bytes) -> Claims:
    """The claims of a JWT, with or without `Bearer ` before it; nobody's, if it is not one."""
    if token[:7].lower() == b"bearer ":
        token = token[7:].strip(b" ")
    parts = token.split(b".")
    if len(parts) != 3 or len(token) > _LONGEST_TOKEN:
        return NOBODY
    try:
        claims = orjson.loads(urlsafe_b64decode(parts[1] + b"=" * (-len(parts[1]) % 4)))
    except (Base64Error, ValueError):
        return NOBODY
    if not isinstance(claims, dict):
        return NOBODY
    return Claims(*(_text(claims.get(name)) for name in ("sub", "role", "company_id")))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
