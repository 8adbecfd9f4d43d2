"""The programs that make the load, each as a process of its own, so that its cost and its loop are its own.

They tell how far they are as lines of JSON on stderr, the window that counts by the lines `measuring` and
`measured` on stdout, and what they found in a file.
"""

from __future__ import annotations

import json
import subprocess  # ruff: ignore[suspicious-subprocess-import] — our own programs
import sys
import tempfile
import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from deploy.local.folders import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NOT_UNDERSTOOD: Final = 2
"""The exit code of a command line that is not understood (argparse)."""
MARKS: Final = ("measuring", "measured")
"""The lines that bracket the window that counts."""
STOPS_WITHIN_S: Final = 10.0
LAST_WORDS: Final = 8


class Failed(Exception):  # ruff: ignore[error-suffix-on-exception-name] — it names the fact
    """A program ended with an error; its last words are the message."""


class NotOffered(Failed):
    """The program does not know what it was told to do."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a program wrote; `complaint` is why it did not end well all the same, and "" if it did."""

    document: Any
    complaint: str = ""

    def whole(self) -> Any:
        """What it wrote, if that is all of it. Raises `Failed`."""
        if self.complaint:
            raise Failed(self.complaint)
        return self.document


def run(
    module: str,
    arguments: Sequence[str],
    *,
    within_s: float,
    at_line: Callable[[str], object] = lambda _line: None,
    at_progress: Callable[[float], object] = lambda _share: None,
) -> Outcome:
    """Run `python -m module … --out FILE` to its end and answer what it wrote. Raises `Failed` for nothing.

    `at_line` is called with each line of stdout as it comes, `at_progress` with the share that is done.
    """
    with tempfile.TemporaryDirectory(prefix="banyan-load-") as folder:
        out = Path(folder, "out.json")
        argv = [sys.executable, "-m", module, *arguments, "--out", str(out)]
        said: deque[str] = deque(maxlen=LAST_WORDS)
        process = start(argv, subprocess.DEVNULL)
        assert process.stdout is not None
        assert process.stderr is not None
        readers = [
            reading(process.stdout, at_line),
            reading(process.stderr, lambda line: hear(line, said, at_progress)),
        ]
        try:
            code = process.wait(within_s)
        except subprocess.TimeoutExpired:
            raise Failed(f"{module} did not end within {within_s:.0f} s") from None
        finally:
            end(process)
            for reader in readers:
                reader.join()
            process.stdout.close()
            process.stderr.close()
        last_words = said[-1] if said else f"{module} ended with {code} and said nothing"
        try:
            document = json.loads(out.read_text(encoding="utf-8"))
        except (OSError, ValueError):  # not written, or not to its end
            raise (NotOffered if code == NOT_UNDERSTOOD else Failed)(last_words) from None
        return Outcome(document, last_words if code else "")


def reading(
    stream: IO[str], each: Callable[[str], object], at_end: Callable[[], object] = lambda: None
) -> threading.Thread:
    """Calls in a thread of its own with each line as it comes."""

    def read() -> None:
        for line in stream:
            each(line.rstrip("\n"))
        at_end()

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread


def hear(line: str, said: deque[str], at_progress: Callable[[float], object]) -> None:
    """A line of stderr: how far the program is, or its last words so far."""
    try:
        told = json.loads(line)
    except ValueError:
        told = None
    match told:
        case {"done": int() | float() as done, "of": int() | float() as of}:
            at_progress(min(1.0, done / of) if of > 0 else 0.0)
        case {"note": _}:
            pass
        case _ if line.strip():
            said.append(line.strip())


def start(argv: Sequence[str], stdin: int) -> subprocess.Popen[str]:
    """In a session of its own: Ctrl-C reaches this process alone, which ends the other in its time."""
    return subprocess.Popen(  # ruff: ignore[subprocess-without-shell-equals-true] — our own
        argv,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        cwd=CHECKOUT,
    )


def end(process: subprocess.Popen[str]) -> None:
    """Asked to first."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOPS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
