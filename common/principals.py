"""Who is asking, and whether they may.

The middleware only recognises; a handler that needs somebody says so with `require`. A bearer token that is
no good is always 401, since its sender believes to be somebody; a cookie that is no good is a visitor who
has been away.
"""

from collections.abc import Awaitable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from common.context import CONTEXT
from common.problems import Forbidden, NotFound, Unauthorized
from common.tokens import Claims, TokenExpired, TokenInvalid, Verifier, verify_access_token

ACCESS_COOKIE: Final = "banyan_access"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_BEARER: Final = "bearer "


class Role(StrEnum):
    PASSENGER = "passenger"
    OPERATOR = "operator"
    INSPECTOR = "inspector"
    DRIVER = "driver"
    ADMIN = "admin"


STAFF: Final = (Role.OPERATOR, Role.INSPECTOR, Role.DRIVER)
"""Who works for a company."""

_ROLES: Final = {role.value: role for role in Role}


@dataclass(frozen=True, slots=True)
class Principal:
    """A user in a session; staff belong to one company."""

    user_id: UUID
    role: Role
    company_id: UUID | None
    session_id: UUID

    @property
    def is_admin(self) -> bool:
        return self.role is Role.ADMIN


PRINCIPAL: Final = web.RequestKey("principal", Principal)


class TokenExpiredProblem(Unauthorized):
    slug, title = "token-expired", "The access token has expired"


class TokenInvalidProblem(Unauthorized):
    slug, title = "token-invalid", "The access token is not valid"


class WrongRole(Forbidden):
    slug, title = "wrong-role", "Your role may not do this"


class CrossOrigin(Forbidden):
    slug, title = "cross-origin", "The request comes from another site"


def authenticate(verifier: Verifier, issuer: str, audience: str, public_origin: str) -> Middleware:
    """A middleware that recognises the principal of a bearer token or, for pages, of the access cookie."""

    @web.middleware
    async def recognise(request: web.Request, handler: Handler) -> web.StreamResponse:
        sent = request.headers.get("Authorization")
        if sent is not None and sent[:7].lower() == _BEARER:
            _remember(request, await _of_bearer(verify(sent[7:].strip())))
        elif "Cookie" in request.headers and (cookie := request.cookies.get(ACCESS_COOKIE)):
            visitor = await _of_cookie(verify(cookie))
            if visitor is not None:
                if request.method not in SAFE_METHODS:
                    require_same_origin(request, public_origin)
                _remember(request, visitor)
        return await handler(request)

    async def verify(token: str) -> Principal:
        return principal_of(await verify_access_token(verifier, token, issuer, audience))

    return recognise


def _remember(request: web.Request, found: Principal) -> None:
    request[PRINCIPAL] = found
    context = request.get(CONTEXT)
    if context is not None:
        context.user = str(found.user_id)


async def _of_bearer(verified: Awaitable[Principal]) -> Principal:
    try:
        return await verified
    except TokenExpired as error:
        challenge = 'Bearer realm="banyan", error="invalid_token", error_description="expired"'
        raise TokenExpiredProblem(challenge=challenge) from error
    except TokenInvalid as error:
        raise TokenInvalidProblem(challenge='Bearer realm="banyan", error="invalid_token"') from error


async def _of_cookie(verified: Awaitable[Principal]) -> Principal | None:
    try:
        return await verified
    except TokenInvalid:
        return None


def principal_of(claims: Claims) -> Principal:
    """Raises `TokenInvalid` for a role that is not known here."""
    role = _ROLES.get(claims.role)
    if role is None:
        raise TokenInvalid(f"the role {claims.role!r} is not known")
    return Principal(claims.user_id, role, claims.company_id, claims.session_id)


def principal(request: web.Request) -> Principal | None:
    """Whoever was recognised."""
    found: Principal | None = request.get(PRINCIPAL)
    return found


def require(request: web.Request, *roles: Role) -> Principal:
    """The principal, of one of the roles if some are given; raises 401, or 403 `wrong-role`."""
    found: Principal | None = request.get(PRINCIPAL)
    if found is None:
        raise Unauthorized("Send an access token, or log in.")
    if roles and found.role not in roles:
        raise WrongRole(f"This is for: {', '.join(roles)}.")
    return found


def require_company(request: web.Request, company_id: UUID, *roles: Role) -> Principal:
    """Like `require`, for a company's things: for its staff, or some of them, and admins.

    Who can never do it is told so (403); to another company's staff the thing is not there (404).
    """
    found: Principal | None = request.get(PRINCIPAL)
    if found is None:
        raise Unauthorized("Send an access token, or log in.")
    if found.role is Role.ADMIN:
        return found
    allowed = roles or STAFF
    if found.role not in allowed:
        raise WrongRole(f"This is for: {', '.join(allowed)}.")
    if found.company_id != company_id:
        raise NotFound
    return found


def require_same_origin(request: web.Request, public_origin: str) -> None:
    """Refuse a browser's request that another site started; for forms that log somebody in, call it yourself.

    Browsers say where a request comes from in Sec-Fetch-Site, which scripts cannot set; older ones, and
    pages on plain HTTP, in Origin. A request with a cookie and neither of the two is refused (OWASP CSRF
    Prevention).
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        if site in {"same-origin", "none"}:
            return
    else:
        origin = request.headers.get("Origin", "")
        # the second case: somebody reaches the site by another of its names, an address in the local
        # network say
        if origin == public_origin or origin.partition("://")[2] == request.host:
            return
    raise CrossOrigin("A change with a cookie must come from this site's own pages.")
