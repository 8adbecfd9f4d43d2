"""The generator of whatever has a rate of its own, as one process that stays: it gets orders, one at a time.

It is started with the first order, and anew after it has died or was silent for too long.
"""

from __future__ import annotations

import json
import queue
import subprocess  # ruff: ignore[suspicious-subprocess-import] — our own program
import sys
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from loadtests.compare import children

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping, Sequence

MODULE: Final = ("loadtests.openloop", "attend")


class Attendant:
    """Not for two threads at once. Raises `children.Failed` for an order that came to nothing."""

    def __init__(self, *words: str, module: Sequence[str] = MODULE) -> None:
        self._argv = [sys.executable, "-m", *module, *words]
        self._process: subprocess.Popen[str] | None = None
        self._readers: list[threading.Thread] = []
        self._answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._said: deque[str] = deque(maxlen=children.LAST_WORDS)
        self._at_mark: Callable[[str], object] = lambda _line: None
        self._at_progress: Callable[[float], object] = lambda _share: None

    def obey(
        self,
        order: Mapping[str, Any],
        *,
        within_s: float,
        at_mark: Callable[[str], object] = lambda _line: None,
        at_progress: Callable[[float], object] = lambda _share: None,
    ) -> Any:
        """What it found. `at_mark` is called in a thread of its own, just when a window begins or ends."""
        self._at_mark, self._at_progress = at_mark, at_progress
        process = self._process or self._start()
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()
            line = self._answers.get(timeout=within_s)
        except queue.Empty:
            self.close()
            raise children.Failed(f"no answer within {within_s:.0f} s: {order}") from None
        except BrokenPipeError:
            line = None
        if line is None:
            self.close()
            raise children.Failed(self._said[-1] if self._said else "the generator ended and said nothing")
        try:
            answer = json.loads(line)
        except ValueError:  # it ended in the middle of it
            self.close()
            raise children.Failed(f"the generator ended in the middle of an answer: {line[:100]}") from None
        match answer:
            case {"found": found}:
                return found
            case {"unknown": str() as why}:
                raise children.NotOffered(why)
            case _:
                raise children.Failed(str(answer.get("cannot", line)))

    def close(self) -> None:
        """At any time; the next order starts it anew."""
        process, self._process = self._process, None
        if process is None:
            return
        children.end(process)
        for reader in self._readers:
            reader.join()
        for stream in (process.stdin, process.stdout, process.stderr):
            assert stream is not None
            try:
                stream.close()
            except BrokenPipeError:  # an order that it has not read
                continue

    def _start(self) -> subprocess.Popen[str]:
        self._answers, self._said = queue.SimpleQueue(), deque(maxlen=children.LAST_WORDS)
        process = self._process = children.start(self._argv, subprocess.PIPE)
        assert process.stdout is not None
        assert process.stderr is not None
        answers, said = self._answers, self._said
        self._readers = [
            children.reading(process.stdout, self._heard, at_end=lambda: answers.put(None)),
            children.reading(process.stderr, lambda line: children.hear(line, said, self._progress)),
        ]
        return process

    def _progress(self, share: float) -> None:
        self._at_progress(share)  # of the order that is on

    def _heard(self, line: str) -> None:
        if line in children.MARKS:
            self._at_mark(line)
        else:
            self._answers.put(line)
