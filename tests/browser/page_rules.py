"""What every page keeps to, asked of the page as Chromium shows it and of its accessibility tree (WCAG 2.2 AA)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from playwright.sync_api import Page

# Roles that a person acts on or is told by; in Chromium's words.
NAMED_ROLES: Final = frozenset(
    "button checkbox combobox ColorWell Date DateTime DisclosureTriangle form group image InputTime link listbox "
    "menuitem navigation ProgressIndicator radio region searchbox slider spinbutton switch table textbox".split()
)
UNNAMED_BY_RIGHT: Final = frozenset({"form", "group", "region", "table"})

SHAPE: Final = """
() => {
  const faults = [];
  const all = (what) => [...document.querySelectorAll(what)];
  const seen = (each) => each.checkVisibility({ visibilityProperty: true });
  const short = (each) => each.outerHTML.slice(0, 120);
  if (all("h1").filter(seen).length !== 1) faults.push(`${all("h1").filter(seen).length} headings of level 1`);
  if (all("main").length !== 1) faults.push(`${all("main").length} main landmarks`);
  if (!document.title.trim()) faults.push("no title");
  const width = document.documentElement.scrollWidth;
  if (width > innerWidth) {
    const wide = all("body *").filter((each) => seen(each) && each.getBoundingClientRect().right > innerWidth + 1
      && !each.parentElement.closest(".scroll"));
    faults.push(`${width} pixels wide: ${wide.slice(0, 3).map(short).join(" ")}`);
  }
  for (const each of all("img:not([alt])")) faults.push(`no alt: ${short(each)}`);
  const ids = new Set();
  for (const { id } of all("[id]")) ids.has(id) ? faults.push(`the id ${id} twice`) : ids.add(id);
  for (const name of ["for", "aria-labelledby", "aria-describedby", "aria-controls"]) {
    for (const each of all(`[${name}]`)) {
      for (const id of each.getAttribute(name).split(/\\s+/)) {
        if (id && !ids.has(id)) faults.push(`${name}="${id}" leads nowhere: ${short(each)}`);
      }
    }
  }
  let level = 0;
  for (const heading of all("h1, h2, h3, h4, h5, h6").filter(seen)) {
    const next = Number(heading.tagName[1]);
    if (level && next > level + 1) faults.push(`h${next} after h${level}: ${heading.textContent.trim()}`);
    level = next;
  }
  for (const each of all("button, select, summary, input:not([type=hidden])").filter(seen)) {
    const { width, height } = (each.closest("label") ?? each).getBoundingClientRect();
    if (width > 1 && (width < 24 || height < 24)) faults.push(`${width}×${height} pixels to hit: ${short(each)}`);
  }
  for (const each of all("[tabindex]")) if (each.tabIndex > 0) faults.push(`tabindex above 0: ${short(each)}`);
  if (/\\{\\{|\\}\\}|\\bNone\\b|\\bundefined\\b|%\\(/.test(document.body.innerText)) {
    faults.push(`code in the text: ${document.body.innerText.match(/.{0,40}(\\{\\{|\\}\\}|\\bNone\\b|undefined|%\\().{0,40}/)[0]}`);
  }
  return faults;
}
"""

CONTRAST: Final = """
() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
  const ground = (each) => {
    if (!each) return rgba("Canvas");
    const own = rgba(getComputedStyle(each).backgroundColor);
    return own[3] === 1 ? own : over(own, ground(each.parentElement));
  };
  const light = (colour) => {
    const [r, g, b] = colour.map((part) => (part /= 255) <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const faults = new Set(), walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const each = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !each.checkVisibility({ visibilityProperty: true })) continue;
    if (each.closest(":disabled, [aria-disabled=true], [hidden], .hidden, label:has(:disabled), svg")) continue;
    const style = getComputedStyle(each), back = ground(each);
    const [bright, dark] = [light(over(rgba(style.color), back)), light(back)].sort((a, b) => b - a);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const ratio = (bright + 0.05) / (dark + 0.05);
    if (ratio < (large ? 3 : 4.5)) faults.add(`contrast ${ratio.toFixed(2)}: ${each.outerHTML.slice(0, 120)}`);
  }
  return [...faults];
}
"""


# Counts what Tab should reach, and notes what it does reach.
WALK: Final = """
() => {
  const wanted = [...document.querySelectorAll(
    "a[href], button:enabled, input:enabled:not([type=hidden]), select:enabled, textarea:enabled, summary, [tabindex='0']"
  )].filter((each) => each.checkVisibility({ visibilityProperty: true }) && each.tabIndex >= 0);
  const reached = [], faults = [];
  addEventListener("focusin", ({ target }) => {
    if (reached.includes(target)) return;
    const style = getComputedStyle(target), box = target.getBoundingClientRect();
    const short = target.outerHTML.slice(0, 120);
    if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) faults.push(`no mark of focus: ${short}`);
    if (box.bottom < 1 || box.top > innerHeight || box.right < 1 || box.left > innerWidth) {
      faults.push(`focus out of sight: ${short}`);
    }
    const last = reached.at(-1);
    if (last && !(last.compareDocumentPosition(target) & Node.DOCUMENT_POSITION_FOLLOWING)) {
      faults.push(`focus goes back to ${short}`);
    }
    reached.push(target);
  });
  window.walked = () => {
    for (const each of wanted) {
      const others = each.type === "radio" ? [...document.getElementsByName(each.name)] : [each];
      if (!others.some((other) => reached.includes(other))) faults.push(`Tab misses ${each.outerHTML.slice(0, 120)}`);
    }
    return faults;
  };
  document.activeElement.blur();
  getSelection().collapse(document.body, 0);
  const parts = { date: 3, time: 2 };
  return wanted.reduce((sum, each) => sum + 1 + (parts[each.type] ?? 0), 0);
}
"""


def keyboard_faults(page: Page) -> list[str]:
    """What is wrong with a walk through the page by the Tab key."""
    for _ in range(page.evaluate(WALK)):
        page.keyboard.press("Tab")
    return list(page.evaluate("walked()"))


def faults(page: Page, language: str = "en") -> list[str]:
    """All that is wrong with the page, in words; empty if nothing is."""
    found = list(page.evaluate(SHAPE))
    said = page.locator("html").get_attribute("lang")
    if said != language:
        found.append(f"lang is {said}")
    return [*found, *_without_names(page), *page.evaluate(CONTRAST)]


def _without_names(page: Page) -> list[str]:
    session = page.context.new_cdp_session(page)
    nodes: list[dict[str, Any]] = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    found = []
    for node in nodes:
        role = node.get("role", {}).get("value")
        name = node.get("name", {}).get("value", "").strip()
        if not node["ignored"] and role in NAMED_ROLES - UNNAMED_BY_RIGHT and not name:
            found.append(f"a {role} without a name ({node.get('backendDOMNodeId')})")
    return found
