"""What makes a company's refund policy a fair and readable one: rules without I/O."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DEFAULT_REFUND_POLICY: dict[str, Any] = {
    "steps": [{"hours_before": 24, "percent": 90}, {"hours_before": 4, "percent": 50}]
}


def refund_policy_errors(steps: Sequence[Mapping[str, int]]) -> dict[str, list[str]]:
    """What is wrong with the steps, by dotted path: the later one cancels, the less comes back."""
    errors: dict[str, list[str]] = {}
    for index, (before, step) in enumerate(pairwise(steps), start=1):
        if step["hours_before"] >= before["hours_before"]:
            errors[f"refund_policy.steps.{index}.hours_before"] = [f"Must be below {before['hours_before']}."]
        if step["percent"] >= before["percent"]:
            errors[f"refund_policy.steps.{index}.percent"] = [f"Must be below {before['percent']}."]
    return errors
