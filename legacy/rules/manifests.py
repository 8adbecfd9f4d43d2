"""How a passenger list is put in order, and how it is kept harmless: rules without I/O."""

from __future__ import annotations

import re

_PARTS = re.compile(r"\d+|\D+")


def seat_order(seat: str) -> list[tuple[int, str]]:
    """A sort key by which 2A comes before 10A, and L9 before L10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in _PARTS.findall(seat)]


def harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula (OWASP, CSV injection): an apostrophe goes before it."""
    return "'" + text if text.lstrip()[:1] in {"=", "+", "-", "@"} or text[:1] in {"\t", "\r", "\n"} else text
