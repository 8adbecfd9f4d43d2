"""Public keys from a JWKS address, for those who verify tokens and sign none.

The document is kept while it is fresh and fetched again for a kid that is not in it, but not more often
than every few seconds: tokens with invented kids must not become a flood of requests to the issuer.
"""

import asyncio
import base64
from time import monotonic
from typing import Any, Final

import aiohttp
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from common.problems import Unavailable
from common.verified import VerifiedTokens

_log: Final = structlog.get_logger("jwks")
_FETCH_TIMEOUT_S: Final = 3.0


class JwksVerifier:
    """A `Verifier` over a JWKS address; close it when the application ends."""

    def __init__(self, url: str, *, max_age_s: float = 300, min_interval_s: float = 5) -> None:
        self._url = url
        self._max_age_s = max_age_s
        self._min_interval_s = min_interval_s
        self._keys: dict[str, Ed25519PublicKey] | None = None
        self._fetched_at = -1e9
        self._tried_at = -1e9
        self._lock = asyncio.Lock()
        self._session: aiohttp.ClientSession | None = None
        self.verified = VerifiedTokens()

    async def find_key(self, kid: str) -> Ed25519PublicKey | None:
        """The key, or None if there is none of that kid; raises `Unavailable` before the first answer."""
        if not self._known(kid) or monotonic() - self._fetched_at > self._max_age_s:
            async with self._lock:  # one fetch for all who wait
                stale = not self._known(kid) or monotonic() - self._fetched_at > self._max_age_s
                if stale and monotonic() - self._tried_at >= self._min_interval_s:
                    await self._fetch()
        if self._keys is None:
            raise Unavailable("The keys that tokens are signed with cannot be fetched.")
        return self._keys.get(kid)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _known(self, kid: str) -> bool:
        return self._keys is not None and kid in self._keys

    async def _fetch(self) -> None:
        self._tried_at = monotonic()
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_FETCH_TIMEOUT_S))
        try:
            async with self._session.get(self._url, allow_redirects=False) as response:
                response.raise_for_status()
                keys = keys_of(await response.json(content_type=None))
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            _log.warning("jwks not fetched", url=self._url, error=repr(error))
            return
        if self._keys is not None and not self._keys.keys() <= keys.keys():
            self.verified.clear()  # a key was withdrawn
        self._keys = keys
        self._fetched_at = monotonic()


def keys_of(document: Any) -> dict[str, Ed25519PublicKey]:
    """The Ed25519 keys of a JWKS document by kid; other kinds of key are passed over. Raises ValueError."""
    try:
        return {
            str(key["kid"]): Ed25519PublicKey.from_public_bytes(
                base64.urlsafe_b64decode(key["x"] + "=" * (-len(key["x"]) % 4))
            )
            for key in document["keys"]
            if key.get("kty") == "OKP" and key.get("crv") == "Ed25519"
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not a JWKS document") from error
