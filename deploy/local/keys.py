"""The signing keys of tokens and QR codes: two rings in the stack's secrets, made at the first start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from common.keyring import write_new_key

if TYPE_CHECKING:
    from pathlib import Path

    from deploy.local.folders import Folders

RINGS: Final = ("tokens", "qr")


def ring_file(secrets: Path, ring: str) -> Path:
    return secrets / f"{ring}-keys.json"


def make_rings(folders: Folders) -> None:
    """Give each ring its first key; a ring that exists is left alone."""
    for ring in RINGS:
        path = ring_file(folders.secrets, ring)
        if not path.exists():
            write_new_key(path)
