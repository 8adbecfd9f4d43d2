"""What a browser calls itself, in words that its owner knows it by: `Firefox`, `Android`."""

from __future__ import annotations

import re
from typing import Final

# The first that is found; most browsers also claim to be those that came before them.
_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Version", "Safari"),
)
_SYSTEMS: Final = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("CrOS", "Chromebook"),
    ("Linux", "Linux"),
)
_PRODUCT: Final = re.compile(r"[\w.-]{1,40}")


def browser_name(user_agent: str | None) -> tuple[str | None, str | None]:
    """The browser and the system it runs on, each as far as it can be told."""
    said = user_agent or ""
    system = next((name for mark, name in _SYSTEMS if mark in said), None)
    browser = next((name for mark, name in _BROWSERS if f"{mark}/" in said or f"{mark}A/" in said), None)
    if browser is None and not said.startswith("Mozilla/") and (product := _PRODUCT.match(said)):
        browser = product[0]  # a program
    return browser, system
