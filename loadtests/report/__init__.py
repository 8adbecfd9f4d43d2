"""What a comparison of both sides has shown: from what was measured to verdicts, and pages that say them.

    verdicts = write_report(result, folder)

writes report.html, report.json and report.md. No I/O but that: the same result makes the same report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loadtests.report import findings, machine_readable, markdown, page, result
from loadtests.report.findings import Verdicts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Verdicts", "write_report"]


def write_report(measured: Mapping[str, Any], folder: Path) -> Verdicts:
    """Of result.json's content. Raises UnknownFormatError for what another version wrote."""
    verdicts = findings.of(result.read(measured))
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (
        ("report.html", page.render(verdicts)),
        ("report.json", machine_readable.render(verdicts)),
        ("report.md", markdown.render(verdicts)),
    ):
        (folder / name).write_text(text, encoding="utf-8")
    return verdicts
