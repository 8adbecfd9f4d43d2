"""Why the stack does not start: each is one paragraph for a person, shown without a traceback."""

from __future__ import annotations


class CannotStart(Exception):  # ruff: ignore[error-suffix-on-exception-name] — it names the fact
    """Something on this machine stands in the way; found before any process was started."""


class StartFailed(Exception):  # ruff: ignore[error-suffix-on-exception-name] — it names the fact
    """A process was started and did not become ready; what it said last is in the message."""


class AlreadyRunning(CannotStart):
    """Another runner holds this state folder."""
