"""What the processes of a stack have cost so far, by the kernel's clocks, whatever ended meanwhile.

A process of the stack is a family: nginx and its workers, PostgreSQL and a backend for each connection. What
a member has used is its own clock (nanoseconds) and what its ended children have left it (ticks of 10 ms), so
a backend that ends between two readings is missing from neither.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PROC: Final = Path("/proc")
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")


class _Member(NamedTuple):
    parent: int
    of_ended_children_s: float


@dataclass(frozen=True, slots=True)
class Reading:
    """At one instant (Unix time): seconds of CPU and MiB in RAM by process of the stack."""

    at: float
    cpu_s: Mapping[str, float]
    rss_mib: Mapping[str, float]


def is_readable() -> bool:
    """Only Linux tells."""
    return (_PROC / "self" / "stat").exists()


def read(roots: Mapping[str, int]) -> Reading:
    """Of these processes, by name, and all their descendants."""
    members = dict(_members())
    families = {name: _family(pid, members) for name, pid in roots.items()}
    return Reading(
        at=time.time(),
        cpu_s={
            name: sum(_clock(pid) + members[pid].of_ended_children_s for pid in pids)
            for name, pids in families.items()
        },
        rss_mib={name: _resident_mib(pids) for name, pids in families.items()},
    )


def _members() -> Iterator[tuple[int, _Member]]:
    for entry in os.scandir(_PROC):
        if entry.name.isdigit():
            try:
                stat = Path(entry.path, "stat").read_text(encoding="utf-8", errors="replace")
            except (FileNotFoundError, ProcessLookupError):
                continue
            fields = stat.rpartition(")")[2].split()
            yield int(entry.name), _Member(int(fields[1]), (int(fields[13]) + int(fields[14])) / _TICKS_PER_S)


def _family(pid: int, members: Mapping[int, _Member]) -> list[int]:
    children: dict[int, list[int]] = {}
    for one, member in members.items():
        children.setdefault(member.parent, []).append(one)
    found = latest = [pid] if pid in members else []
    while latest:
        latest = [child for one in latest for child in children.get(one, ())]
        found = [*found, *latest]
    return found


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
