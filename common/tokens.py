"""Access tokens: JWT signed with Ed25519 (EdDSA, RFC 8037), checked by whoever has the public key.

The algorithm is fixed here and never taken from a token, so neither ``none`` nor HS256 with the public key
as its secret gets anywhere (RFC 8725 §3.1). A token cannot be revoked before it expires: sessions are what
is revoked.
"""

import time
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from common.ids import uuid7
from common.jwks import JwksVerifier
from common.keyring import KeyRing, KeyRingError, SigningKey, jwks, rotate, write_new_key
from common.verified import Claims, VerifiedTokens

ALGORITHM: Final = "EdDSA"
# The same on both sides of every cutover: whoever signs, signs for the whole of Banyan.
ISSUER: Final = "banyan"
AUDIENCE: Final = "banyan"
ACCESS_TOKEN_TTL_S: Final = 900
CLOCK_SKEW_S: Final = 30
_LONGEST_TOKEN: Final = 4096
# Without company_id, which must be there but may be null: PyJWT takes null for missing.
_REQUIRED: Final = ("sub", "role", "sid", "iss", "aud", "iat", "exp", "jti")


class TokenInvalid(Exception):  # ruff: ignore[error-suffix-on-exception-name] — the fact
    """It is not a token of ours, or not for this audience."""


class TokenExpired(TokenInvalid):
    """It was a good token once."""


class Verifier(Protocol):
    """Finds public keys and remembers verified tokens: a `KeyRing` or a `JwksVerifier`."""

    async def find_key(self, kid: str) -> Ed25519PublicKey | None: ...

    @property
    def verified(self) -> VerifiedTokens: ...


def issue_access_token(
    ring: KeyRing,
    *,
    user_id: UUID,
    role: str,
    company_id: UUID | None,
    session_id: UUID,
    issuer: str,
    audience: str,
    now: datetime,
    ttl_s: int = ACCESS_TOKEN_TTL_S,
) -> str:
    """Sign a token with the newest key of the ring."""
    key = ring.signing_key()
    issued_at = int(now.timestamp())
    claims = {
        "sub": str(user_id),
        "role": str(role),
        "company_id": str(company_id) if company_id else None,
        "sid": str(session_id),
        "iss": issuer,
        "aud": audience,
        "iat": issued_at,
        "exp": issued_at + ttl_s,
        "jti": str(uuid7()),
    }
    return jwt.encode(claims, key.private, algorithm=ALGORITHM, headers={"kid": key.kid})


async def verify_access_token(
    verifier: Verifier, token: str, issuer: str, audience: str, *, now: datetime | None = None
) -> Claims:
    """The claims of a token; raises `TokenExpired`, or `TokenInvalid` for all else that may be wrong."""
    seconds = now.timestamp() if now else time.time()
    verified = verifier.verified
    claims = verified.get(token)
    if claims is None:
        claims = await _verify(verifier, token, issuer, audience, seconds)
        if claims.expires_at > seconds:
            verified.remember(token, claims)
    elif claims.issuer != issuer or claims.audience != audience:
        raise TokenInvalid("the token is for somebody else")
    if claims.expires_at <= seconds:
        verified.forget(token)
        raise TokenExpired("the token has expired")
    return claims


async def _verify(verifier: Verifier, token: str, issuer: str, audience: str, seconds: float) -> Claims:
    if len(token) > _LONGEST_TOKEN:
        raise TokenInvalid("the token is too long")
    try:
        header = jwt.get_unverified_header(token)
    except jwt.InvalidTokenError as error:
        raise TokenInvalid("the token is not a JWT") from error
    kid = header.get("kid")
    if header.get("alg") != ALGORITHM or not isinstance(kid, str) or not kid:
        raise TokenInvalid("the token is not signed as ours are")
    key = await verifier.find_key(kid)
    if key is None:
        raise TokenInvalid("the token's key is not known")
    try:
        payload: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            issuer=issuer,
            audience=audience,
            # The two times are compared here: PyJWT knows only the wall clock and one leeway for both.
            options={"require": list(_REQUIRED), "verify_exp": False, "verify_iat": False},
        )
        claims = _claims_of(payload)
    except (jwt.InvalidTokenError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise TokenInvalid("the token does not hold") from error
    if claims.issued_at > seconds + CLOCK_SKEW_S:
        raise TokenInvalid("the token is from the future")
    return claims


def _claims_of(payload: dict[str, Any]) -> Claims:
    issued_at, expires_at = payload["iat"], payload["exp"]
    if type(issued_at) is not int or type(expires_at) is not int or not isinstance(payload["aud"], str):
        raise TypeError("iat and exp are whole seconds, aud is one audience")
    company_id = payload["company_id"]
    return Claims(
        user_id=UUID(payload["sub"]),
        role=str(payload["role"]),
        company_id=UUID(company_id) if company_id is not None else None,
        session_id=UUID(payload["sid"]),
        issuer=payload["iss"],
        audience=payload["aud"],
        issued_at=issued_at,
        expires_at=expires_at,
        token_id=str(payload["jti"]),
    )


__all__ = [
    "ACCESS_TOKEN_TTL_S",
    "ALGORITHM",
    "AUDIENCE",
    "ISSUER",
    "Claims",
    "JwksVerifier",
    "KeyRing",
    "KeyRingError",
    "SigningKey",
    "TokenExpired",
    "TokenInvalid",
    "VerifiedTokens",
    "Verifier",
    "issue_access_token",
    "jwks",
    "rotate",
    "verify_access_token",
    "write_new_key",
]
