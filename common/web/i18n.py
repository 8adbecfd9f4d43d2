"""Languages: which one a reader gets, and its texts.

``.po`` files are read and compiled in memory at start, so there is no build step and no stale ``.mo``. The
choice: ``?lang=`` (and is remembered in a cookie), the cookie, Accept-Language, else the first language
there is.
"""

import gettext
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jinja2
from aiohttp import web
from aiohttp.typedefs import Handler
from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

COOKIE: Final = "banyan_lang"
PARAMETER: Final = "lang"
DOMAIN: Final = "messages"
_COOKIE_AGE_S: Final = 365 * 24 * 3600

# The country decides how numbers and dates are written: 1,23,450.00 and not 123,450.00.
LOCALES: Final[Mapping[str, str]] = {"en": "en_IN", "hi": "hi_IN"}


@dataclass(frozen=True, slots=True)
class Language:
    """A language with its texts; `code` is what ``lang`` attributes and cookies hold."""

    code: str
    name: str
    locale: Locale
    texts: gettext.NullTranslations

    def gettext(self, message: str) -> str:
        return self.texts.gettext(message)

    def ngettext(self, singular: str, plural: str, count: int) -> str:
        return self.texts.ngettext(singular, plural, count)


class Languages:
    """The languages of an application; the first one is for those who ask for none of them."""

    def __init__(self, languages: Iterable[Language]) -> None:
        self.all = tuple(languages)
        self.first = self.all[0]
        self._by_code = {language.code: language for language in self.all}

    def get(self, code: str | None) -> Language | None:
        return self._by_code.get(code) if code else None

    def accept(self, header: str) -> Language | None:
        """The best of an Accept-Language header (RFC 9110 §12.5.4), or None."""
        best, best_quality = None, 0.0
        for part in header[:500].split(","):
            tag, _, parameter = part.strip().partition(";")
            language = self._by_code.get(tag.strip().lower().partition("-")[0])
            quality = _quality(parameter)
            if language is not None and quality > best_quality:
                best, best_quality = language, quality
        return best


LANGUAGES: Final = web.AppKey("languages", Languages)
LANGUAGE: Final = web.RequestKey("language", Language)


def read_languages(folders: Iterable[Path], locales: Mapping[str, str] = LOCALES) -> Languages:
    """Texts from ``<folder>/<code>/LC_MESSAGES/messages.po``; a later folder goes before an earlier one."""
    folders = list(folders)
    languages = []
    for code, name in locales.items():
        locale = Locale.parse(name)
        texts: gettext.NullTranslations = gettext.NullTranslations()
        for folder in folders:
            path = folder / code / "LC_MESSAGES" / f"{DOMAIN}.po"
            if path.exists():
                layer = compile_po(path, code)
                layer.add_fallback(texts)
                texts = layer
        languages.append(Language(code, locale.get_language_name(code) or code, locale, texts))
    return Languages(languages)


def compile_po(path: Path, code: str) -> gettext.GNUTranslations:
    with path.open("rb") as file:
        catalogue = read_po(file, locale=code)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def choose_language(request: web.Request, languages: Languages) -> Language:
    chosen = languages.get(request.query.get(PARAMETER)) if "lang=" in request.query_string else None
    return (
        chosen
        or languages.get(request.cookies.get(COOKIE) if "Cookie" in request.headers else None)
        or languages.accept(request.headers.get("Accept-Language", ""))
        or languages.first
    )


@web.middleware
async def language_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Sets ``request[LANGUAGE]`` outside /api/, and the cookie if ``?lang=`` chose."""
    if request.path.startswith("/api/"):
        return await handler(request)
    languages = request.app[LANGUAGES]
    chosen = request[LANGUAGE] = choose_language(request, languages)
    response = await handler(request)
    if not response.prepared and request.query.get(PARAMETER) == chosen.code:
        response.set_cookie(COOKIE, chosen.code, max_age=_COOKIE_AGE_S, samesite="Lax", httponly=True)
    return response


def language(request: web.Request) -> Language:
    """The reader's language, chosen now if the middleware has not run."""
    found: Language | None = request.get(LANGUAGE)
    return found if found is not None else choose_language(request, request.app[LANGUAGES])


def install_i18n(environment: jinja2.Environment) -> None:
    """``{% trans %}``, ``_()``, ``ngettext()``, ``|translated`` in the language that the context holds."""
    environment.add_extension("jinja2.ext.i18n")
    environment.newstyle_gettext = True  # type: ignore[attr-defined]
    environment.filters["translated"] = _translated
    environment.globals.update(gettext=_gettext, ngettext=_ngettext, _=_gettext)


@pass_context
def _translated(context: Context, text: str) -> str:
    """For texts that may hold anything, like a problem's detail: not formatted, and escaped like all else."""
    found: str = context["language"].gettext(text) if text else ""
    return found


@pass_context
def _gettext(context: Context, message: str, /, **variables: Any) -> str:
    return _fill(context, context["language"].gettext(message), variables)


@pass_context
def _ngettext(context: Context, singular: str, plural: str, count: int, /, **variables: Any) -> str:
    variables.setdefault("num", count)
    return _fill(context, context["language"].ngettext(singular, plural, count), variables)


def _fill(context: Context, text: str, variables: Mapping[str, Any]) -> str:
    if context.eval_ctx.autoescape:
        text = Markup(text)  # ruff: ignore[unsafe-markup-use] — our own texts; Markup escapes the variables put into them
    # Always formatted, also without variables: that is what turns %% into %.
    return text % variables


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return min(max(float(value), 0.0), 1.0)
    except ValueError:
        return 0.0
