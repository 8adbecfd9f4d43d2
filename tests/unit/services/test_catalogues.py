"""Texts in Hindi: each service brings its own catalogue, and all of them count alike."""

from __future__ import annotations

from pathlib import Path

import pytest
from babel.messages.pofile import read_po

SERVICES = Path(__file__).parents[3] / "services"
CATALOGUES = sorted(SERVICES.glob("*/locale/hi/LC_MESSAGES/messages.po"))


@pytest.mark.parametrize("path", CATALOGUES, ids=[path.relative_to(SERVICES).parts[0] for path in CATALOGUES])
def test_one_is_singular_and_two_are_plural(path: Path) -> None:
    with path.open("rb") as file:
        catalogue = read_po(file)
    assert catalogue.num_plurals == 2
    assert catalogue.plural_expr == "(n > 1)"  # CLDR's rule for Hindi: none and one are alike


def test_every_service_has_one() -> None:
    assert len(CATALOGUES) == len(list(SERVICES.glob("*/templates")))
