"""What the processes print: to a file each, and with a prefix to the terminal."""

from __future__ import annotations

import sys
import time
from collections import deque
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_COLOURS: Final = (36, 33, 32, 35, 34, 31, 96, 93, 92, 95, 94)
_LARGEST_FILE: Final = 20 * 1024 * 1024
_LAST_LINES: Final = 40
_LONGEST_LINE: Final = 64 * 1024


def wants_colour(stream: BinaryIO, env: Mapping[str, str]) -> bool:
    """Only on a terminal, and not where https://no-color.org is asked for."""
    return stream.isatty() and not env.get("NO_COLOR") and env.get("TERM") != "dumb"


class Terminal:
    """One line at a time, each with the name of who said it; falls silent when nobody reads any more."""

    def __init__(self, stream: BinaryIO | None, *, colour: bool = False, width: int = 9) -> None:
        self._stream = stream
        self._colour = colour
        self._width = width
        self._colours: dict[str, int] = {}

    def line(self, name: str, text: bytes) -> None:
        if self._stream is None:
            return
        prefix = f"{name:<{self._width}} │ "
        if self._colour:
            number = self._colours.setdefault(name, _COLOURS[len(self._colours) % len(_COLOURS)])
            prefix = f"\x1b[{number}m{prefix}\x1b[0m"
        self._write(prefix.encode() + text + b"\n")

    def plain(self, text: str) -> None:
        self._write(text.encode() + b"\n")

    def _write(self, data: bytes) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(data)
            self._stream.flush()
        except (BrokenPipeError, OSError):
            self._stream = None


class ProcessLog:
    """Splits what one process writes into lines; keeps the last ones for when it fails."""

    def __init__(self, name: str, path: Path, terminal: Terminal) -> None:
        self.name = name
        self.path = path
        self.last: deque[str] = deque(maxlen=_LAST_LINES)
        self.aloud = True
        self._terminal = terminal
        self._rest = b""
        self._turn_over()
        self._file = path.open("ab", buffering=0)
        self._size = path.stat().st_size

    def feed(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._line(line)
        if len(self._rest) > _LONGEST_LINE:
            self.end()

    def end(self) -> None:
        """The stream ended: what is left is a line too."""
        if self._rest:
            self._line(self._rest)
            self._rest = b""

    def say(self, text: str) -> None:
        """A line of the runner's about this process."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
        self._record(f"{moment}Z runner: {text}".encode())
        self._terminal.line(self.name, text.encode())

    def close(self) -> None:
        self.end()
        self._file.close()

    def _line(self, line: bytes) -> None:
        line = line.rstrip(b"\r")
        self._record(line)
        if self.aloud:
            self._terminal.line(self.name, line)

    def _record(self, line: bytes) -> None:
        self.last.append(line.decode(errors="replace"))
        try:
            self._file.write(line + b"\n")
        except OSError as error:  # a full disk must not end the runner as well
            print(f"{self.path}: {error.strerror}", file=sys.stderr)  # ruff: ignore[print] — the last way to be heard
        self._size += len(line) + 1
        if self._size > _LARGEST_FILE:
            self._file.close()
            self._turn_over()
            self._file = self.path.open("ab", buffering=0)
            self._size = 0

    def _turn_over(self) -> None:
        if self.path.exists() and self.path.stat().st_size > _LARGEST_FILE // 4:
            self.path.replace(self.path.with_name(self.path.name + ".1"))
