"""What is wrong with a feed, each fault at its place; pure, as the process that parses needs it."""

from __future__ import annotations

MOST_FAULTS = 100


class FeedError(Exception):
    """The feed cannot be imported; `errors` maps `file:line:column` to messages."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__(f"{len(errors)} faults, first: {next(iter(errors.items()), '')}")
        self.errors = errors


class Faults:
    """Collects faults until there are enough of them."""

    def __init__(self) -> None:
        self.errors: dict[str, list[str]] = {}

    def add(self, file: str, line: int, column: str, message: str) -> None:
        """Note a fault; raises FeedError once there are MOST_FAULTS."""
        self.errors.setdefault(f"{file}:{line}:{column}", []).append(message)
        if len(self.errors) >= MOST_FAULTS:
            raise FeedError(self.errors)

    def stop_if_any(self) -> None:
        """Raise FeedError if something was noted."""
        if self.errors:
            raise FeedError(self.errors)
