"""Requests about accounts and sessions: request → use case → answer, nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aiohttp import web

from common.addresses import client_address
from common.answers import after_id, by_id, listing
from common.database import POOL
from common.events import until_seen
from common.principals import (
    Role,
    TokenInvalidProblem,
    principal,
    require,
    require_company,
    require_same_origin,
)
from common.reading import read_through
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
from services.auth import schemas as wire
from services.auth.errors import RefreshInvalid
from services.auth.keys import CONFIG, TOKEN_KEYS
from services.auth.repository import accounts as queries
from services.auth.repository import sessions as session_queries
from services.auth.repository import throttles as throttle_queries
from services.auth.service import accounts, passwords, sessions
from services.auth.service.sessions import Device

if TYPE_CHECKING:
    from services.auth.repository.accounts import Row
    from services.auth.service.sessions import Session

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


def device_of(request: web.Request) -> Device:
    """The client's address as far as our own proxies vouch for it, and the name of its browser."""
    forwarded_for = ",".join(request.headers.getall("X-Forwarded-For", ()))
    address = client_address(request.remote, forwarded_for, request.app[CONFIG].trusted_proxies)
    return Device(address, request.headers.get("User-Agent"))


async def register(request: web.Request) -> web.Response:
    wanted = await parse_json(request, REGISTRATION)
    session = await accounts.register(
        request.app[POOL],
        wanted,
        device_of(request),
        per_address=request.app[CONFIG].registrations_per_address,
    )
    await until_seen(request)
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
    await passwords.change_password(
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
    await passwords.request_reset(request.app[POOL], wanted["email"], device_of(request))
    request.app[SWEEPER].wake(RESET_SWEEP)
    return json_response({}, 202)


async def confirm_reset(request: web.Request) -> web.Response:
    wanted = await parse_json(request, RESET_CONFIRMATION)
    await passwords.reset_password(
        request.app[POOL], wanted["token"], wanted["new_password"], request.app[LANGUAGES]
    )
    return web.Response(status=204)


async def send_reset_links(app: web.Application) -> int:
    """A sweep's step."""
    return await passwords.send_links(app[POOL], app[LANGUAGES], app[CONFIG].public_url)


async def forget_old(app: web.Application) -> int:
    """A sweep's step: expired tokens, and attempts too old to count."""
    pool = app[POOL]
    return await session_queries.forget_expired(pool, BATCH) + await throttle_queries.forget_attempts(
        pool, BATCH
    )


async def show_me(request: web.Request) -> web.Response:
    who = require(request)
    return json_response(wire.user_wire(_own(await queries.get_user(request.app[POOL], who.user_id))))


async def show_registration(request: web.Request) -> web.Response:
    who = require(request)
    user = _own(await queries.get_registration(request.app[POOL], who.user_id))
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
    wanted = {
        "role": query["role"],
        "company_id": query["company_id"],
        "before": after_id(query, UUID),
        "limit": query["limit"] + 1,
    }
    if query["q"]:
        rows = await accounts.find_users(request.app[POOL], query["q"], **wanted)
    else:
        rows = await queries.list_users(request.app[POOL], **wanted)
    return listing(rows, query["limit"], wire.user_wire, by_id)


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

    user = await accounts.change_user(
        request.app[POOL],
        who.user_id,
        user_id,
        changes,
        is_current=is_current,
        read_through=partial(read_through, request),
    )
    return _account(user)


async def make_staff(request: web.Request) -> web.Response:
    company_id = _company_of_operator(request)
    wanted = await parse_json(request, NEW_STAFF)
    await _require_company_of_admin(request, company_id)
    user = await accounts.make_staff(request.app[POOL], company_id, wanted)
    await until_seen(request)
    return json_response(wire.user_wire(user), 201, {"Location": f"/api/users/{user['id']}"})


async def list_staff(request: web.Request) -> web.Response:
    company_id = _company_of_operator(request)
    await _require_company_of_admin(request, company_id)
    query = parse_query(request, LIST)
    rows = await queries.list_staff(request.app[POOL], company_id, after_id(query, UUID), query["limit"] + 1)
    return listing(rows, query["limit"], wire.user_wire, by_id)


def _company_of_operator(request: web.Request) -> UUID:
    require(request, *OPERATORS)
    company_id = path_id(request, "id")
    require_company(request, company_id, *OPERATORS)
    return company_id


async def _require_company_of_admin(request: web.Request, company_id: UUID) -> None:
    """Nobody works for a company that is not there, but an admin may name one."""
    if require(request).is_admin:
        await accounts.require_company_exists(request.app[POOL], company_id, partial(read_through, request))


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


def _own(user: Row | None) -> Row:
    if user is None:
        raise TokenInvalidProblem("There is no such account any more.")
    return user


def _account(user: Row) -> web.Response:
    data = wire.user_wire(user)
    return json_response(data, headers={"Cache-Control": "no-cache", "ETag": etag_for(data)})
