"""Every text of the operator's pages is there in Hindi."""

from pathlib import Path

import pytest
from babel.messages.extract import extract_from_file

import legacy
from legacy.pages.languages import read_catalogues
from legacy.pages.operator import MESSAGES

FOLDER = Path(legacy.__file__).parent / "templates"
TEMPLATES = [path for path in sorted(FOLDER.glob("operator*.html")) if path.name != "operator_sales.html"]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_every_text_of_a_page_is_translated(template):
    hindi = read_catalogues().get("hi")
    assert hindi is not None
    found = extract_from_file(
        "jinja2.ext:babel_extract",
        template,
        keywords={"_": None, "ngettext": (1, 2)},
        options={"trim_blocks": "true"},
    )
    for line, message, _, _ in found:
        one = message[0] if isinstance(message, tuple) else message
        text = hindi.ngettext(*message, 2) if isinstance(message, tuple) else hindi.gettext(message)
        assert text != one, f"{template.name}:{line}: {one}"


def test_every_message_after_a_form_is_translated():
    hindi = read_catalogues().get("hi")
    assert hindi is not None
    assert [text for text in MESSAGES.values() if hindi.gettext(text) == text] == []
