"""Requests about accounts and sessions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aiohttp import web

from common.cursors import decode_cursor, page
from common.database import POOL
from common.principals import (
    Role,
    TokenInvalidProblem,
    principal,
    require,
    require_company,
    require_same_origin,
)
from common.schemas import ListQuery
from common.sweeps import SWEEPER
from common.tokens import jwks
from common.web.cookies import clear_session, has_session, refresh_cookie, set_session
from common.web.i18n import LANGUAGES
from common.wire import (
    etag_for,
    json_response,
    load,
    not_modified,
    parse_json,
    parse_query,
    path_id,
    require_match,
)
from legacy import accounts, resets, sessions
from legacy.handlers.devices import device_of
from legacy.keys import CONFIG, TOKEN_KEYS
from legacy.queries import accounts as queries
from legacy.queries import sessions as session_queries
from legacy.queries import throttles as throttle_queries
from legacy.schemas import auth as wire
from legacy.sessions import RefreshInvalid

if TYPE_CHECKING:
    from legacy.queries.accounts import Row
    from legacy.sessions import Session

REGISTRATION = wire.Registration()
LOGIN = wire.Login()
REFRESH = wire.Refresh()
PASSWORD_CHANGE = wire.PasswordChange()
RESET_REQUEST = wire.ResetRequest()
RESET_CONFIRMATION = wire.ResetConfirmation()
USER_QUERY = wire.UserQuery()
USER_CHANGES = wire.UserChanges()
NEW_STAFF = wire.NewStaff()
LIST = ListQuery()

RESET_SWEEP = "send reset links"
BATCH = 500
OPERATORS = (Role.OPERATOR, Role.ADMIN)


async def register(request: web.Request) -> web.Response:
    wanted = await parse_json(request, REGISTRATION)
    session = await accounts.register(
        request.app[POOL],
        wanted,
        device_of(request),
        per_address=request.app[CONFIG].registrations_per_address,
    )
    response = _signed_in(request, session, wanted["cookie"], 201)
    response.headers["Location"] = "/api/auth/me"
    return response


async def log_in(request: web.Request) -> web.Response:
    wanted = await parse_json(request, LOGIN)
    session = await accounts.log_in(
        request.app[POOL],
        wanted["email"],
        wanted["password"],
        device_of(request),
        per_address=request.app[CONFIG].login_failures_per_address,
    )
    return _signed_in(request, session, wanted["cookie"])


async def refresh(request: web.Request) -> web.Response:
    token, is_cookie = await _refresh_token(request)
    if token is None:
        raise RefreshInvalid("Send a refresh token.")
    config = request.app[CONFIG]
    session = await sessions.refresh(request.app[POOL], token, config.secret_key, device_of(request))
    return _signed_in(request, session, is_cookie)


async def log_out(request: web.Request) -> web.Response:
    token, _ = await _refresh_token(request)
    who = principal(request)
    if token is not None:
        await sessions.log_out(request.app[POOL], token)
    elif who is not None:
        await sessions.end_if_any(request.app[POOL], who.user_id, who.session_id)
    response = web.Response(status=204)
    if has_session(request):
        clear_session(response)
    return response


async def change_password(request: web.Request) -> web.Response:
    who = require(request)
    wanted = await parse_json(request, PASSWORD_CHANGE)
    await accounts.change_password(
        request.app[POOL],
        who,
        wanted["current_password"],
        wanted["new_password"],
        device_of(request),
        languages=request.app[LANGUAGES],
        per_address=request.app[CONFIG].login_failures_per_address,
    )
    return web.Response(status=204)


async def request_reset(request: web.Request) -> web.Response:
    wanted = await parse_json(request, RESET_REQUEST)
    await resets.request_reset(request.app[POOL], wanted["email"], device_of(request))
    request.app[SWEEPER].wake(RESET_SWEEP)
    return json_response({}, 202)


async def confirm_reset(request: web.Request) -> web.Response:
    wanted = await parse_json(request, RESET_CONFIRMATION)
    await resets.reset_password(
        request.app[POOL], wanted["token"], wanted["new_password"], request.app[LANGUAGES]
    )
    return web.Response(status=204)


async def send_reset_links(app: web.Application) -> int:
    """A sweep's step."""
    return await resets.send_links(app[POOL], app[LANGUAGES], app[CONFIG].public_url)


async def forget_old(app: web.Application) -> int:
    """A sweep's step: expired tokens, and attempts too old to count."""
    pool = app[POOL]
    return await session_queries.forget_expired(pool, BATCH) + await throttle_queries.forget_attempts(
        pool, BATCH
    )


