"""Instants on the wire: RFC 3339 in UTC with ``Z``, to the millisecond."""

import re
from datetime import UTC, datetime
from typing import Final

_RFC3339: Final = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)", re.IGNORECASE
)


def format_instant(moment: datetime) -> str:
    """``2030-01-31T09:30:00Z``, or with milliseconds if it has some; ValueError if it has no time zone."""
    if moment.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    precision = "milliseconds" if moment.microsecond >= 1000 else "seconds"
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=precision) + "Z"


def parse_instant(text: str) -> datetime:
    """An instant with any offset, in UTC; raises ValueError for everything else."""
    if _RFC3339.fullmatch(text) is None:
        raise ValueError("not an RFC 3339 instant with an offset")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("not an instant that exists") from error
