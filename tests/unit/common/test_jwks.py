from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from uuid import uuid4

import pytest
from aiohttp import web

from common.jwks import JwksVerifier, keys_of
from common.keyring import KeyRing, jwks, rotate
from common.problems import Unavailable
from common.tokens import AUDIENCE, ISSUER, TokenInvalid, issue_access_token, verify_access_token


class Issuer:
    """A real server of a JWKS document that counts how often it is asked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.asked = 0
        self.broken = False

    async def show(self, _request: web.Request) -> web.Response:
        self.asked += 1
        if self.broken:
            return web.Response(status=500)
        return web.json_response(jwks(KeyRing.from_file(self.path)))

    def token(self) -> str:
        return issue_access_token(
            KeyRing.from_file(self.path),
            user_id=uuid4(),
            role="admin",
            company_id=None,
            session_id=uuid4(),
            issuer=ISSUER,
            audience=AUDIENCE,
            now=datetime.now(UTC),
        )


@pytest.fixture
def issuer(key_file: Path) -> Issuer:
    return Issuer(key_file)


@pytest.fixture
async def verifier(issuer: Issuer, aiohttp_server):
    app = web.Application()
    app.router.add_get("/jwks", issuer.show)
    server = await aiohttp_server(app)
    verifier = JwksVerifier(str(server.make_url("/jwks")))
    yield verifier
    await verifier.close()


@pytest.fixture
def later(monkeypatch):
    passed = [0.0]
    monkeypatch.setattr("common.jwks.monotonic", lambda: monotonic() + passed[0])
    return lambda seconds: passed.__setitem__(0, passed[0] + seconds)


async def test_tokens_are_verified_with_one_fetch(issuer: Issuer, verifier: JwksVerifier):
    for _ in range(3):
        await verify_access_token(verifier, issuer.token(), ISSUER, AUDIENCE)
    assert issuer.asked == 1


async def test_an_unknown_kid_is_looked_up_again(issuer: Issuer, verifier: JwksVerifier, later):
    await verify_access_token(verifier, issuer.token(), ISSUER, AUDIENCE)
    rotate(issuer.path)
    later(6)
    await verify_access_token(verifier, issuer.token(), ISSUER, AUDIENCE)
    assert issuer.asked == 2


async def test_invented_kids_do_not_flood_the_issuer(issuer: Issuer, verifier: JwksVerifier):
    await verifier.find_key("x")
    for number in range(20):
        assert await verifier.find_key(str(number)) is None
    assert issuer.asked == 1


async def test_known_keys_stay_good_while_the_issuer_is_down(issuer: Issuer, verifier: JwksVerifier, later):
    token = issuer.token()
    await verify_access_token(verifier, token, ISSUER, AUDIENCE)
    issuer.broken = True
    later(1000)
    verifier.verified.clear()
    await verify_access_token(verifier, token, ISSUER, AUDIENCE)
    assert issuer.asked == 2


async def test_without_any_answer_nobody_is_told_that_their_token_is_bad(
    issuer: Issuer, verifier: JwksVerifier
):
    issuer.broken = True
    with pytest.raises(Unavailable):
        await verify_access_token(verifier, issuer.token(), ISSUER, AUDIENCE)


async def test_a_withdrawn_key_takes_its_remembered_tokens_along(
    issuer: Issuer, verifier: JwksVerifier, later
):
    token = issuer.token()
    await verify_access_token(verifier, token, ISSUER, AUDIENCE)
    issuer.path.unlink()
    rotate(issuer.path)
    later(400)
    await verify_access_token(verifier, issuer.token(), ISSUER, AUDIENCE)
    with pytest.raises(TokenInvalid):
        await verify_access_token(verifier, token, ISSUER, AUDIENCE)


def test_keys_of_another_kind_are_passed_over_and_nonsense_is_refused():
    assert keys_of({"keys": [{"kty": "RSA", "kid": "a", "n": "x", "e": "y"}]}) == {}
    for document in (
        {},
        [],
        {"keys": 5},
        {"keys": [5]},
        {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "A"}]},
    ):
        with pytest.raises(ValueError, match=r".+"):
            keys_of(document)
