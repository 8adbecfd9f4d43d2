"""What the tests of the routing share: route tables, and how hypothesis is to run."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from hypothesis import HealthCheck, settings

import strangler
from strangler.routing.table import RouteTable, load_table

# How fast this machine is right now is no property of a rule.
at_any_speed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

ROUTES_FILE = Path(strangler.__file__).with_name("routes.toml")


@cache
def declared() -> RouteTable:
    return load_table(ROUTES_FILE)


def table_of(folder: Path, text: str) -> RouteTable:
    path = folder / "routes.toml"
    path.write_text(text, encoding="utf-8")
    return load_table(path)
