"""Knowing a process again: a pid alone is not enough, because pids are given out anew.

A mark is the pid with the moment the kernel started it. It must stay importable with the standard library
alone: the launcher and the guardian run with `-I -S`.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess  # ruff: ignore[suspicious-subprocess-import] — fixed commands only
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

LINUX = sys.platform == "linux"


@dataclass(frozen=True, slots=True)
class Mark:
    """A process that was started for a stack; `order` counts up as they start."""

    name: str
    pid: int
    started: str
    state: str
    stop_signal: int
    order: int

    def write(self, path: Path) -> None:
        """Written aside and renamed: a reader never sees half a mark."""
        aside = path.with_name(f".{path.name}.{os.getpid()}")
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(asdict(self), file)
        aside.replace(path)


def read_mark(path: Path) -> Mark | None:
    """The mark in a pid file, or None if it is gone or was never finished."""
    try:
        return Mark(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def started(pid: int) -> str | None:
    """When the process was started, as an opaque text; None if it does not run (a zombie does not)."""
    if not LINUX:
        return _started_by_ps(pid)
    fields = _stat_fields(pid)
    if fields is None or fields[0] in "ZX":
        return None
    return f"{_boot()}:{fields[19]}"


def is_alive(mark: Mark) -> bool:
    """Whether exactly this process still runs."""
    return started(mark.pid) == mark.started


def group_members(mark: Mark) -> list[int]:
    """Living processes of the mark's process group that carry the stack's state folder in their environment.

    For children that outlived their parent: the environment proves whose they are, a number alone would not.
    """
    if not LINUX:
        return []
    members = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        fields = _stat_fields(int(entry.name))
        if fields is None or fields[0] in "ZX" or int(fields[2]) != mark.pid:
            continue
        with contextlib.suppress(OSError):
            if f"BANYAN_LOCAL_DIR={mark.state}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                members.append(int(entry.name))
    return members


def command_of(pid: int) -> str:
    """The command line of a process for messages; empty if it cannot be read."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def _stat_fields(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat after the command: state, parent, group, …"""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (OSError, UnicodeDecodeError):
        return None


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8")[:8]
    except OSError:
        return ""


def _started_by_ps(pid: int) -> str | None:
    answer = subprocess.run(  # ruff: ignore[subprocess-without-shell-equals-true] — the pid is a number
        ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, since = answer.stdout.strip().partition(" ")
    return since.strip() if answer.returncode == 0 and not state.startswith("Z") else None
