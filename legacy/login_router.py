"""The auth section of the API and its pages, at a glance."""

from __future__ import annotations

from aiohttp import web

from common.mail import mailer
from common.openapi import RouteDoc
from common.routing import Endpoint
from common.schemas import ListQuery
from common.sweeps import Sweep
from common.web.renewal import PATH
from legacy.handlers import auth
from legacy.pages import login, renewal
from legacy.schemas import auth as wire

OPERATOR = ("operator", "admin")
ADMIN = ("admin",)

ENDPOINTS: tuple[Endpoint, ...] = (
    # accounts
    Endpoint(
        RouteDoc(
            "POST",
            "/api/auth/register",
            "Make an account and sign in",
            "auth",
            request_schema=wire.Registration,
            responses={201: wire.Tokens},
            auth="none",
            errors=(409, 429),
        ),
        auth.register,
    ),
    Endpoint(
        RouteDoc(
            "POST",
            "/api/auth/password",
            "Change the own password; ends all other sessions",
            "auth",
            request_schema=wire.PasswordChange,
            responses={204: None},
            errors=(429,),
        ),
        auth.change_password,
    ),
    Endpoint(
        RouteDoc(
            "POST",
            "/api/auth/password-reset",
            "Have a link mailed that sets a new password",
            "auth",
            request_schema=wire.ResetRequest,
            responses={202: wire.Nothing},
            auth="none",
            errors=(429,),
        ),
        auth.request_reset,
    ),
    Endpoint(
        RouteDoc(
            "POST",
            "/api/auth/password-reset/confirm",
            "Set a new password with the mailed token; ends all sessions",
            "auth",
            request_schema=wire.ResetConfirmation,
            responses={204: None},
            auth="none",
        ),
        auth.confirm_reset,
    ),
    Endpoint(
        RouteDoc(
            "GET",
            "/api/users",
            "Accounts, newest first",
            "auth",
            query_schema=wire.UserQuery,
            responses={200: wire.UserPage},
            roles=ADMIN,
        ),
        auth.list_users,
    ),
    Endpoint(
        RouteDoc(
            "GET", "/api/users/{id}", "An account", "auth", responses={200: wire.User, 304: None}, roles=ADMIN
        ),
        auth.show_user,
    ),
    Endpoint(
        RouteDoc(
            "PATCH",
            "/api/users/{id}",
            "Change role, company or status; suspending ends all sessions",
            "auth",
            request_schema=wire.UserChanges,
            responses={200: wire.User},
            errors=(412,),
            roles=ADMIN,
        ),
        auth.change_user,
    ),
    Endpoint(
        RouteDoc(
            "POST",
            "/api/companies/{id}/staff",
            "Make an account for somebody who works for the company",
            "auth",
            request_schema=wire.NewStaff,
            responses={201: wire.User},
            errors=(409,),
            roles=OPERATOR,
        ),
        auth.make_staff,
    ),
    Endpoint(
        RouteDoc(
            "GET",
            "/api/companies/{id}/staff",
            "Who works for the company",
            "auth",
            query_schema=ListQuery,
            responses={200: wire.UserPage},
            roles=OPERATOR,
        ),
        auth.list_staff,
    ),
    # sessions
    Endpoint(
        RouteDoc(
            "POST",
            "/api/auth/login",
            "Sign in",
            "auth",
            request_schema=wire.Login,
            responses={200: wire.Tokens},
            auth="none",
            errors=(401, 429),
        ),
        auth.log_in,
    ),
    Endpoint(
        RouteDoc(
            "POST",
            "/api/auth/refresh",
            "New tokens for a refresh token, which is good once",
            "auth",
            request_schema=wire.Refresh,
            responses={200: wire.Tokens},
            auth="none",
            errors=(401, 403),
        ),
        auth.refresh,
    ),
    Endpoint(
        RouteDoc(
            "POST",
            "/api/auth/logout",
            "End the session",
            "auth",
            request_schema=wire.Refresh,
            responses={204: None},
            auth="optional",
            errors=(403,),
        ),
        auth.log_out,
    ),
    Endpoint(
        RouteDoc("GET", "/api/auth/me", "Whose token this is", "auth", responses={200: wire.User}),
        auth.show_me,
    ),
    Endpoint(
        RouteDoc(
            "GET",
            "/api/auth/registration",
            "What the own account was opened with",
            "auth",
            responses={200: wire.Opening},
        ),
        auth.show_registration,
    ),
    Endpoint(
        RouteDoc(
            "GET",
            "/api/auth/sessions",
            "Where the user is signed in",
            "auth",
            responses={200: wire.UserSessions},
        ),
        auth.list_sessions,
    ),
    Endpoint(
        RouteDoc("DELETE", "/api/auth/sessions/{id}", "Sign out there", "auth", responses={204: None}),
        auth.end_session,
    ),
    Endpoint(
        RouteDoc(
            "GET",
            "/.well-known/jwks.json",
            "The keys that access tokens are verified with",
            "auth",
            responses={200: wire.JsonWebKeys},
            auth="none",
        ),
        auth.show_keys,
    ),
)

PAGES: tuple[web.RouteDef, ...] = (
    web.get("/login", login.show_login),
    web.post("/login", login.log_in),
    web.get("/register", login.show_registration),
    web.post("/register", login.register),
    web.post("/logout", login.log_out),
    web.get("/account", login.show_account),
    web.post("/account/password", login.change_password),
    web.post("/account/sessions/{id}/revoke", login.end_session),
    web.get("/password-reset", login.show_reset),
    web.post("/password-reset", login.request_reset),
    web.get("/password-reset/confirm", login.show_confirmation),
    web.post("/password-reset/confirm", login.confirm_reset),
    web.get(PATH, renewal.renew),
    web.post(PATH, renewal.renew),
)
SWEEPS: tuple[Sweep, ...] = (
    Sweep(auth.RESET_SWEEP, 2.0, auth.send_reset_links),
    Sweep("send mail", 2.0, mailer.send_due),
    Sweep("forget old attempts", 60.0, auth.forget_old),
    Sweep("forget sent mail", 600.0, mailer.forget_sent),
)
