"""Which side a request goes to, as far as the proxy finds out who asks: tokens, cookies, addresses."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strangler.proxy.identity import NOBODY, Claims, Identities, read_claims
from strangler.proxy.requests import Peer, RequestReader
from strangler.routing.decide import decide
from strangler.routing.flags import Flag, read_flag
from tests.proxy.edge import answer, open_edge, says


def token(**claims: Any) -> str:
    parts = [json.dumps({"alg": "EdDSA"}).encode(), json.dumps(claims).encode(), b"signature"]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def request(*lines: str):
    raw = "".join(f"{line}\r\n" for line in ("GET / HTTP/1.1", "Host: a", *lines, ""))
    return RequestReader(Peer(b"10.0.0.1", trusted=True), max_headers=100).read(raw.encode())


def test_a_token_names_user_role_and_company_wherever_it_is():
    sent = token(sub="u1", role="operator", company_id="c1", exp=1)
    identities = Identities()
    for line in (
        f"Authorization: Bearer {sent}",
        f"authorization: bearer {sent}",
        f"Cookie: a=b; banyan_access={sent}; c=d",
    ):
        key = identities.key(request(line))
        assert (key.user, key.role, key.company) == ("u1", "operator", "c1")


def test_the_client_is_the_cookie_else_the_address_that_the_edge_saw():
    identities = Identities()
    assert identities.key(request("Cookie: banyan_client=abcdefgh1234")).client == "abcdefgh1234"
    assert identities.key(request("Cookie: banyan_client=<bad>")).client == "10.0.0.1"
    assert identities.key(request("X-Forwarded-For: 203.0.113.9")).client == "203.0.113.9"
    assert identities.key(request("Banyan-Cohort: testers")).cohort_header == "testers"


@pytest.mark.parametrize(
    "sent", ["", "a", "a.b.c", "a..c", "Bearer ", "a.b", "a." + "!" * 9 + ".c", token()[:-30], "x" * 9000]
)
def test_what_is_no_token_is_nobody(sent):
    assert read_claims(sent.encode()) == NOBODY


@given(st.binary(max_size=200))
def test_garbage_is_nobody_or_somebody_and_never_an_error(garbage):
    claims = read_claims(b"Bearer a." + base64.urlsafe_b64encode(garbage).rstrip(b"=") + b".c")
    assert isinstance(claims, Claims)
    assert isinstance(read_claims(garbage), Claims)


def test_claims_of_other_types_are_left_out():
    assert read_claims(token(sub=7, role=["a"], company_id=None).encode()) == NOBODY


def split(percent: float, sticky: str, **more: Any) -> Flag:
    return read_flag(json.dumps({"mode": "split", "percent": percent, "sticky": sticky, **more}).encode())


async def test_a_user_stays_on_a_side_and_the_share_is_kept():
    async with open_edge(
        says(answer(b"legacy")), says(answer(b"service")), routes={"GET /a": "legacy"}
    ) as edge:
        edge.flags.flag("GET /a", split(50, "user"))
        client = await edge.client()
        sides = {}
        for number in range(200):
            bearer = f"Authorization: Bearer {token(sub=f'user-{number}')}"
            found = {(await client.ask("GET /a", bearer)).headers["banyan-side"] for _ in range(2)}
            assert len(found) == 1
            sides[number] = found.pop()
        assert 60 < list(sides.values()).count("service") < 140
        compiled = edge.flags.snapshot.match(b"GET", b"/a")
        assert compiled is not None
        for number, side in sides.items():
            key = Identities().key(request(f"Authorization: Bearer {token(sub=f'user-{number}')}"))
            assert decide(compiled, key) == side


async def test_a_flag_that_changes_is_not_outlived_by_what_was_remembered():
    async with open_edge(
        says(answer(b"legacy")), says(answer(b"service")), routes={"GET /a": "legacy"}
    ) as edge:
        client = await edge.client()
        bearer = f"Authorization: Bearer {token(sub='user')}"
        for percent, side in ((0.01, "legacy"), (99.99, "service"), (0.01, "legacy")):
            edge.flags.flag("GET /a", split(percent, "user"))
            for _ in range(2):
                assert (await client.ask("GET /a", bearer)).headers["banyan-side"] == side


async def test_a_cohort_goes_first_and_by_header_too():
    async with open_edge(
        says(answer(b"legacy")), says(answer(b"service")), routes={"GET /a": "legacy"}
    ) as edge:
        edge.flags.flag("GET /a", split(0, "user", cohort={"users": ["u1"], "header": "testers"}))
        client = await edge.client()
        for lines, side in (
            ((f"Authorization: Bearer {token(sub='u1')}",), "service"),
            ((f"Authorization: Bearer {token(sub='u2')}",), "legacy"),
            ((f"Authorization: Bearer {token(sub='u2')}", "Banyan-Cohort: testers"), "service"),
            ((f"Authorization: Bearer {token(sub='u2')}",), "legacy"),
        ):
            assert (await client.ask("GET /a", *lines)).headers["banyan-side"] == side


async def test_a_client_without_a_cookie_is_named_and_stays_where_its_name_puts_it():
    async with open_edge(
        says(answer(b"legacy")), says(answer(b"service")), routes={"GET /a": "legacy"}
    ) as edge:
        edge.flags.flag("GET /a", split(50, "client"))
        sides = set()
        for _ in range(30):
            client = await edge.client()
            first = await client.ask("GET /a", "X-Forwarded-Proto: https")
            named = re.fullmatch(
                r"(banyan_client=[\w-]{16}); Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax; Secure",
                first.headers["set-cookie"],
            )
            assert named is not None
            again = await client.ask("GET /a", f"Cookie: {named[1]}")
            assert "set-cookie" not in again.headers
            assert again.headers["banyan-side"] == first.headers["banyan-side"]
            sides.add(first.headers["banyan-side"])
        assert sides == {"legacy", "service"}


async def test_routes_that_are_not_split_set_no_cookie():
    async with open_edge(routes={"GET /a": "legacy"}) as edge:
        assert "set-cookie" not in (await (await edge.client()).ask("GET /a")).headers
