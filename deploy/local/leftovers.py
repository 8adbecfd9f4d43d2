"""Ends what an earlier run left behind, found through its pid files. Standard library alone (see `marks`)."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING

from deploy.local.marks import Mark, group_members, is_alive, read_mark

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PATIENCE_S = 8.0


def sweep(pids: Path, patience_s: float = PATIENCE_S) -> list[str]:
    """Stop what the pid files name, last started first; answers the names of those that were alive."""
    ended = []
    for path, mark in sorted(_marks(pids), key=lambda found: -found[1].order):
        if is_alive(mark):
            ended.append(mark.name)
            _send(mark, mark.stop_signal)
            if not _wait(lambda mark=mark: not is_alive(mark), patience_s):  # type: ignore[misc]
                _send(mark, signal.SIGKILL)
                _wait(lambda mark=mark: not is_alive(mark), 2)  # type: ignore[misc]
        end_orphans(mark)
        path.unlink(missing_ok=True)
    return ended


def end_orphans(mark: Mark) -> None:
    """Kill children that a process left in its group."""
    for pid in group_members(mark):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def _marks(pids: Path) -> list[tuple[Path, Mark]]:
    if not pids.is_dir():
        return []
    found = []
    for path in pids.glob("*.json"):
        mark = read_mark(path)
        if mark is None:
            path.unlink(missing_ok=True)
        else:
            found.append((path, mark))
    return found


def _send(mark: Mark, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(mark.pid, number)


def _wait(condition: Callable[[], bool], patience_s: float) -> bool:
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
