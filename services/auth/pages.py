"""The pages of accounts and sessions: sign in, register, account, forgotten passwords, renewal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from common.database import POOL
from common.events import until_seen
from common.principals import principal, require, require_same_origin
from common.problems import NotFound, TooManyRequests, ValidationFailed
from common.redirects import home_of, local_path
from common.sweeps import SWEEPER
from common.web.cookies import clear_session, refresh_cookie, set_session
from common.web.forms import Form, parse_form
from common.web.i18n import COOKIE as LANGUAGE_COOKIE
from common.web.i18n import LANGUAGES, language
from common.web.layout import render, see_other
from common.web.renewal import go_on
from common.wire import path_id
from services.auth import schemas as wire
from services.auth.errors import BadCredentials, EmailTaken, RefreshInvalid, RefreshReused
from services.auth.handlers import RESET_SWEEP, device_of
from services.auth.keys import CONFIG, TOKEN_KEYS
from services.auth.repository import accounts as queries
from services.auth.service import accounts, passwords, sessions

if TYPE_CHECKING:
    from aiohttp import web

    from services.auth.service.sessions import Session

LOGIN: Final = wire.Login()
REGISTRATION: Final = wire.Registration()
PASSWORD_CHANGE: Final = wire.PasswordChange()
RESET_REQUEST: Final = wire.ResetRequest()
RESET_CONFIRMATION: Final = wire.ResetConfirmation()

LANGUAGE_KEPT_S: Final = 365 * 86400


async def show_login(request: web.Request) -> web.Response:  # ruff: ignore[unused-async] — aiohttp wants a coroutine
    onward = local_path(request.query.get("next"), "")
    who = principal(request)
    if who is not None:
        return see_other(onward or home_of(who.role))
    return render(request, "login.html", {"form": Form(), "next": onward, "wait_s": None})


async def log_in(request: web.Request) -> web.Response:
    _require_own_page(request)
    form = await parse_form(request, LOGIN)
    onward = local_path(form.value("next"), "")
    if form.is_valid:
        try:
            session = await accounts.log_in(
                request.app[POOL],
                form.data["email"],
                form.data["password"],
                device_of(request),
                per_address=request.app[CONFIG].login_failures_per_address,
            )
        except BadCredentials as problem:
            form = form.with_errors({"password": [f"{problem.title}."]})
        except TooManyRequests as problem:
            return _wait(request, "login.html", {"form": form, "next": onward}, problem)
        else:
            return _signed_in(request, session, onward or home_of(session.user["role"]))
    return render(request, "login.html", {"form": form, "next": onward, "wait_s": None}, status=422)


async def show_registration(request: web.Request) -> web.Response:  # ruff: ignore[unused-async] — aiohttp wants a coroutine
    onward = local_path(request.query.get("next"))
    if principal(request) is not None:
        return see_other(onward)
    return render(request, "register.html", {"form": Form(), "next": onward, "wait_s": None})


async def register(request: web.Request) -> web.Response:
    _require_own_page(request)
    form = await parse_form(request, REGISTRATION)
    onward = local_path(form.value("next"))
    if form.is_valid:
        try:
            session = await accounts.register(
                request.app[POOL],
                {**form.data, "locale": language(request).code},
                device_of(request),
                per_address=request.app[CONFIG].registrations_per_address,
            )
        except EmailTaken as problem:
            form = form.with_errors({"email": [f"{problem.title}."]})
        except ValidationFailed as problem:
            form = form.with_errors(problem.errors or {})
        except TooManyRequests as problem:
            return _wait(request, "register.html", {"form": form, "next": onward}, problem)
        else:
            await until_seen(request)
            return _signed_in(request, session, onward)
    return render(request, "register.html", {"form": form, "next": onward, "wait_s": None}, status=422)


async def log_out(request: web.Request) -> web.Response:
    _require_own_page(request)  # also without a cookie, which another site's form leaves behind
    token, who = refresh_cookie(request), principal(request)
    if token is not None:
        await sessions.log_out(request.app[POOL], token)
    elif who is not None:
        await sessions.end_if_any(request.app[POOL], who.user_id, who.session_id)
    response = see_other("/login", flash="logged-out")
    clear_session(response)
    return response


async def renew(request: web.Request) -> web.Response:
    """Renew the cookies and go back; without a good refresh cookie, go back as nobody."""
    response = go_on(request, local_path(request.query.get("next")))
    token = refresh_cookie(request)
    if token is None:
        return response
    config = request.app[CONFIG]
    try:
        session = await sessions.refresh(request.app[POOL], token, config.secret_key, device_of(request))
    except (RefreshInvalid, RefreshReused):
        clear_session(response)
    else:
        set_session(response, session, session.access_token(request.app[TOKEN_KEYS]), config.public_url)
    return response


async def show_account(request: web.Request) -> web.Response:
    return await _account(request, Form())


async def change_password(request: web.Request) -> web.Response:
    who = require(request)
    form = await parse_form(request, PASSWORD_CHANGE)
    if not form.is_valid:
        return await _account(request, form, 422)
    try:
        await passwords.change_password(
            request.app[POOL],
            who,
            form.data["current_password"],
            form.data["new_password"],
            device_of(request),
            languages=request.app[LANGUAGES],
            per_address=request.app[CONFIG].login_failures_per_address,
        )
    except BadCredentials:
        form = form.with_errors({"current_password": ["This is not your password."]})
    except ValidationFailed as problem:
        form = form.with_errors(problem.errors or {})
    except TooManyRequests as problem:
        response = await _account(request, form, 429, int(problem.headers["Retry-After"]))
        response.headers.update(problem.headers)
        return response
    else:
        return see_other("/account", flash="password-changed")
    return await _account(request, form, 422)


async def end_session(request: web.Request) -> web.Response:
    who = require(request)
    session_id = path_id(request, "id")
    try:
        await sessions.end_session(request.app[POOL], who.user_id, session_id)
    except NotFound:
        return see_other("/account")  # it has ended by itself: that is what was wanted
    if session_id != who.session_id:
        return see_other("/account", flash="session-ended")
    response = see_other("/login", flash="logged-out")
    clear_session(response)
    return response


async def show_reset(request: web.Request) -> web.Response:  # ruff: ignore[unused-async] — aiohttp wants a coroutine
    return render(request, "password_reset.html", {"form": Form(), "wait_s": None})


async def request_reset(request: web.Request) -> web.Response:
    _require_own_page(request)
    form = await parse_form(request, RESET_REQUEST)
    if not form.is_valid:
        return render(request, "password_reset.html", {"form": form, "wait_s": None}, status=422)
    try:
        await passwords.request_reset(request.app[POOL], form.data["email"], device_of(request))
    except TooManyRequests as problem:
        return _wait(request, "password_reset.html", {"form": form}, problem)
    request.app[SWEEPER].wake(RESET_SWEEP)
    return see_other("/password-reset", flash="reset-requested")


async def show_confirmation(request: web.Request) -> web.Response:
    token = request.query.get("token", "")
    is_good = await passwords.is_good(request.app[POOL], token)
    return _confirmation(request, Form({"token": token}), 200, is_good=is_good)


async def confirm_reset(request: web.Request) -> web.Response:
    _require_own_page(request)
    form = await parse_form(request, RESET_CONFIRMATION)
    if form.is_valid:
        try:
            await passwords.reset_password(
                request.app[POOL], form.data["token"], form.data["new_password"], request.app[LANGUAGES]
            )
        except ValidationFailed as problem:
            form = form.with_errors(problem.errors or {})
        else:
            response = see_other("/login", flash="password-set")
            clear_session(response)
            return response
    return _confirmation(request, form, 422, is_good="token" not in form.errors)


def _confirmation(request: web.Request, form: Form, status: int, *, is_good: bool) -> web.Response:
    context = {"form": form, "is_good": is_good}
    response = render(request, "password_reset_confirm.html", context, status=status)
    response.headers["Cache-Control"] = "no-store"
    return response


async def _account(
    request: web.Request, form: Form, status: int = 200, wait_s: int | None = None
) -> web.Response:
    who = require(request)
    user = await queries.get_account_page(request.app[POOL], who.user_id)
    if user is None:
        raise NotFound
    rows = await sessions.list_sessions(request.app[POOL], who.user_id)
    context = {"user": user, "form": form, "sessions": rows, "wait_s": wait_s}
    return render(request, "account.html", context, status=status)


def _wait(
    request: web.Request, template: str, context: dict[str, Any], problem: TooManyRequests
) -> web.Response:
    wait_s = int(problem.headers["Retry-After"])
    response = render(request, template, {**context, "wait_s": wait_s}, status=429)
    response.headers.update(problem.headers)
    return response


def _signed_in(request: web.Request, session: Session, onward: str) -> web.Response:
    response = see_other(onward)
    access_token = session.access_token(request.app[TOKEN_KEYS])
    set_session(response, session, access_token, request.app[CONFIG].public_url)
    if LANGUAGE_COOKIE not in request.cookies:
        # a browser that is new here speaks the language of the profile
        response.set_cookie(
            LANGUAGE_COOKIE,
            session.user["locale"],
            max_age=LANGUAGE_KEPT_S,
            path="/",
            samesite="Lax",
            httponly=True,
        )
    return response


def _require_own_page(request: web.Request) -> None:
    require_same_origin(request, request.app[CONFIG].public_url)
