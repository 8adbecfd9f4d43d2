"""Which ports a stack takes, all derived from the public one, and who holds one that is taken."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import random
import re
import shutil
import socket
import subprocess  # ruff: ignore[suspicious-subprocess-import] — fixed commands only
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deploy.local.marks import LINUX, command_of

if TYPE_CHECKING:
    from collections.abc import Generator

DESIGN_PORT: Final = 8080
_BLOCK: Final = 100
_BLOCKS: Final = 110
_FIRST: Final = 10_000
"""Blocks of internal ports start here, those of tests follow; all below what outgoing connections take."""
_EPHEMERAL_TRIES: Final = 200

# The place of each process in its block, which starts at 8000 for the public port 8080.
OFFSETS: Final = {
    "strangler": 0,
    "auth": 1,
    "user": 2,
    "company": 3,
    "ticketing": 4,
    "qr": 5,
    "payment": 6,
    "legacy": 10,
    "console": 20,
    "sync": 30,
    "strangler-admin": 40,
    "postgres": 54,
    "valkey": 63,
}


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that listens on a port, as far as this user may see."""

    pid: int | None
    command: str

    def __str__(self) -> str:
        if self.pid is None:
            return "a process that this user may not look at"
        return f"pid {self.pid} ({self.command[:120] or 'unreadable'})"


def ports_for(public: int) -> dict[str, int]:
    """Every port of the stack with this public one; of 110 neighbours no two share a block."""
    base = _FIRST + (public - DESIGN_PORT) % _BLOCKS * _BLOCK
    if public == DESIGN_PORT:
        base = 8000
    elif base <= public < base + _BLOCK:
        base += _BLOCK  # the public port must not be one of the internal ones
    return {"gateway": public} | {name: base + offset for name, offset in OFFSETS.items()}


@contextlib.contextmanager
def free_ports(rng: random.Random | None = None) -> Generator[dict[str, int]]:
    """A whole block for a stack of tests; nobody else is given it while the context is open."""
    rng = rng or random.SystemRandom()
    folder = Path(tempfile.gettempdir()) / f"banyan-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    for _ in range(_EPHEMERAL_TRIES):
        base = _FIRST + (_BLOCKS + 1 + rng.randrange(_BLOCKS)) * _BLOCK
        with (folder / str(base)).open("wb") as reservation:
            try:
                fcntl.flock(reservation, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            ports = {"gateway": base + 80} | {name: base + offset for name, offset in OFFSETS.items()}
            if not any(is_taken(host, port) for port in ports.values() for host in ("127.0.0.1", "")):
                yield ports
                return
    raise OSError(errno.EADDRINUSE, "no block of a hundred ports is free")


def is_taken(host: str, port: int) -> bool:
    """Whether somebody listens there; raises PermissionError for a port that this user may not open."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if trial.family == socket.AF_INET6:
            trial.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            trial.bind((host, port))
            trial.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return True
            if error.errno == errno.EACCES:
                raise PermissionError(f"port {port}") from error
            raise
    return False


def loopback_hosts() -> tuple[str, ...]:
    """What browsers try for `localhost`: ::1 as well where the machine has it."""
    if socket.has_ipv6:
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as trial:
            trial.bind(("::1", 0))
            return ("127.0.0.1", "::1")
    return ("127.0.0.1",)


def holder_of(port: int) -> Holder:
    """Who listens on a TCP port."""
    pid = _pid_by_proc(port) if LINUX else _pid_by_lsof(port)
    return Holder(pid, command_of(pid) if pid is not None else "")


def _pid_by_proc(port: int) -> int | None:
    inodes = set()
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in Path("/proc/net", table).read_text(encoding="utf-8").splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                    inodes.add(f"socket:[{fields[9]}]")
    holders = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            for descriptor in (process / "fd").iterdir():
                with contextlib.suppress(OSError):
                    if str(descriptor.readlink()) in inodes:
                        holders.append(int(process.name))
                        break
    return min(holders, default=None)


def _pid_by_lsof(port: int) -> int | None:
    lsof = shutil.which("lsof")
    if lsof is None:
        return None
    answer = subprocess.run(  # ruff: ignore[subprocess-without-shell-equals-true] — a fixed command, the port is a number
        [lsof, "-nP", "-t", f"-iTCP:{port}", "-sTCP:LISTEN"], capture_output=True, text=True, check=False
    )
    found = re.match(r"\d+", answer.stdout)
    return int(found[0]) if found else None
