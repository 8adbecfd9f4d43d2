"""The layout that the services' pages share. Legacy has pages of its own and needs nothing from here.

A service calls `setup_pages` once in create_app and `render` in its page handlers.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

import aiohttp_jinja2
import jinja2
from aiohttp import web

from common.context import request_id
from common.principals import principal
from common.problems import HTML_ERRORS, Problem
from common.web.csp import add_security_headers
from common.web.flash import clear_flash, read_flash
from common.web.formats import install_formats
from common.web.i18n import LANGUAGES, PARAMETER, install_i18n, language, read_languages

_HERE: Final = Path(__file__).parent
TEMPLATES: Final = _HERE / "templates"
STATIC: Final = _HERE / "static"
LOCALES: Final = _HERE / "locale"
STATIC_PATH: Final = "/static/common"


@dataclass(frozen=True, slots=True)
class NavItem:
    """An entry of the navigation; `roles` empty means everybody, `title` is a text of the catalogues."""

    path: str
    title: str
    roles: tuple[str, ...] = ()


# Every service shows the same navigation, whoever renders the page behind an entry.
NAVIGATION: Final[Sequence[NavItem]] = (
    NavItem("/search", "Search"),
    NavItem("/bookings", "My trips", ("passenger", "admin")),
    NavItem("/operator", "Company", ("operator", "admin")),
    NavItem("/scan", "Scan", ("inspector", "driver", "operator", "admin")),
    NavItem("/dashboard", "Dashboard", ("passenger", "operator", "admin")),
)

NAV: Final[web.AppKey[Sequence[NavItem]]] = web.AppKey("nav")


def setup_pages(
    app: web.Application,
    templates: Path,
    locales: Iterable[Path] = (),
    *,
    navigation: Sequence[NavItem] = NAVIGATION,
    html_errors: bool = True,
) -> jinja2.Environment:
    """The service's templates before the layout's. `i18n.language_middleware` is for you to add."""
    environment = aiohttp_jinja2.setup(
        app,
        loader=jinja2.ChoiceLoader([jinja2.FileSystemLoader(templates), jinja2.FileSystemLoader(TEMPLATES)]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    install_i18n(environment)
    install_formats(environment)
    app[LANGUAGES] = read_languages([LOCALES, *locales])
    app[NAV] = tuple(navigation)
    app.router.add_static(STATIC_PATH, STATIC)
    add_security_headers(app)
    if html_errors:
        app[HTML_ERRORS] = show_problem
    return environment


def render(
    request: web.Request, template: str, context: Mapping[str, Any] | None = None, *, status: int = 200
) -> web.Response:
    """A page of the template; it sees what `page_context` says, too."""
    flash = read_flash(request)
    response = aiohttp_jinja2.render_template(
        template, request, {**page_context(request), "flash": flash, **(context or {})}, status=status
    )
    if flash is not None:
        clear_flash(response)
    response.headers.setdefault("Cache-Control", "private, no-cache")
    response.headers["Vary"] = "Cookie, Accept-Language"
    return response


def page_context(request: web.Request) -> dict[str, Any]:
    """What the layout needs: language, navigation, whoever is logged in."""
    who = principal(request)
    chosen = language(request)
    return {
        "language": chosen,
        "language_links": [(other, _link_in(request, other.code)) for other in request.app[LANGUAGES].all],
        "nav": [item for item in request.app[NAV] if not item.roles or (who and who.role in item.roles)],
        "path": request.path,
        "principal": who,
        "request_id": request_id(request),
    }


async def show_problem(request: web.Request, problem: Problem) -> web.Response:  # ruff: ignore[unused-async] — the hook's type
    """A problem as a page; who is not logged in is sent to log in, and comes back."""
    if problem.status == 401 and request.method in {"GET", "HEAD"}:
        return web.Response(
            status=303, headers={"Location": f"/login?next={quote(request.path_qs, safe='')}"}
        )
    return render(request, "problem.html", {"problem": problem}, status=problem.status)


def _link_in(request: web.Request, code: str) -> str:
    kept = [(name, value) for name, value in request.query.items() if name != PARAMETER]
    path = "/" + request.rel_url.raw_path.lstrip("/\\")  # one that begins with // would lead to another host
    return f"{path}?{urlencode([*kept, (PARAMETER, code)])}"
