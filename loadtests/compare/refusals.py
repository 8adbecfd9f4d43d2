"""Why a comparison cannot begin, or cannot go on: what, why, and the next step."""

from __future__ import annotations


class Refused(Exception):  # ruff: ignore[error-suffix-on-exception-name] — it names the fact
    """Nothing was measured, or no more can be; `next_step` is what to do about it."""

    def __init__(self, reason: str, next_step: str = "") -> None:
        self.reason = reason
        self.next_step = next_step
        super().__init__(reason)
