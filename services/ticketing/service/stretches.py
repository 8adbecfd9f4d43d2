"""What is a stretch of a route: checked where somebody names one."""

from __future__ import annotations

from common.problems import ValidationFailed


def check_stretch(from_seq: int, to_seq: int, last_seq: int, from_name: str, to_name: str) -> None:
    """Raise ValidationFailed, naming the fields, unless it is a stretch of a route with that last stop."""
    if not 0 <= from_seq < last_seq:
        raise ValidationFailed({from_name: [f"The stops to board at are 0 to {last_seq - 1}."]})
    if not from_seq < to_seq <= last_seq:
        raise ValidationFailed({to_name: [f"The stops to get off at are {from_seq + 1} to {last_seq}."]})
