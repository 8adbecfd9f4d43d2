"""Security headers of pages: scripts and styles from our own files only, nobody frames us."""

from collections.abc import Mapping
from typing import Final

from aiohttp import web

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; media-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)

# The camera is for /scan.
HEADERS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=(), payment=()",
}


def add_security_headers(app: web.Application, policy: str = CONTENT_SECURITY_POLICY) -> None:
    """Set the headers on every response that does not have them; the policy on HTML alone."""

    async def secure(_request: web.Request, response: web.StreamResponse) -> None:  # ruff: ignore[unused-async] — a signal
        headers = response.headers
        for name, value in HEADERS.items():
            headers.setdefault(name, value)
        if response.content_type == "text/html":
            headers.setdefault("Content-Security-Policy", policy)

    app.on_response_prepare.append(secure)
