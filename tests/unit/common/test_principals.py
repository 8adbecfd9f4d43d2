# ruff: file-ignore[unused-async] — aiohttp's handlers are coroutines
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp import web

from common.context import request_context
from common.principals import ACCESS_COOKIE, Role, authenticate, principal, require, require_company
from common.problems import problem_middleware
from common.tokens import AUDIENCE, ISSUER, issue_access_token

COMPANY = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
ORIGIN = "https://bus.example"


@pytest.fixture
def token(ring):
    def issue(role: str = "passenger", company_id: UUID | None = None, age: timedelta = timedelta()) -> str:
        return issue_access_token(
            ring,
            user_id=uuid4(),
            role=role,
            company_id=company_id,
            session_id=uuid4(),
            issuer=ISSUER,
            audience=AUDIENCE,
            now=datetime.now(UTC) - age,
        )

    return issue


@pytest.fixture
async def client(aiohttp_client, ring):
    async def public(request: web.Request) -> web.Response:
        who = principal(request)
        return web.Response(text=who.role if who else "nobody")

    async def mine(request: web.Request) -> web.Response:
        return web.Response(text=require(request).role)

    async def staff(request: web.Request) -> web.Response:
        return web.Response(text=require(request, Role.OPERATOR, Role.ADMIN).role)

    async def company(request: web.Request) -> web.Response:
        found = require_company(request, UUID(request.match_info["id"]), Role.OPERATOR)
        return web.Response(text=found.role)

    app = web.Application(
        middlewares=[request_context, problem_middleware, authenticate(ring, ISSUER, AUDIENCE, ORIGIN)]
    )
    app.router.add_route("*", "/public", public)
    app.router.add_route("*", "/mine", mine)
    app.router.add_get("/staff", staff)
    app.router.add_get("/companies/{id}", company)
    return await aiohttp_client(app)


async def ask(
    client, path: str, token: str | None = None, method: str = "GET", **options: Any
) -> tuple[int, Any]:
    headers = options.pop("headers", {})
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    answer = await client.request(method, path, headers=headers, **options)
    if answer.content_type == "application/problem+json":
        return answer.status, (await answer.json(content_type=None))["type"].rpartition(":")[2]
    return answer.status, await answer.text()


async def test_a_bearer_token_is_recognised(client, token):
    assert await ask(client, "/mine", token()) == (200, "passenger")
    assert await ask(client, "/mine", headers={"Authorization": f"bearer {token()}"}) == (200, "passenger")


async def test_nobody_may_ask_for_what_is_public_and_nothing_else(client):
    assert await ask(client, "/public") == (200, "nobody")
    assert await ask(client, "/mine") == (401, "token-missing")
    assert await ask(client, "/staff") == (401, "token-missing")
    assert await ask(client, f"/companies/{COMPANY}") == (401, "token-missing")


async def test_a_bad_bearer_token_is_401_even_where_none_is_needed(client, token):
    assert await ask(client, "/public", "nonsense") == (401, "token-invalid")
    assert await ask(client, "/public", token(age=timedelta(hours=1))) == (401, "token-expired")
    assert await ask(client, "/public", token("emperor")) == (401, "token-invalid")


async def test_401_says_how_to_authenticate(client):
    for path, sent in (("/mine", {}), ("/public", {"Authorization": "Bearer x"})):
        answer = await client.get(path, headers=sent)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


async def test_another_scheme_is_nobody(client):
    assert await ask(client, "/public", headers={"Authorization": "Basic YTpi"}) == (200, "nobody")


async def test_a_bad_cookie_is_nobody(client, token):
    for cookie in ("nonsense", token(age=timedelta(hours=1))):
        assert await ask(client, "/public", cookies={ACCESS_COOKIE: cookie}) == (200, "nobody")
        assert await ask(client, "/public", method="POST", cookies={ACCESS_COOKIE: cookie}) == (200, "nobody")


async def test_a_cookie_is_recognised_for_reading(client, token):
    assert await ask(client, "/mine", cookies={ACCESS_COOKIE: token()}) == (200, "passenger")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": ORIGIN}, 403),
        ({"Origin": ORIGIN}, 200),
        ({"Origin": "https://bus.example.evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://["}, 403),
        ({}, 403),
    ],
)
async def test_a_change_with_a_cookie_must_come_from_our_own_pages(client, token, headers, status: int):
    found = await ask(client, "/mine", method="POST", headers=dict(headers), cookies={ACCESS_COOKIE: token()})
    assert found == ((200, "passenger") if status == 200 else (403, "cross-origin"))


async def test_a_change_with_a_bearer_token_may_come_from_anywhere(client, token):
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://partner.example"}
    assert await ask(client, "/mine", token(), method="POST", headers=headers) == (200, "passenger")


async def test_a_bearer_token_goes_before_a_cookie(client, token):
    cookies = {ACCESS_COOKIE: token("admin")}
    assert await ask(client, "/mine", token("driver"), cookies=cookies) == (200, "driver")


async def test_the_wrong_role_is_403(client, token):
    assert await ask(client, "/staff", token()) == (403, "wrong-role")
    assert await ask(client, "/staff", token("operator")) == (200, "operator")


async def test_another_companys_things_are_not_there(client, token):
    path = f"/companies/{COMPANY}"
    assert await ask(client, path, token("operator", COMPANY)) == (200, "operator")
    assert await ask(client, path, token("operator", uuid4())) == (404, "not-found")
    assert await ask(client, path, token()) == (403, "wrong-role")
    assert await ask(client, path, token("driver", COMPANY)) == (403, "wrong-role")
    assert await ask(client, path, token("admin")) == (200, "admin")
