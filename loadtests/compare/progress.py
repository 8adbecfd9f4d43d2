"""How far it is: a bar where somebody looks, one line for each phase where nobody does."""

from __future__ import annotations

import time
from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from rich.console import Console

    from loadtests.compare.plan import Turn


class Bar:
    """Counts in seconds of the plan, which is what the remaining time is reckoned by."""

    def __init__(self, console: Console, planned: Sequence[Turn]) -> None:
        self._console = console
        self._total = sum(turn.seconds for turn in planned)
        self._phases: dict[str, float] = defaultdict(float)
        for turn in planned:
            self._phases[turn.phase] += turn.seconds
        self._done = 0.0
        self._now = 0.0
        self._phase = ""
        self._began = time.monotonic()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task("", total=self._total)

    @contextmanager
    def shown(self) -> Generator[Bar]:
        with self._bar:
            yield self

    def say(self, text: str) -> None:
        """A line that stays."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def begin(self, turn: Turn) -> None:
        self._now = turn.seconds
        if turn.phase != self._phase:
            self._phase = turn.phase
            if not self._console.is_terminal:
                elapsed = time.monotonic() - self._began
                self.say(f"{elapsed:5.0f} s  {turn.phase}, about {self._phases[turn.phase]:.0f} s …")
        words = filter(None, (turn.phase, turn.what, turn.side and f"on {turn.side}", f"round {turn.round}"))
        self._bar.update(self._task, description=", ".join(words))

    def advance(self, share: float) -> None:
        """Of the turn that is on."""
        self._bar.update(self._task, completed=self._done + share * self._now)

    def end(self) -> None:
        self._done += self._now
        self._bar.update(self._task, completed=self._done)
