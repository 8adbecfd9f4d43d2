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
    from loadtests.report import Verdicts


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
            "saturation": [],
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


def failures(verdicts: Verdicts) -> list[str]:
    """A sentence for each turn that went wrong, and for each kind of failed request, as in the report."""
    return [
        *verdicts.result.troubles,
        *(
            f"{each.count} times {each.route} on {each.side} ({each.part}): {each.what}"
            for each in verdicts.failures
        ),
    ]


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
