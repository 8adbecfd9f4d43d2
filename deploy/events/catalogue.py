"""Every event that a service publishes and who hears it, read from the services: what docs/events.md says."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from common.events import EventType

DOMAINS: Final = ("auth", "user", "company", "ticketing", "qr", "payment")

_INTRODUCTION: Final = Path(__file__).with_name("introduction.md")


@dataclass(frozen=True, slots=True)
class Published:
    """An event type with the domains that hear it."""

    source: str
    event: EventType
    heard_by: tuple[str, ...]


def read_catalogue() -> list[Published]:
    """Of all six services, in the order in which each lists its own."""
    modules = {domain: importlib.import_module(f"services.{domain}.events") for domain in DOMAINS}
    heard = {
        domain: {event_type for handler in module.HANDLERS for event_type in handler.types}
        for domain, module in modules.items()
    }
    return [
        Published(domain, event, tuple(listener for listener in DOMAINS if event.type in heard[listener]))
        for domain, module in modules.items()
        for event in module.PUBLISHES
    ]


def unheard_of(catalogue: Iterable[Published]) -> set[str]:
    """Types that somebody listens to and nobody publishes."""
    known = {published.event.type for published in catalogue}
    return {
        event_type
        for domain in DOMAINS
        for handler in importlib.import_module(f"services.{domain}.events").HANDLERS
        for event_type in handler.types
    } - known


def write_page(catalogue: Iterable[Published]) -> str:
    """The page as Markdown. Types of one shape stand together."""
    parts = [_INTRODUCTION.read_text(encoding="utf-8")]
    together: dict[tuple[str, tuple[tuple[str, str], ...]], list[Published]] = {}
    for published in catalogue:
        shape = (published.source, tuple(published.event.fields.items()))
        together.setdefault(shape, []).append(published)
    source = ""
    for (of, fields), alike in together.items():
        if of != source:
            parts.append(f"\n## {of}-service\n")
            source = of
        parts += [
            f"\n### {', '.join(f'`{each.event.type}`' for each in alike)}\n\n",
            *(
                f"- `{each.event.type}` v{each.event.version}: {each.event.summary} "
                f"Heard by {', '.join(each.heard_by) or 'nobody yet'}.\n"
                for each in alike
            ),
            "\n| field | meaning |\n|---|---|\n",
            *(f"| `{name}` | {meaning.replace('|', '/')} |\n" for name, meaning in fields),
        ]
    return "".join(parts)
