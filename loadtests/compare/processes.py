"""What the processes of a stack have cost so far, by the kernel's clocks, whatever ended meanwhile.

A process of the stack is a family: nginx and its workers, PostgreSQL and a backend for each connection. What
a member has used is its own clock (nanoseconds) and what its ended children have left it (ticks of 10 ms), so
a backend that ends between two readings is missing from neither.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_PROC: Final = Path("/proc")
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Reading:
    """At one instant (Unix time): seconds of CPU and MiB in RAM by process of the stack."""

    at: float
    cpu_s: Mapping[str, float]
    rss_mib: Mapping[str, float]


def is_readable() -> bool:
    """Only Linux tells."""
    return (_PROC / "self" / "task" / str(os.getpid()) / "children").exists()


def read(roots: Mapping[str, int], *, with_memory: bool = True) -> Reading:
    """Of these processes, by name, and all their descendants.

    It takes a millisecond or two, memory as long again: whoever reads at the ends of a short window leaves it
    away. All clocks are read together, after everything that takes long.
    """
    families = {name: _family(pid) for name, pid in roots.items()}
    of_ended = {name: sum(map(_of_ended_children_s, pids)) for name, pids in families.items()}
    return Reading(
        at=time.time(),
        cpu_s={name: of_ended[name] + sum(map(_clock, pids)) for name, pids in families.items()},
        rss_mib={name: _resident_mib(pids) for name, pids in families.items()} if with_memory else {},
    )


def _family(pid: int) -> list[int]:
    """With its descendants, asked from parent to child: not every process of the machine is looked at."""
    found = latest = [pid] if (_PROC / str(pid)).exists() else []
    while latest:
        latest = [child for one in latest for child in _children(one)]
        found = [*found, *latest]
    return found


def _children(pid: int) -> list[int]:
    """Of all its threads, each of which may have started some."""
    found: list[int] = []
    with suppress(FileNotFoundError, ProcessLookupError):  # it has ended: its children have other parents now
        for thread in os.scandir(f"/proc/{pid}/task"):
            found += map(int, Path(thread.path, "children").read_bytes().split())
    return found


def _of_ended_children_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(fields[13]) + int(fields[14])) / _TICKS_PER_S


def _clock(pid: int) -> float:
    try:
        return time.clock_gettime((~pid << 3) | 2)  # clock_getcpuclockid
    except OSError:
        return 0.0  # it has ended; what it used is with its parent at the next reading


def _resident_mib(pids: list[int]) -> float:
    """What is each member's own, and the most that any of them shares: PostgreSQL's buffers count once."""
    own = shared = 0
    for pid in pids:
        try:
            status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        kib = {
            line.partition(":")[0]: int(line.split()[1])
            for line in status.splitlines()
            if line.startswith(("RssAnon:", "RssFile:", "RssShmem:"))
        }
        own += kib.get("RssAnon", 0)
        shared = max(shared, kib.get("RssFile", 0) + kib.get("RssShmem", 0))
    return (own + shared) / 1024
