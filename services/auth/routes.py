"""The service's API and pages, at a glance."""

from __future__ import annotations

from aiohttp import web

from common.mail.mailer import MAIL_SWEEPS
from common.openapi import RouteDoc
from common.routing import Endpoint
from common.schemas import ListQuery
from common.sweeps import Sweep
from common.web.renewal import PATH
from services.auth import handlers, pages
from services.auth import schemas as wire

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
        handlers.register,
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
        handlers.change_password,
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
        handlers.request_reset,
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
        handlers.confirm_reset,
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
        handlers.list_users,
    ),
    Endpoint(
        RouteDoc(
            "GET", "/api/users/{id}", "An account", "auth", responses={200: wire.User, 304: None}, roles=ADMIN
        ),
        handlers.show_user,
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
        handlers.change_user,
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
        handlers.make_staff,
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
        handlers.list_staff,
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
        handlers.log_in,
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
        handlers.refresh,
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
        handlers.log_out,
    ),
    Endpoint(
        RouteDoc("GET", "/api/auth/me", "Whose token this is", "auth", responses={200: wire.User}),
        handlers.show_me,
    ),
    Endpoint(
        RouteDoc(
            "GET",
            "/api/auth/registration",
            "What the own account was opened with",
            "auth",
            responses={200: wire.Opening},
        ),
        handlers.show_registration,
    ),
    Endpoint(
        RouteDoc(
            "GET",
            "/api/auth/sessions",
            "Where the user is signed in",
            "auth",
            responses={200: wire.UserSessions},
        ),
        handlers.list_sessions,
    ),
    Endpoint(
        RouteDoc("DELETE", "/api/auth/sessions/{id}", "Sign out there", "auth", responses={204: None}),
        handlers.end_session,
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
        handlers.show_keys,
    ),
)

PAGES: tuple[web.RouteDef, ...] = (
    web.get("/login", pages.show_login),
    web.post("/login", pages.log_in),
    web.get("/register", pages.show_registration),
    web.post("/register", pages.register),
    web.post("/logout", pages.log_out),
    web.get("/account", pages.show_account),
    web.post("/account/password", pages.change_password),
    web.post("/account/sessions/{id}/revoke", pages.end_session),
    web.get("/password-reset", pages.show_reset),
    web.post("/password-reset", pages.request_reset),
    web.get("/password-reset/confirm", pages.show_confirmation),
    web.post("/password-reset/confirm", pages.confirm_reset),
    web.get(PATH, pages.renew),
    web.post(PATH, pages.renew),
)
SWEEPS: tuple[Sweep, ...] = (
    Sweep(handlers.RESET_SWEEP, 2.0, handlers.send_reset_links),
    Sweep("forget old attempts", 60.0, handlers.forget_old),
    *MAIL_SWEEPS,
)
