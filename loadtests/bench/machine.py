"""The machine under a benchmark:

processes that are started and surely ended, free ports, cores, CPU clocks.
"""

import asyncio
import os
import socket
import subprocess  # ruff: ignore[suspicious-subprocess-import] — the peers are processes
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cores:
    """Where the proxy runs, and where all the rest does.

    On one core they share it, and the figures say so.
    """

    proxy: int
    others: int

    @classmethod
    def here(cls) -> "Cores":
        usable = sorted(os.sched_getaffinity(0))
        return cls(proxy=usable[-1], others=usable[0])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def started(
    command: Sequence[str], *, core: int, log: Path, env: dict[str, str] | None = None
) -> Generator[subprocess.Popen[bytes]]:
    """A process pinned to a core for the length of the block; its output goes to `log`."""
    with log.open("ab") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env=env, start_new_session=True)  # ruff: ignore[subprocess-without-shell-equals-true] — our own commands
    try:
        os.sched_setaffinity(process.pid, {core})
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def answers(port: int, *, within_s: float = 15.0) -> None:
    """Wait until something accepts connections on the port; TimeoutError if nothing does."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            if time.monotonic() > deadline:
                raise TimeoutError(f"nothing listens on port {port} after {within_s:.0f} s") from None
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return


def family(pid: int) -> list[int]:
    """The process and its descendants."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            parents.setdefault(parent, []).append(int(entry.name))
    found, latest = [pid], [pid]
    while latest:
        latest = [child for one in latest for child in parents.get(one, ())]
        found += latest
    return found


def pin(pid: int, core: int) -> None:
    for one in family(pid):
        os.sched_setaffinity(one, {core})


def cpu_s(pids: Sequence[int]) -> float:
    """CPU seconds of these processes so far, by the kernel's clock of each (clock_getcpuclockid)."""
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)


def python() -> str:
    return sys.executable


def load_average() -> float:
    """How many processes wanted a core, over the last minute: others' work as well."""
    return os.getloadavg()[0]
