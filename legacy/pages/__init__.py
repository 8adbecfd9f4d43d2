"""The monolith's pages: plain HTML by aiohttp-jinja2, usable without JavaScript.

This is the frame: what every page handler builds its answers with. A page asks for a principal as the API
does (`common.principals.require`); who is not signed in is sent to do so and comes back.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import aiohttp_jinja2
import jinja2
from aiohttp import web

from common.context import request_id
from common.principals import principal
from common.problems import HTML_ERRORS, Problem
from common.redirects import local_path
from common.web import writing
from common.web.csp import add_security_headers
from common.web.flash import clear_flash, read_flash, set_flash
from common.web.i18n import LANGUAGES, PARAMETER, install_i18n, language
from legacy.pages.languages import read_catalogues

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LEGACY: Final = Path(__file__).parent.parent
TEMPLATES: Final = _LEGACY / "templates"
STATIC: Final = _LEGACY / "static"
STATIC_PATH: Final = "/static/legacy"


def add_pages(app: web.Application, routes: Iterable[web.RouteDef]) -> None:
    """Set up templates, languages, static files and the error page, and add the routers' pages."""
    environment = aiohttp_jinja2.setup(
        app,
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    install_i18n(environment)
    writing.install(environment)
    environment.globals["static"] = static
    app[LANGUAGES] = read_catalogues()
    app[HTML_ERRORS] = show_problem
    app.router.add_static(STATIC_PATH, STATIC)
    app.add_routes(list(routes))
    add_security_headers(app)


def render(
    request: web.Request, template: str, context: Mapping[str, Any] | None = None, status: int = 200
) -> web.Response:
    """A page of the template.

    Beside `context` a template sees `principal`, `language`, `locale`, `path`, `here` (path and query),
    `request_id` and `flash`: the name of the message that `see_other` left for it, or None.
    """
    flash = read_flash(request)
    chosen = language(request)
    frame = {
        "principal": principal(request),
        "language": chosen,
        "locale": chosen.locale,
        "language_links": [(other, _link_in(request, other.code)) for other in request.app[LANGUAGES].all],
        "path": request.path,
        "here": request.path_qs,
        "request_id": request_id(request),
        "flash": flash,
    }
    response = aiohttp_jinja2.render_template(template, request, {**frame, **(context or {})}, status=status)
    if flash is not None:
        clear_flash(response)
    # Who logs out leaves nothing behind for the Back button.
    response.headers["Cache-Control"] = "no-store" if frame["principal"] else "private, no-cache"
    response.headers["Vary"] = "Cookie, Accept-Language"
    return response


def see_other(location: str, *, flash: str | None = None) -> web.Response:
    """303 to another page of this site, which finds `flash` if it is given: a name, not a text."""
    response = web.Response(status=303, headers={"Location": location, "Cache-Control": "no-store"})
    if flash is not None:
        set_flash(response, flash)
    return response


def sign_in_first(request: web.Request) -> web.Response:
    """303 to the login, which leads back here; after a posted form, to the page that the form was on."""
    return see_other(f"/login?next={quote(_way_back(request), safe='')}")


async def show_problem(request: web.Request, problem: Problem) -> web.Response:  # ruff: ignore[unused-async] — the hook's type
    """A problem as a page."""
    if problem.status == 401:
        return sign_in_first(request)
    return render(request, "error.html", {"problem": problem}, problem.status)


@cache
def static(name: str) -> str:
    """The address of a file in `legacy/static`, with its content's hash, so that it may be kept for ever."""
    digest = hashlib.blake2b((STATIC / name).read_bytes(), digest_size=6).hexdigest()
    return f"{STATIC_PATH}/{name}?v={digest}"


def _way_back(request: web.Request) -> str:
    if request.method in {"GET", "HEAD"}:
        return local_path(request.path_qs)
    page = urlsplit(request.headers.get("Referer", ""))
    if page.netloc != request.host:
        return "/"
    return local_path(page.path + (f"?{page.query}" if page.query else ""))


def _link_in(request: web.Request, code: str) -> str:
    """This page in another language; after a refused form, the page that the form was on."""
    page = urlsplit(_way_back(request))
    kept = [
        (name, value) for name, value in parse_qsl(page.query, keep_blank_values=True) if name != PARAMETER
    ]
    return f"{page.path}?{urlencode([*kept, (PARAMETER, code)])}"
