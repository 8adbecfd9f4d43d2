import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from common.keyring import KeyRing, write_new_key
from common.tokens import (
    AUDIENCE,
    ISSUER,
    Claims,
    TokenExpired,
    TokenInvalid,
    VerifiedTokens,
    issue_access_token,
    verify_access_token,
)

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
USER = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


def issue(ring: KeyRing, **changes: Any) -> str:
    given: dict[str, Any] = {
        "user_id": USER,
        "role": "operator",
        "company_id": uuid4(),
        "session_id": uuid4(),
        "issuer": ISSUER,
        "audience": AUDIENCE,
        "now": NOW,
    }
    return issue_access_token(ring, **{**given, **changes})


async def verify(ring: KeyRing, token: str, now: datetime = NOW) -> Claims:
    return await verify_access_token(ring, token, ISSUER, AUDIENCE, now=now)


def part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).rstrip(b"=").decode()


async def test_a_token_tells_who_it_is_for(ring: KeyRing):
    company, session = uuid4(), uuid4()
    claims = await verify(ring, issue(ring, company_id=company, session_id=session))
    assert (claims.user_id, claims.role, claims.company_id, claims.session_id) == (
        USER,
        "operator",
        company,
        session,
    )
    assert claims.expires_at - claims.issued_at == 900


def test_a_token_has_the_claims_of_the_contract_and_a_kid(ring: KeyRing):
    token = issue(ring, company_id=None)
    payload = jwt.decode(token, options={"verify_signature": False})
    assert set(payload) == {"sub", "role", "company_id", "sid", "iss", "aud", "iat", "exp", "jti"}
    assert payload["company_id"] is None
    header = jwt.get_unverified_header(token)
    assert (header["alg"], header["kid"]) == ("EdDSA", ring.signing_key().kid)


async def test_a_token_dies_on_time_also_when_it_is_remembered(ring: KeyRing):
    token = issue(ring)
    assert await verify(ring, token, NOW + timedelta(seconds=899))
    assert len(ring.verified) == 1
    for _ in range(2):
        with pytest.raises(TokenExpired):
            await verify(ring, token, NOW + timedelta(seconds=900))
    assert len(ring.verified) == 0


async def test_a_token_for_somebody_else_is_refused_also_when_it_is_remembered(ring: KeyRing):
    token = issue(ring)
    for _ in range(2):
        with pytest.raises(TokenInvalid):
            await verify_access_token(ring, token, ISSUER, "another", now=NOW)
        with pytest.raises(TokenInvalid):
            await verify_access_token(ring, token, "another", AUDIENCE, now=NOW)
        await verify(ring, token)


async def test_a_clock_a_little_ahead_is_forgiven_and_no_more(ring: KeyRing, key_file: Path):
    token = issue(ring)
    assert await verify(ring, token, NOW - timedelta(seconds=20))
    with pytest.raises(TokenInvalid, match="future"):
        await verify(KeyRing.from_file(key_file), token, NOW - timedelta(minutes=5))


async def test_a_changed_token_is_refused(ring: KeyRing):
    header, payload, signature = issue(ring).split(".")
    claims = jwt.decode(f"{header}.{payload}.{signature}", options={"verify_signature": False})
    forged = part({**claims, "role": "admin"})
    with pytest.raises(TokenInvalid):
        await verify(ring, f"{header}.{forged}.{signature}")


async def test_a_token_without_a_signature_is_refused(ring: KeyRing):
    _, payload, _ = issue(ring).split(".")
    for algorithm in ("none", "None", "NONE"):
        header = part({"alg": algorithm, "typ": "JWT", "kid": ring.signing_key().kid})
        with pytest.raises(TokenInvalid):
            await verify(ring, f"{header}.{payload}.")


async def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(ring: KeyRing):
    key = ring.signing_key()
    _, payload, _ = issue(ring).split(".")
    header = part({"alg": "HS256", "typ": "JWT", "kid": key.kid})
    for secret in (
        key.public.public_bytes_raw(),
        key.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    ):
        digest = hmac.digest(secret, f"{header}.{payload}".encode(), hashlib.sha256)
        signature = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        with pytest.raises(TokenInvalid):
            await verify(ring, f"{header}.{payload}.{signature}")


async def test_a_token_of_another_key_is_refused_even_under_our_kid(ring: KeyRing):
    payload = jwt.decode(issue(ring), options={"verify_signature": False})
    stranger = Ed25519PrivateKey.generate()
    for kid in (ring.signing_key().kid, "unknown"):
        token = jwt.encode(payload, stranger, algorithm="EdDSA", headers={"kid": kid})
        with pytest.raises(TokenInvalid):
            await verify(ring, token)


@pytest.mark.parametrize(
    "changes",
    [
        {"sub": "x"},
        {"sub": 5},
        {"company_id": 5},
        {"sid": None},
        {"aud": ["banyan", "other"]},
        {"iat": "1"},
        {"exp": 1e300},
        {"exp": True},
        {"exp": None},
        {"jti": None},
    ],
)
async def test_a_token_of_ours_with_odd_claims_is_refused_and_not_an_error(
    ring: KeyRing, changes: dict[str, Any]
):
    payload = jwt.decode(issue(ring), options={"verify_signature": False}) | changes
    key = ring.signing_key()
    header = part({"alg": "EdDSA", "kid": key.kid})
    signed = f"{header}.{part(payload)}"
    signature = base64.urlsafe_b64encode(key.private.sign(signed.encode())).rstrip(b"=").decode()
    with pytest.raises(TokenInvalid):
        await verify(ring, f"{signed}.{signature}")


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "x" * 10_000, "é.é.é", "e30.e30.e30", "W10.e30."])
async def test_what_is_no_token_is_refused(ring: KeyRing, token: str):
    with pytest.raises(TokenInvalid):
        await verify(ring, token)


async def test_a_token_does_not_outlive_the_removal_of_its_key(ring: KeyRing, key_file: Path, monkeypatch):
    token = issue(ring)
    await verify(ring, token)
    key_file.unlink()
    write_new_key(key_file)
    monkeypatch.setattr("common.keyring.monotonic", lambda: monotonic() + 2)
    with pytest.raises(TokenInvalid):
        await verify(ring, token)


def test_remembered_tokens_are_bounded_and_the_oldest_goes_first():
    claims = Claims(USER, "admin", None, USER, ISSUER, AUDIENCE, 0, 1, "")
    tokens = VerifiedTokens(most=3)
    for name in "abcd":
        tokens.remember(name, claims)
    assert len(tokens) == 3
    assert tokens.get("a") is None
    assert tokens.get("d") is claims
