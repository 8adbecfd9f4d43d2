"""Every text of the operator's pages is there in Hindi."""

from pathlib import Path

import pytest
from babel.messages.extract import extract_from_file

import services.company
from common.web.i18n import read_languages
from common.web.layout import LOCALES
from services.company.pages.frame import MESSAGES
from services.company.schemas.fleet import SEAT_CLASSES

FOLDER = Path(services.company.__file__).parent
TEMPLATES = sorted((FOLDER / "templates").glob("*.html"))


@pytest.fixture(scope="module")
def hindi():
    language = read_languages([LOCALES, FOLDER / "locale"]).get("hi")
    assert language is not None
    return language


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_every_text_of_a_page_is_translated(template, hindi):
    found = extract_from_file(
        "jinja2.ext:babel_extract",
        template,
        keywords={"_": None, "ngettext": (1, 2)},
        options={"trim_blocks": "true"},
    )
    for line, message, _, _ in found:
        texts = message if isinstance(message, tuple) else (message,)
        text = hindi.ngettext(*texts, 2) if len(texts) > 1 else hindi.gettext(message)
        assert text not in texts, f"{template.name}:{line}: {message}"


def test_every_message_after_a_form_is_translated(hindi):
    texts = [*MESSAGES.values(), *SEAT_CLASSES.values()]
    assert [text for text in texts if hindi.gettext(text) == text] == []
