"""What was found, as one document that is whole after every phase: a run that is cut off can be read."""

from __future__ import annotations

import json
import os
import platform
import subprocess  # ruff: ignore[suspicious-subprocess-import] — git knows the commit
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from deploy.local.folders import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from loadtests.compare.arguments import Arguments


@dataclass(slots=True)
class Result:
    """The document, and the folder that it is written to."""

    folder: Path
    document: dict[str, Any]

    @classmethod
    def begin(
        cls,
        arguments: Arguments,
        *,
        sides: Sequence[str],
        host: str,
        postgres: str | None,
        lacks: Sequence[str],
        load_before: float,
    ) -> Result:
        now = datetime.now(UTC)
        folder = arguments.out / now.strftime("%Y%m%dT%H%M%SZ")
        folder.mkdir(parents=True)
        document: dict[str, Any] = {
            "format": 1,
            "at": now.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "commit": _commit(),
            "machine": {
                "cores": len(os.sched_getaffinity(0)),
                "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
                "python": platform.python_version(),
                "postgres": postgres,
                "load_before": round(load_before, 2),
            },
            "settings": {
                **asdict(arguments.size),
                "phases": list(arguments.phases),
                "seed": arguments.seed,
                "host": host if arguments.host else "a stack of its own",
            },
            "sides": list(sides),
            "lacks": list(lacks),
            "is_complete": False,
            "troubles": [],
            "reads": [],
            "not_asked": {},
            "idle": {"cpu_ms_per_s": {}, "rss_mib": {}},
            "mix": [],
            "routes": [],
            "journey": [],
            "curves": [],
        }
        return cls(folder, document)

    @property
    def path(self) -> Path:
        return self.folder / "result.json"

    def save(self) -> None:
        """Written aside and renamed: a reader never sees half of it."""
        aside = self.folder / ".result.json"
        aside.write_text(json.dumps(self.document, separators=(",", ":")) + "\n", encoding="utf-8")
        aside.replace(self.path)


def failures(document: dict[str, Any]) -> list[str]:
    """A sentence for each request or turn that failed, the same ones together; past a knee anything may."""
    found: dict[str, int] = {}
    for one in document["mix"]:
        named = sum(failure["count"] for failure in one.get("failures", ()))
        for failure in one.get("failures", ()):
            _count(found, f"{failure['route']} on {one['side']}: {failure['what']}", failure["count"])
        _count(found, f"some request of the mix on {one['side']}", one["failed"] - named)
    for one in document["routes"]:
        what = next((f": {each.get('what', each)}" for each in one.get("failures", ())), "")
        _count(found, f"{one['route']} on {one['side']}{what}", one["failed"])
    for one in document["journey"]:
        what = next((f": {each.get('what', each)}" for each in one.get("failures", ())), "")
        _count(found, f"a booking journey on {one['side']}{what}", one["failed"])
    for one in document["curves"]:
        if not one["is_past_knee"]:
            what = f"{one['what']} on {one['side']} at {one['rate_per_s']:g}/s, before the knee"
            _count(found, what, one["failed"])
    return [*document["troubles"], *(f"{count} times {what}" for what, count in found.items())]


def _count(found: dict[str, int], what: str, times: int) -> None:
    if times > 0:
        found[what] = found.get(what, 0) + times


def _commit() -> str | None:
    """None outside of a checkout of git."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"],  # ruff: ignore[start-process-with-partial-path] — git is where PATH says
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return None
    return done.stdout.strip() or None
