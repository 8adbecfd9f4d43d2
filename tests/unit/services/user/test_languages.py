"""The catalogues: what our pages say in English, they say in Hindi too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import services.user
from common.web.i18n import read_languages
from common.web.layout import LOCALES as SHARED

SERVICE = Path(services.user.__file__).parent
TEMPLATES = sorted((SERVICE / "templates").glob("*.html"))
CATALOGUES = sorted((SERVICE / "locale").glob("*/LC_MESSAGES/*.po"))
SINGLE = re.compile(r'(?<!\w)_\("((?:[^"\\]|\\.)*)"')
PLURAL = re.compile(r'ngettext\("((?:[^"\\]|\\.)*)"')
FLASHES = re.compile(r'flash="([a-z-]+)"')
ALIKE = {"%(count)s"}


@pytest.fixture(scope="module")
def languages():
    return read_languages([SHARED, SERVICE / "locale"])


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_every_text_of_a_template_is_translated(languages, path):
    hindi = languages.get("hi")
    for text in SINGLE.findall(path.read_text(encoding="utf-8")):
        assert hindi.gettext(text) != text, text
    for text in PLURAL.findall(path.read_text(encoding="utf-8")):
        assert hindi.ngettext(text, text, 1) != text, text


@pytest.mark.parametrize("locale", ["en", "hi"])
def test_every_message_for_the_next_page_has_its_words(languages, locale):
    names = FLASHES.findall((SERVICE / "pages.py").read_text(encoding="utf-8"))
    assert names
    for name in names:
        assert languages.get(locale).gettext(f"flash:{name}") != f"flash:{name}", name


def test_what_the_profile_and_the_periods_refuse_is_said_in_hindi(languages):
    hindi = languages.get("hi")
    for text in (
        "Must not be before the first day.",
        "At most 366 days can be shown.",
        "Must be in this century.",
        "Must be greater than or equal to 0 and less than or equal to 120.",
        "There is room for twenty travellers.",
        "female",
        "male",
        "other",
    ):
        assert hindi.gettext(text) != text, text


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_a_translation_has_the_variables_of_its_text(languages, path):
    texts = languages.get(path.parts[-3]).texts
    for text in re.findall(r'^msgid "((?:[^"\\]|\\.)+)"$', path.read_text(encoding="utf-8"), re.MULTILINE):
        told = texts.gettext(text)
        assert set(re.findall(r"%\(\w+\)s", told)) == set(re.findall(r"%\(\w+\)s", text)), text
