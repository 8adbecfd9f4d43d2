"""Signatures of webhooks: `t=<unix seconds>,v1=<hex>[,v1=<hex>]`, HMAC-SHA256 over `<t>.<raw body>`.

Several signatures, and several secrets, because a secret is rotated by signing with both for a while.
"""

from __future__ import annotations

import hmac
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

HEADER: Final = "Banyan-Signature"
WINDOW_S: Final = 300
MOST_SIGNATURES: Final = 10
_HEADER: Final = re.compile(r"t=(\d{1,12})((?:,v1=[0-9a-f]{64})+)")


class SignatureBad(ValueError):  # ruff: ignore[error-suffix-on-exception-name] — the fact
    """Nobody who knows a secret of ours signed this."""


class SignatureStale(ValueError):  # ruff: ignore[error-suffix-on-exception-name] — the fact
    """It is well signed, but not of now: it may be a recording."""


def sign(body: bytes, secrets: Iterable[str], *, at_s: int) -> str:
    """The header's value: one signature for each secret."""
    return f"t={at_s}" + "".join(f",v1={_signature(body, secret, str(at_s))}" for secret in secrets)


def check(header: str | None, body: bytes, secrets: Iterable[str], *, now_s: float) -> None:
    """Raise SignatureBad, or SignatureStale, unless somebody who knows a secret signed this body now.

    Every signature is compared with every secret, so the time it takes tells nothing about either.
    """
    found = _HEADER.fullmatch(header or "")
    if found is None:
        raise SignatureBad("no signature, or none that can be read")
    signed_at, given = found[1], found[2].removeprefix(",v1=").split(",v1=")
    if len(given) > MOST_SIGNATURES:
        raise SignatureBad("too many signatures")
    good = False
    for secret in secrets:
        wanted = _signature(body, secret, signed_at)
        for signature in given:
            good |= hmac.compare_digest(signature, wanted)
    if not good:
        raise SignatureBad("the signature does not fit")
    if abs(now_s - int(signed_at)) > WINDOW_S:
        raise SignatureStale("the signature is too old, or from the future")


def _signature(body: bytes, secret: str, signed_at: str) -> str:
    return hmac.digest(secret.encode(), signed_at.encode() + b"." + body, "sha256").hex()
