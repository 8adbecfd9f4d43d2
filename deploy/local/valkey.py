"""A Valkey server of the stack's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy.local.binaries import Binary, find_valkey
from deploy.local.credentials import write_private
from deploy.local.parts import Command, Daemon
from deploy.local.readiness import by_ping

if TYPE_CHECKING:
    from pathlib import Path

    from deploy.local.folders import Folders


@dataclass(frozen=True, slots=True)
class Valkey:
    """One server, laid out but not started."""

    binary: Binary
    config: Path
    url: str

    def daemon(self, needs: tuple[str, ...]) -> Daemon:
        command = Command((str(self.binary.path), str(self.config)), folder=self.config.parent, aloud=False)
        return Daemon("valkey", command, by_ping(self.url), needs, str(self.binary))


def lay_out(folders: Folders, port: int, password: str, *, fast: bool) -> Valkey:
    """Write its configuration; the password is in a private file and not on a command line for all to see."""
    data = folders.data / "valkey"
    data.mkdir(exist_ok=True)
    lines = [
        "bind 127.0.0.1",
        f"port {port}",
        "protected-mode yes",
        f"requirepass {password}",
        f'dir "{data}"',
        "daemonize no",
        'save ""',
        f"appendonly {'no' if fast else 'yes'}",
        "appendfsync everysec",
        "databases 64",
        "maxmemory 256mb",
        "maxmemory-policy noeviction",  # flags and streams must never be dropped in silence
        "loglevel warning",
        'logfile ""',
    ]
    config = folders.secrets / "valkey.conf"
    write_private(config, "\n".join(lines) + "\n")
    return Valkey(find_valkey(), config, f"redis://:{password}@127.0.0.1:{port}/0")
