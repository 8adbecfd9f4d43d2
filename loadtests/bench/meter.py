"""What processes cost: CPU seconds by the kernel's clock of each, and memory that is theirs."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Meter:
    """CPU since the meter was made, by group; a process that was started meanwhile counts in full."""

    def __init__(self, groups: Mapping[str, Iterable[int]]) -> None:
        self._began = {name: _clocks(pids) for name, pids in groups.items()}

    def read(self, groups: Mapping[str, Iterable[int]]) -> dict[str, float]:
        """Seconds by group, of the processes that these groups have now."""
        return {
            name: sum(now - self._began.get(name, {}).get(pid, 0.0) for pid, now in _clocks(pids).items())
            for name, pids in groups.items()
        }


def of_ended_children(pid: int) -> float:
    """CPU seconds of those children of a process that have ended: sessions of PostgreSQL that are over."""
    after_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(after_name[13]) + int(after_name[14])) / os.sysconf("SC_CLK_TCK")


def of_own_ended_children() -> float:
    """CPU seconds of what this process has started and waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def resident_mib(pid: int) -> float:
    """Memory of the process in RAM, what it shares with others included."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(pid)


def _clocks(pids: Iterable[int]) -> dict[int, float]:
    found = {}
    for pid in pids:
        try:
            found[pid] = time.clock_gettime((~pid << 3) | 2)  # clock_getcpuclockid
        except OSError:
            continue  # it has ended
    return found
