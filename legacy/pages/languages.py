"""The languages of the pages: one catalogue per domain under `legacy/locale/<code>/`, merged when read."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Final

from common.web.i18n import Languages, compile_po, read_languages

LOCALES: Final = Path(__file__).parent.parent / "locale"


def read_catalogues(folder: Path = LOCALES) -> Languages:
    """English and Hindi; what no catalogue of ours has is looked up among the texts of `common`."""
    shared = Path(str(files("common.web").joinpath("locale")))
    languages = []
    for language in read_languages([shared]).all:
        texts = language.texts
        for path in sorted((folder / language.code).glob("*.po")):
            catalogue = compile_po(path, language.code)
            catalogue.add_fallback(texts)
            texts = catalogue
        languages.append(replace(language, texts=texts))
    return Languages(languages)