async def show_me(request: web.Request) -> web.Response:
    who = require(request)
    user = await queries.get_user(request.app[POOL], who.user_id)
    if user is None:
        raise TokenInvalidProblem("There is no such account any more.")
    return json_response(wire.user_wire(user))


async def show_registration(request: web.Request) -> web.Response:
    who = require(request)
    user = await queries.get_registration(request.app[POOL], who.user_id)
    if user is None:
        raise TokenInvalidProblem("There is no such account any more.")
    return json_response(wire.registration_wire(user))


async def list_sessions(request: web.Request) -> web.Response:
    who = require(request)
    rows = await sessions.list_sessions(request.app[POOL], who.user_id)
    items = [wire.session_wire(row, who.session_id) for row in rows]
    return json_response({"items": items, "next_cursor": None})


async def end_session(request: web.Request) -> web.Response:
    who = require(request)
    await sessions.end_session(request.app[POOL], who.user_id, path_id(request, "id"))
    return web.Response(status=204)


async def show_keys(request: web.Request) -> web.Response:  # ruff: ignore[unused-async] — aiohttp wants a coroutine
    keys = jwks(request.app[TOKEN_KEYS])
    return json_response(keys, headers={"Cache-Control": "public, max-age=300"})


async def list_users(request: web.Request) -> web.Response:
    require(request, Role.ADMIN)
    query = parse_query(request, USER_QUERY)
    rows = await queries.list_users(
        request.app[POOL],
        text=query["q"],
        role=query["role"],
        company_id=query["company_id"],
        before=_after(query),
        limit=query["limit"] + 1,
    )
    return _listing(rows, query["limit"])


async def show_user(request: web.Request) -> web.Response:
    require(request, Role.ADMIN)
    response = _account(await accounts.find_user(request.app[POOL], path_id(request, "id")))
    return not_modified(request, response.headers["ETag"]) or response


async def change_user(request: web.Request) -> web.Response:
    who = require(request, Role.ADMIN)
    user_id = path_id(request, "id")
    changes = await parse_json(request, USER_CHANGES)

    def is_current(row: Row) -> None:
        require_match(request, etag_for(wire.user_wire(row)))

    user = await accounts.change_user(request.app[POOL], who.user_id, user_id, changes, is_current=is_current)
    return _account(user)


async def make_staff(request: web.Request) -> web.Response:
    require(request, *OPERATORS)
    company_id = path_id(request, "id")
    require_company(request, company_id, *OPERATORS)
    wanted = await parse_json(request, NEW_STAFF)
    user = await accounts.make_staff(request.app[POOL], company_id, wanted)
    return json_response(wire.user_wire(user), 201, {"Location": f"/api/users/{user['id']}"})


async def list_staff(request: web.Request) -> web.Response:
    require(request, *OPERATORS)
    company_id = path_id(request, "id")
    if require_company(request, company_id, *OPERATORS).is_admin:
        await accounts.require_company_exists(request.app[POOL], company_id)
    query = parse_query(request, LIST)
    rows = await queries.list_staff(request.app[POOL], company_id, _after(query), query["limit"] + 1)
    return _listing(rows, query["limit"])


def _signed_in(request: web.Request, session: Session, cookie: bool, status: int = 200) -> web.Response:
    access_token = session.access_token(request.app[TOKEN_KEYS])
    response = json_response(wire.tokens_wire(session, access_token, datetime.now(UTC)), status)
    if cookie:
        set_session(response, session, access_token, request.app[CONFIG].public_url)
    return response


async def _refresh_token(request: web.Request) -> tuple[str | None, bool]:
    """The token of the body, else of the cookie, and whether it is the cookie's."""
    body: dict[str, Any] = await parse_json(request, REFRESH) if request.can_read_body else load(REFRESH, {})
    if "refresh_token" in body:
        return body["refresh_token"], False
    token = refresh_cookie(request)
    if token is not None:
        require_same_origin(request, request.app[CONFIG].public_url)
    return token, True


def _account(user: Row) -> web.Response:
    data = wire.user_wire(user)
    return json_response(data, headers={"Cache-Control": "no-cache", "ETag": etag_for(data)})


def _after(query: dict[str, Any]) -> UUID | None:
    return decode_cursor(query["cursor"], (UUID,))[0] if query["cursor"] is not None else None


def _listing(rows: Any, limit: int) -> web.Response:
    listed = page(rows, limit, lambda row: (row["id"],))
    return json_response({**listed, "items": [wire.user_wire(row) for row in listed["items"]]})
