"""The templates of a service, compiled once for each language.

Nearly all that a page says never changes: its texts, the addresses of its static files. An environment that
knows its language writes them into the compiled template, where they are one string with the HTML around
them. What templates write with needs no context then, so macros can be imported without one, and are made
once instead of for each page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jinja2
from jinja2 import nodes
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

from common.web.writing import writers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping

    from common.web.i18n import Language


class LanguageEnvironment(jinja2.Environment):
    """Templates in one language; `static` gives the address of a static file. They are read once."""

    def __init__(
        self,
        language: Language,
        loader: jinja2.BaseLoader,
        static: Callable[..., str],
    ) -> None:
        super().__init__(
            loader=loader,
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            extensions=["jinja2.ext.i18n"],
        )
        self.newstyle_gettext = True
        texts = _texts(language)
        self.filters["translated"] = texts.pop("translated")
        self.globals.update(
            writers(language.locale), **texts, static=static, language=language, locale=language.locale
        )
        self._fill_in = _FillIn({"_": texts["_"], "gettext": texts["gettext"], "static": static})

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """No template has globals of its own: they need no map of their own, which is slow to copy."""
        return super().make_globals(d) if d else self.globals

    def _generate(self, source: nodes.Template, *args: Any, **kwargs: Any) -> str:
        self._fill_in.visit(source)
        return super()._generate(source, *args, **kwargs)


class _FillIn(NodeTransformer):
    """Puts what a call says in its place, wherever all its arguments are written in the template."""

    def __init__(self, functions: Mapping[str, Callable[..., str]]) -> None:
        self._functions = functions

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # ruff: ignore[invalid-function-name] — jinja's dispatch
        self.generic_visit(node)
        if not isinstance(node.node, nodes.Name) or node.node.name not in self._functions:
            return node
        if node.kwargs or node.dyn_args or node.dyn_kwargs:
            return node
        said = []
        for argument in node.args:
            if not isinstance(argument, nodes.Const):
                return node
            said.append(argument.value)
        text = self._functions[node.node.name](*said)
        made = nodes.TemplateData if isinstance(text, Markup) else nodes.Const
        return made(text, lineno=node.lineno, environment=node.environment)


def _texts(language: Language) -> dict[str, Callable[..., str]]:
    """`_()`, `ngettext()` and `|translated` of one language."""

    def gettext(message: str, /, **variables: Any) -> str:
        return _filled(language.gettext(message), variables)

    def ngettext(singular: str, plural: str, count: int, /, **variables: Any) -> str:
        variables.setdefault("num", count)
        return _filled(language.ngettext(singular, plural, count), variables)

    def translated(text: str) -> str:
        """For texts that may hold anything: not formatted, and escaped like all else."""
        return language.gettext(text) if text else ""

    return {"_": gettext, "gettext": gettext, "ngettext": ngettext, "translated": translated}


def _filled(text: str, variables: Mapping[str, Any]) -> str:
    # Our own texts; Markup escapes the variables put into them. Always formatted: that turns %% into %.
    return Markup(text) % variables  # ruff: ignore[unsafe-markup-use]
