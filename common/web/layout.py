"""The layout that the services' pages share. Legacy has pages of its own and needs nothing from here.

A service calls `setup_pages` once in create_app and `render` in its page handlers.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import jinja2
from aiohttp import web

from common.context import request_id
from common.principals import principal
from common.problems import HTML_ERRORS, Problem
from common.redirects import local_path
from common.web.csp import add_security_headers
from common.web.environments import LanguageEnvironment
from common.web.flash import clear_flash, read_flash, set_flash
from common.web.i18n import LANGUAGES, PARAMETER, Language, language, read_languages

_HERE: Final = Path(__file__).parent
TEMPLATES: Final = _HERE / "templates"
STATIC: Final = _HERE / "static"
LOCALES: Final = _HERE / "locale"


@dataclass(frozen=True, slots=True)
class NavItem:
    """An entry of the navigation; `roles` empty means visitors too, `title` is a text of the catalogues."""

    path: str
    title: str
    roles: tuple[str, ...] = ()


# Every service shows the same navigation, whoever renders the page behind an entry.
EVERYBODY: Final = ("passenger", "inspector", "driver", "operator", "admin")
NAVIGATION: Final[Sequence[NavItem]] = (
    NavItem("/", "Search"),
    NavItem("/bookings", "My bookings", EVERYBODY),
    NavItem("/dashboard", "My trips", EVERYBODY),
    NavItem("/operator", "Company", ("operator",)),
    NavItem("/scan", "Scan", ("inspector", "driver", "operator")),
    NavItem("/admin", "Platform", ("admin",)),
)

NAV: Final[web.AppKey[Sequence[NavItem]]] = web.AppKey("nav")
TEMPLATES_IN: Final[web.AppKey[Mapping[str, jinja2.Environment]]] = web.AppKey("templates_in")
"""The environment of each language by its code."""


def setup_pages(
    app: web.Application,
    templates: Path,
    locales: Iterable[Path] = (),
    *,
    static: tuple[str, Path] | None = None,
    navigation: Sequence[NavItem] = NAVIGATION,
    html_errors: bool = True,
) -> None:
    """The service's templates before the layout's. `i18n.language_middleware` is for you to add.

    `static` names the service's own files and their folder: they are served under ``/static/<name>/``. A
    template writes ``{{ static("seatmap.js") }}`` for one of those, ``{{ static("banyan.css", "common") }}``
    for one of everybody's.
    """
    folders = {"common": STATIC, **({static[0]: static[1]} if static else {})}
    for name, folder in folders.items():
        app.router.add_static(f"/static/{name}", folder)
    languages = app[LANGUAGES] = read_languages([LOCALES, *locales])
    app[TEMPLATES_IN] = make_environments(
        languages.all, templates, _static_urls(folders, static[0] if static else "common")
    )
    app[NAV] = tuple(navigation)
    add_security_headers(app)
    if html_errors:
        app[HTML_ERRORS] = show_problem


def make_environments(
    languages: Iterable[Language], templates: Path, static: Callable[..., str]
) -> dict[str, jinja2.Environment]:
    """An environment for each language, whose templates are those of the folder before the layout's."""
    loader = jinja2.ChoiceLoader([jinja2.FileSystemLoader(templates), jinja2.FileSystemLoader(TEMPLATES)])
    return {each.code: LanguageEnvironment(each, loader, static) for each in languages}


def templates_for(request: web.Request) -> jinja2.Environment:
    """The templates in the reader's language."""
    return request.app[TEMPLATES_IN][language(request).code]


def render(
    request: web.Request, template: str, context: Mapping[str, Any] | None = None, *, status: int = 200
) -> web.Response:
    """A page of the template; it sees what `page_context` says, too."""
    flash = read_flash(request)
    page = templates_for(request).get_template(template)
    text = page.render({**page_context(request), "flash": flash, **(context or {})})
    response = web.Response(text=text, content_type="text/html", status=status)
    if flash is not None:
        clear_flash(response)
    # Who logs out leaves nothing behind for the Back button.
    response.headers["Cache-Control"] = "no-store" if principal(request) else "private, no-cache"
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


def page_context(request: web.Request) -> dict[str, Any]:
    """What the layout needs beside its language: navigation, where it is, whoever is logged in."""
    who = principal(request)
    return {
        "here": request.path_qs,
        "language_links": _language_links(request),
        "nav": [item for item in request.app[NAV] if not item.roles or (who and who.role in item.roles)],
        "path": request.path,
        "principal": who,
        "request_id": request_id(request),
    }


async def show_problem(request: web.Request, problem: Problem) -> web.Response:  # ruff: ignore[unused-async] — the hook's type
    """A problem as a page; who is not logged in is sent to log in, and comes back."""
    if problem.status == 401:
        return sign_in_first(request)
    return render(request, "problem.html", {"problem": problem}, status=problem.status)


def _static_urls(folders: Mapping[str, Path], own: str) -> Callable[..., str]:
    """The address of a static file, with its content's hash, so that it may be kept for ever."""

    @cache
    def static_url(name: str, owner: str = own) -> str:
        digest = hashlib.blake2b((folders[owner] / name).read_bytes(), digest_size=6).hexdigest()
        return f"/static/{owner}/{name}?v={digest}"

    return static_url


def _way_back(request: web.Request) -> str:
    if request.method in {"GET", "HEAD"}:
        return local_path(request.path_qs)
    page = urlsplit(request.headers.get("Referer", ""))
    if page.netloc != request.host:
        return "/"
    return local_path(page.path + (f"?{page.query}" if page.query else ""))


def _language_links(request: web.Request) -> list[tuple[Language, str]]:
    """This page in each language; after a refused form, the page that the form was on."""
    page = urlsplit(_way_back(request))
    kept = page.query and [
        (name, value) for name, value in parse_qsl(page.query, keep_blank_values=True) if name != PARAMETER
    ]
    before = f"{page.path}?{urlencode(kept)}&" if kept else f"{page.path}?"
    return [(each, f"{before}{PARAMETER}={each.code}") for each in request.app[LANGUAGES].all]
