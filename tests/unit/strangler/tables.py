"""Route tables for tests, from TOML text or from the repository's own file."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import strangler
from strangler.routing.table import RouteTable, load_table

ROUTES_FILE = Path(strangler.__file__).with_name("routes.toml")


@cache
def declared() -> RouteTable:
    return load_table(ROUTES_FILE)


def table_of(folder: Path, text: str) -> RouteTable:
    path = folder / "routes.toml"
    path.write_text(text, encoding="utf-8")
    return load_table(path)
