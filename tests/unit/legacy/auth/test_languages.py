"""The catalogues: what our pages and mails say in English, they say in Hindi too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import legacy
from legacy.letters import password_changed, password_reset
from legacy.pages.languages import LOCALES, read_catalogues

TEMPLATES = Path(legacy.__file__).parent / "templates"
OURS = (
    "account admin admin_base base dashboard error forms login operator_sales password_reset"
    " password_reset_confirm period plot profile register wait"
).split()
PLURAL = re.compile(r'ngettext\("((?:[^"\\]|\\.)*)", "((?:[^"\\]|\\.)*)"')
SINGLE = re.compile(r'(?<!\w)_\("((?:[^"\\]|\\.)*)"')


@pytest.fixture(scope="module")
def languages():
    return read_catalogues()


@pytest.mark.parametrize("name", OURS)
def test_every_text_of_a_template_is_translated(languages, name):
    hindi = languages.get("hi")
    source = (TEMPLATES / f"{name}.html").read_text()
    for text in SINGLE.findall(source):
        assert hindi.gettext(text) != text, text
    for singular, plural in PLURAL.findall(source):
        for count in (1, 2):
            assert hindi.ngettext(singular, plural, count) not in {singular, plural}


@pytest.mark.parametrize("path", sorted(LOCALES.glob("*/*.po")), ids=lambda path: path.stem)
def test_a_translation_has_the_variables_of_its_text(languages, path):
    texts = languages.get(path.parent.name).texts
    for text in re.findall(r'^msgid "((?:[^"\\]|\\.)+)"$', path.read_text(), re.MULTILINE):
        told = texts.gettext(text)
        assert set(re.findall(r"%\(\w+\)s", told)) == set(re.findall(r"%\(\w+\)s", text)), text


def test_english_is_what_the_texts_are_written_in(languages):
    assert languages.first.code == "en"
    assert languages.first.gettext("Log in") == "Log in"


@pytest.mark.parametrize("locale", ["en", "hi"])
def test_mails_are_in_the_language_of_the_reader(languages, locale):
    user = {"full_name": "100% Asha", "locale": locale}
    subject, body = password_reset(user, "https://banyan.example/x?token=a%2Fb", languages)
    assert "https://banyan.example/x?token=a%2Fb" in body
    assert "100% Asha" in body
    is_hindi = bool(re.search(r"[\u0900-\u097f]", subject + body))
    assert is_hindi == (locale == "hi")
    assert bool(re.search(r"[\u0900-\u097f]", "".join(password_changed(user, languages)))) == is_hindi
