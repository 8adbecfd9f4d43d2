"""JSON as every answer is written: instants in UTC with ``Z``, ids as text, nothing that loses precision."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson

from common.instants import format_instant


def dump_json(data: Any) -> bytes:
    """Raises TypeError for what has no place in an answer, a Decimal say: money is integers."""
    return orjson.dumps(data, default=_as_text, option=orjson.OPT_PASSTHROUGH_DATETIME)


def _as_text(value: object) -> str:
    if isinstance(value, UUID):
        return str(value)  # asyncpg's own subclass, which orjson does not take for one
    if isinstance(value, datetime):
        return format_instant(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in JSON here")
