from __future__ import annotations

import re
from pathlib import Path

import pytest
from jinja2.ext import babel_extract

import legacy
from legacy.pages.languages import read_catalogues
from legacy.pages.payment import TEST_CARDS
from legacy.pages.qr import WORDS
from legacy.rules.sandbox import MESSAGES

FOLDER = Path(legacy.__file__).parent


def texts_of(template):
    with (FOLDER / "templates" / template).open("rb") as file:
        found = [each[2] for each in babel_extract(file, ["_"], [], {})]
    texts = {text if isinstance(text, str) else (text or [None])[0] for text in found}
    return {text for text in texts if text}


@pytest.mark.parametrize("template", ["checkout.html", "ticket.html", "scan.html"])
def test_every_text_of_a_page_is_translated(template):
    hindi = read_catalogues().get("hi")
    texts = texts_of(template)
    assert len(texts) > 10
    assert {text for text in texts if hindi.gettext(text) == text} == set()
    for text in texts:
        names = re.findall(r"%\(\w+\)s", text)
        assert sorted(re.findall(r"%\(\w+\)s", hindi.gettext(text))) == sorted(names), text


def test_what_the_pages_are_handed_is_translated():
    hindi = read_catalogues().get("hi")
    handed = {effect for _, effect in TEST_CARDS} | set(MESSAGES.values())
    handed |= {text for words in WORDS.values() for text in words}
    assert {text for text in handed if hindi.gettext(text) == text} == set()
