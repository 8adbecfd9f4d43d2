from __future__ import annotations

import re
from pathlib import Path

from jinja2.ext import babel_extract

import services.payment
from common.web.i18n import read_languages
from common.web.layout import LOCALES
from services.payment.domain.sandbox import MESSAGES
from services.payment.pages import TEST_CARDS

FOLDER = Path(services.payment.__file__).parent
HINDI = read_languages([LOCALES, FOLDER / "locale"]).get("hi")


def texts_of(template):
    with (FOLDER / "templates" / template).open("rb") as file:
        found = [each[2] for each in babel_extract(file, ["_"], [], {})]
    texts = {text if isinstance(text, str) else (text or [None])[0] for text in found}
    return {text for text in texts if text}


def test_every_text_of_the_checkout_is_translated_with_its_places():
    texts = texts_of("checkout.html")
    assert len(texts) > 20
    assert {text for text in texts if HINDI.gettext(text) == text} == set()
    for text in texts:
        places = re.compile(r"%\(\w+\)s|\{\w+\}")
        assert sorted(places.findall(HINDI.gettext(text))) == sorted(places.findall(text)), text


def test_what_the_page_is_handed_is_translated():
    handed = {effect for _, effect in TEST_CARDS} | set(MESSAGES.values())
    handed |= {"The payment was declined.", "The bank was not reached; nothing was charged."}
    assert {text for text in handed if HINDI.gettext(text) == text} == set()
