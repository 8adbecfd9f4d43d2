"""A stack while it is put together: what was asked for, and what is there so far."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from deploy.local.stamps import Stamps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy.local.credentials import Credentials
    from deploy.local.folders import Folders
    from deploy.local.parts import Part, Step


Side: TypeAlias = Literal["legacy", "service", "both"]


@dataclass(frozen=True, slots=True)
class Options:
    """How this stack differs from the next: `ports` by process name, `hosts` where the gateway listens."""

    ports: Mapping[str, int]
    hosts: tuple[str, ...]
    fast: bool = False
    """For tests: nothing is kept safe against a power cut."""
    demo: bool = True
    admin: tuple[str, str] | None = None
    """An administrator to make, as email and password, where there is no demo data."""
    workers: int = min(2, os.cpu_count() or 1)
    side: Side = "both"
    """With one side alone, all routes go there and the other is not started."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A stack while it is put together."""

    folders: Folders
    options: Options
    env: Mapping[str, str]
    credentials: Credentials
    parts: list[Part] = field(default_factory=list)
    origins: dict[str, str] = field(default_factory=dict)
    afterwards: list[Step] = field(default_factory=list)

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.options.ports[name]}"

    @property
    def stamps(self) -> Stamps:
        return Stamps(self.folders.data / "stamps.json")

    def names(self) -> set[str]:
        return {part.name for part in self.parts}
