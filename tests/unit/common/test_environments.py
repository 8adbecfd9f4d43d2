"""Templates in one language: what is written into them when they are compiled, and what stays to be said."""

from __future__ import annotations

import gettext
from typing import TYPE_CHECKING

import jinja2
import pytest
from babel import Locale

from common.web.environments import LanguageEnvironment
from common.web.i18n import Language

if TYPE_CHECKING:
    from collections.abc import Callable


class Texts(gettext.NullTranslations):
    """Everything in capitals; counts what is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def gettext(self, message: str) -> str:
        self.asked.append(message)
        return message.replace("left", "LEFT").replace("Seats", "SEATS")


def address(name: str, owner: str = "own") -> str:
    return f"/static/{owner}/{name}?v=1&2"


@pytest.fixture
def texts() -> Texts:
    return Texts()


@pytest.fixture
def make(texts: Texts) -> Callable[..., jinja2.Environment]:
    def make(**templates: str) -> jinja2.Environment:
        language = Language("en", "English", Locale.parse("en_IN"), texts)
        return LanguageEnvironment(language, jinja2.DictLoader(templates), address)

    return make


def test_texts_are_looked_up_when_a_template_is_compiled_and_never_again(make, texts: Texts):
    page = make(page='<th title="{{ _("Seats") }}">{{ _("Seats") }}').get_template("page")
    asked = len(texts.asked)
    assert [page.render(), page.render()] == ['<th title="SEATS">SEATS'] * 2
    assert len(texts.asked) == asked


def test_what_a_text_is_filled_with_is_escaped_and_the_text_is_not(make):
    page = make(page='{{ _("<b>%(name)s</b> left", name=name) }} {{ _("100%% <i>left</i>") }}')
    assert page.get_template("page").render(name="<Asha>") == "<b>&lt;Asha&gt;</b> LEFT 100% <i>LEFT</i>"


def test_a_text_that_is_known_later_is_looked_up_then(make):
    page = make(page='{{ _(name) }} {{ _("a" if one else "left") }}').get_template("page")
    assert page.render(name="Seats", one=False) == "SEATS LEFT"


def test_addresses_of_files_are_escaped_like_all_that_is_no_text(make):
    page = make(page='{{ static("a.css") }} {{ static("b.css", "all") }} {{ static(name) }}')
    said = page.get_template("page").render(name="<c>")
    assert said == "/static/own/a.css?v=1&amp;2 /static/all/b.css?v=1&amp;2 /static/own/&lt;c&gt;?v=1&amp;2"


def test_macros_write_in_the_language_without_a_context(make):
    page = make(
        macros='{% macro row(name, count) %}{{ name|translated }} {{ _("Seats") }} {{ number(count) }} '
        '{{ ngettext("%(num)s left", "%(num)s lefts", count) }} {{ language.code }}{% endmacro %}',
        page='{% from "macros" import row %}{{ row("<left>", 123456) }}',
    )
    assert page.get_template("page").render() == "&lt;LEFT&gt; SEATS 1,23,456 123456 lefts en"


def test_a_name_that_nobody_gave_is_an_error(make):
    with pytest.raises(jinja2.UndefinedError):
        make(page="{{ nobody }}").get_template("page").render()
