"""What was done at an earlier start and need not be done again: a warm start is quick because of it.

Each stamp is a digest of what the work was made from. Losing the file costs time and no more, since every
step can run again; databases that are new throw all stamps away.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Stamps:
    """Digest by name, in one file of the data folder."""

    path: Path

    def has(self, name: str, digest: str) -> bool:
        return self._read().get(name) == digest

    def put(self, name: str, digest: str) -> None:
        self._write({**self._read(), name: digest})

    def forget_all(self) -> None:
        self._write({})

    def _read(self) -> dict[str, str]:
        try:
            read = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return read if isinstance(read, dict) else {}

    def _write(self, stamps: dict[str, str]) -> None:
        self.path.write_text(json.dumps(stamps, indent=1), encoding="utf-8")


def digest_of(*folders: Path) -> str:
    """Of the names and contents of all their files."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                content = path.read_bytes()
                digest.update(f"{path.relative_to(folder)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()
