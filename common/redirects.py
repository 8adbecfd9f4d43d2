"""Where a visitor may be sent on to after signing in: an address of this site, and nothing else."""

from __future__ import annotations

import re
from typing import Final

LONGEST: Final = 2000
# One slash and then anything visible in ASCII. Browsers read a second slash, or a backslash anywhere, as the
# start of a host, and drop tabs and line breaks before they do.
_LOCAL: Final = re.compile(r"/(?![/\\])[!-\[\]-~]*")

_HOMES: Final = {"operator": "/operator", "inspector": "/scan", "driver": "/scan", "admin": "/admin"}


def home_of(role: str) -> str:
    """Where somebody begins who has just signed in and was not on the way to anything."""
    return _HOMES.get(role, "/dashboard")


def local_path(wanted: str | None, default: str = "/") -> str:
    """The path with its query if it stays on this site, else the default."""
    if wanted and len(wanted) <= LONGEST and _LOCAL.fullmatch(wanted):
        return wanted
    return default
