"""Every text of the service's pages and documents has its Hindi."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from common.web.i18n import Language, read_languages
from common.web.layout import LOCALES
from services import ticketing

SERVICE = Path(ticketing.__file__).parent
SAID = re.compile(r"""(?:\b_|gettext|\btext)\(\s*"((?:[^"\\]|\\.)+)\"""")
PAGES = sorted(SERVICE.glob("templates/*.html"))


@pytest.fixture(scope="module")
def hindi() -> Language:
    found = read_languages([LOCALES, SERVICE / "locale"]).get("hi")
    assert found is not None
    return found


@pytest.mark.parametrize("path", [*PAGES, SERVICE / "documents" / "paper.py"], ids=lambda path: path.name)
def test_all_that_is_said_is_said_in_hindi(path: Path, hindi: Language) -> None:
    said = SAID.findall(path.read_text(encoding="utf-8"))
    missing = [text for text in said if hindi.ngettext(text, text, 2) == text == hindi.gettext(text)]
    assert not missing


@pytest.mark.parametrize("code", ["en", "hi"])
def test_a_message_after_a_redirect_has_words(code: str) -> None:
    language = read_languages([LOCALES, SERVICE / "locale"]).get(code)
    assert language is not None
    for message in ("waiting-given-up",):
        assert language.gettext(f"flash:{message}") != f"flash:{message}"
