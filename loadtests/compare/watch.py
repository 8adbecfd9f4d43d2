"""Reading the stack's processes once a second while something else goes on, and at chosen moments."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from loadtests.compare import processes
from loadtests.compare.windows import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

EVERY_S: Final = 1.0


class Watch:
    """Reads in a thread of its own; `read_now` may be called from any."""

    def __init__(self, roots: Callable[[], Mapping[str, int]]) -> None:
        self._roots = roots()
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self.record = Record()

    @contextmanager
    def running(self) -> Generator[Watch]:
        thread = threading.Thread(target=self._go_on, name="watch", daemon=True)
        self.read_now()
        thread.start()
        try:
            yield self
        finally:
            self._ending.set()
            thread.join()
            self.read_now()

    def read_now(self) -> float:
        """Answers the reading's instant, in Unix time."""
        with self._lock:
            reading = processes.read(self._roots)
            self.record.add(reading)
        return reading.at

    def _go_on(self) -> None:
        while not self._ending.wait(EVERY_S):
            self.read_now()
