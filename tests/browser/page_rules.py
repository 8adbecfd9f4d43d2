"""What every page keeps to, asked of Chromium's layout and of its accessibility tree (WCAG 2.2 AA)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from playwright.sync_api import Page

_RULES: Final = Path(__file__).parent / "rules"
SHAPE, CONTRAST, WALK = (
    (_RULES / f"{name}.js").read_text(encoding="utf-8") for name in ("shape", "contrast", "walk")
)

# What a person acts on, or is told by; in Chromium's words.
NAMED_ROLES: Final = frozenset(
    "button checkbox combobox ColorWell Date DateTime DisclosureTriangle image InputTime link listbox "
    "menuitem navigation ProgressIndicator radio searchbox slider spinbutton switch textbox".split()
)


def faults(page: Page, language: str = "en") -> list[str]:
    """All that is wrong with the page, in words; empty if nothing is."""
    found = list(page.evaluate(SHAPE))
    said = page.locator("html").get_attribute("lang")
    if said != language:
        found.append(f"lang is {said}")
    return [*found, *_without_names(page), *page.evaluate(CONTRAST)]


def keyboard_faults(page: Page) -> list[str]:
    """What is wrong with a walk through the page by the Tab key."""
    for _ in range(page.evaluate(WALK)):
        page.keyboard.press("Tab")
    return list(page.evaluate("walked()"))


def _without_names(page: Page) -> list[str]:
    session = page.context.new_cdp_session(page)
    nodes: list[dict[str, Any]] = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    found = []
    for node in nodes:
        role = node.get("role", {}).get("value")
        name = node.get("name", {}).get("value", "").strip()
        if not node["ignored"] and role in NAMED_ROLES and not name:
            found.append(f"a {role} without a name ({node.get('backendDOMNodeId')})")
    return found
