"""The catalogues: what our pages and mails say in English, they say in Hindi too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import services.auth
from common.web.i18n import read_languages
from common.web.layout import LOCALES as SHARED
from services.auth.service.letters import password_changed, password_reset

SERVICE = Path(services.auth.__file__).parent
TEMPLATES = sorted((SERVICE / "templates").glob("*.html"))
CATALOGUES = sorted((SERVICE / "locale").glob("*/LC_MESSAGES/*.po"))
SINGLE = re.compile(r'(?<!\w)_\("((?:[^"\\]|\\.)*)"')
FLASHES = re.compile(r'flash="([a-z-]+)"')


@pytest.fixture(scope="module")
def languages():
    return read_languages([SHARED, SERVICE / "locale"])


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_every_text_of_a_template_is_translated(languages, path):
    for text in SINGLE.findall(path.read_text()):
        assert languages.get("hi").gettext(text) != text, text


@pytest.mark.parametrize("locale", ["en", "hi"])
def test_every_message_for_the_next_page_has_its_words(languages, locale):
    for name in FLASHES.findall((SERVICE / "pages.py").read_text()):
        assert languages.get(locale).gettext(f"flash:{name}") != f"flash:{name}", name


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_a_translation_has_the_variables_of_its_text(languages, path):
    texts = languages.get(path.parts[-3]).texts
    for text in re.findall(r'^msgid "((?:[^"\\]|\\.)+)"$', path.read_text(), re.MULTILINE):
        told = texts.gettext(text)
        assert set(re.findall(r"%\(\w+\)s", told)) == set(re.findall(r"%\(\w+\)s", text)), text


@pytest.mark.parametrize("locale", ["en", "hi"])
def test_mails_are_in_the_language_of_the_reader(languages, locale):
    user = {"full_name": "100% Asha", "locale": locale}
    subject, body = password_reset(user, "https://banyan.example/x?token=a%2Fb", languages)
    assert "https://banyan.example/x?token=a%2Fb" in body
    assert "100% Asha" in body
    is_hindi = bool(re.search(r"[\u0900-\u097f]", subject + body))
    assert is_hindi == (locale == "hi")
    assert bool(re.search(r"[\u0900-\u097f]", "".join(password_changed(user, languages)))) == is_hindi
