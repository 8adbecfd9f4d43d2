from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from common.keyring import KeyRing, write_new_key

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    write_new_key(path)
    return path


@pytest.fixture
def ring(key_file: Path) -> KeyRing:
    return KeyRing.from_file(key_file)
