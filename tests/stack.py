"""Stacks that tests stand on: started by the code that `make run` uses, shared by all workers of a test run.

The controller of a test run makes one short folder and hands it to its workers; whoever needs a stack
first starts it there under a file lock. Each runner watches the controller, so that none outlives it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy.local import control, lock
from deploy.local.folders import CHECKOUT, Folders, folders_of
from deploy.local.marks import started

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

ADMIN_EMAIL = "admin@banyan.example"
ADMIN_PASSWORD = "correct-horse-battery"

_FOLDER = "BANYAN_TEST_FOLDER"
_OWNER = "BANYAN_TEST_OWNER"
_PREFIX = "banyan-test-"
_MEMORY = Path("/dev/shm")
_ROOM = 4 << 30
_START_WITHIN_S = 120.0
_STOP_WITHIN_S = 40.0

# Every test comes from one address and logs in all the time.
_TEST_ENVIRONMENT = {
    "BANYAN_ADMIN_PASSWORD": ADMIN_PASSWORD,
    "BANYAN_GATEWAY_GUESS_RATE": "10000r/s",
    "BANYAN_GATEWAY_GUESS_BURST": "10000",
    "BANYAN_LOGIN_FAILURES_PER_ADDRESS": "0",
    "BANYAN_REGISTRATIONS_PER_ADDRESS": "0",
    "BANYAN_LOG_FORMAT": "json",
    # On a busy machine a listener may take longer than a person would wait; the tests rely on what it hears.
    "BANYAN_SEEN_WITHIN_MS": "10000",
}


@dataclass(frozen=True, slots=True)
class RunningStack:
    """A stack that is up; the hooks are for tests of what happens when one process is not."""

    folders: Folders
    facts: Mapping[str, Any]

    @property
    def gateway_url(self) -> str:
        return str(self.facts["gateway_url"])

    @property
    def strangler_url(self) -> str:
        return str(self.facts["strangler_url"])

    @property
    def strangler_admin_url(self) -> str:
        return str(self.facts["strangler_admin_url"])

    @property
    def legacy_url(self) -> str:
        return str(self.facts["legacy_url"])

    @property
    def processes(self) -> list[str]:
        """The applications behind the strangler, as this stack has them."""
        return [name for name in self.status() if name == "legacy" or name.endswith("-service")]

    def process_url(self, name: str) -> str:
        return self.legacy_url if name == "legacy" else self.service_urls[name.removesuffix("-service")]

    @property
    def service_urls(self) -> dict[str, str]:
        """Each service's own address, by domain."""
        return dict(self.facts["service_urls"])

    @property
    def redis_url(self) -> str:
        return str(self.facts["redis_url"])

    @property
    def admin_dsn(self) -> str:
        """PostgreSQL as its superuser."""
        return str(self.facts["admin_dsn"])

    @property
    def admin_email(self) -> str:
        return ADMIN_EMAIL

    @property
    def admin_password(self) -> str:
        return ADMIN_PASSWORD

    @property
    def mail_dir(self) -> Path:
        return Path(self.facts["mail_dir"])

    @property
    def logs_dir(self) -> Path:
        return Path(self.facts["logs_dir"])

    @property
    def environment(self) -> dict[str, str]:
        """What the processes are told in common: public URL, key files, secrets."""
        return dict(self.facts["environment"])

    def dsn(self, name: str) -> str:
        """A database as its own role, by its name (`db_legacy`) or its owner's (`legacy`)."""
        databases = self.facts["databases"]
        return str(databases[name if name in databases else f"db_{name}"])

    def stop(self, name: str) -> None:
        """Stop one process in an orderly way and leave it stopped."""
        self._order("stop", name)

    def start(self, name: str) -> None:
        """Start one process again; returns when it is ready."""
        self._order("start", name)

    def restart(self, name: str) -> None:
        self._order("restart", name)

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send one process a signal as a crash would come; the runner starts it again. Answers its pid."""
        return int(self._order("kill", name, signal=number.name)["pid"])

    def status(self) -> dict[str, dict[str, Any]]:
        """By process: state, pid, restarts."""
        return {part["name"]: part for part in self._order("status", "")["parts"]}

    def wait_until_ready(self, name: str, *, restarts: int = 0, within_s: float = 30.0) -> None:
        """Wait until the runner has brought a process back, at least for the given number of times."""
        deadline = time.monotonic() + within_s
        while (part := self.status()[name])["state"] != "ready" or part["restarts"] < restarts:
            assert time.monotonic() < deadline, f"{name} is {part}"
            time.sleep(0.02)

    def _order(self, do: str, name: str, **more: Any) -> dict[str, Any]:
        return control.order(self.folders.control, do, name, **more)


def open_test_folder() -> Path:
    """Called by the controller before it starts workers, who then inherit the folder's name."""
    for place in {_MEMORY, Path(tempfile.gettempdir())}:
        for old in place.glob(f"{_PREFIX}*"):
            _remove_if_left_behind(old)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_MEMORY if _has_room(_MEMORY) else None))
    folder.chmod(0o711)  # PostgreSQL of a root test run steps down to a user who must get in
    (folder / "owner").write_text(json.dumps([os.getpid(), started(os.getpid())]), encoding="utf-8")
    os.environ[_FOLDER] = str(folder)
    os.environ[_OWNER] = str(os.getpid())
    return folder


def _has_room(place: Path) -> bool:
    """Whether databases and all may lie in memory, and programs beside them.

    More than a thousand databases are made and dropped, of three hundred files each. That is most of what
    the servers do on a disk, above all on one whose file system looks for long for a number to give a file.
    Whoever names a folder for temporary files in TMPDIR is obeyed.
    """
    if "TMPDIR" in os.environ or not os.access(place, os.W_OK | os.X_OK):
        return False
    found = os.statvfs(place)
    return found.f_bavail * found.f_frsize >= _ROOM and not found.f_flag & os.ST_NOEXEC


def _remove_if_left_behind(folder: Path) -> None:
    """A killed test run's stacks end by themselves; its folder stays until the next run."""
    with contextlib.suppress(OSError, ValueError):
        pid, since = json.loads((folder / "owner").read_text(encoding="utf-8"))
        if started(pid) != since:
            shutil.rmtree(folder, ignore_errors=True)


def close_test_folder(folder: Path) -> None:
    """Called by the controller when all workers are done, however the run ended."""
    for state in folder.iterdir():
        if (state / "run" / "lock").exists():
            stop_stack(folders_of(state))
    if os.environ.get("BANYAN_KEEP_TEST_FOLDER"):
        sys.stderr.write(f"\nkept {folder}\n")
    else:
        shutil.rmtree(folder, ignore_errors=True)


def test_folder() -> Path:
    return Path(os.environ[_FOLDER])


@contextlib.contextmanager
def one_at_a_time(name: str) -> Generator[None]:
    """A lock between the workers of this test run."""
    with (test_folder() / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def shared_stack(name: str, *arguments: str) -> RunningStack:
    """The stack of this name; started by whoever comes first."""
    folders = folders_of(test_folder() / name)
    with one_at_a_time(name):
        if not folders.stack.exists():
            start_stack(folders, *arguments)
    return read_stack(folders)


def read_stack(folders: Folders) -> RunningStack:
    return RunningStack(folders, json.loads(folders.stack.read_text(encoding="utf-8")))


def start_stack(
    folders: Folders, *arguments: str, env: Mapping[str, str] | None = None, python: str = sys.executable
) -> RunningStack:
    """Start a runner that ends with this test run, and wait until its stack is up."""
    folders.state.mkdir(parents=True, exist_ok=True)
    said = folders.state / "runner.txt"
    argv = [python, "-m", "deploy.local", "--state", str(folders.state), "run", "--port", "0", "--fast"]
    argv += ["--owner", os.environ[_OWNER], *arguments]
    pid = spawn(argv, said, env or {})
    deadline = time.monotonic() + _START_WITHIN_S
    while not folders.stack.exists():
        if started(pid) is None or time.monotonic() > deadline:
            raise AssertionError(f"the stack did not start:\n{said.read_text(encoding='utf-8')[-6000:]}")
        time.sleep(0.02)
    return read_stack(folders)


def spawn(argv: list[str], said: Path, env: Mapping[str, str]) -> int:
    """A process in a group of its own, so that Ctrl-C reaches the tests and not what they stand on.

    A subprocess.Popen would complain of being forgotten while its process runs, which is what is wanted here.
    """
    output = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return os.posix_spawn(
            argv[0],
            argv,
            {**os.environ, **_TEST_ENVIRONMENT, "PYTHONPATH": str(CHECKOUT), **env},
            file_actions=[(os.POSIX_SPAWN_DUP2, output, 1), (os.POSIX_SPAWN_DUP2, output, 2)],
            setpgroup=0,
        )
    finally:
        os.close(output)


def stop_stack(folders: Folders) -> None:
    """Ask the runner to end, wait, and kill it if it does not; its guardian does the rest then."""
    pid = lock.holder(folders.lock)
    if not pid:
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + _STOP_WITHIN_S
        while lock.holder(folders.lock) is not None and time.monotonic() < deadline:
            _reap(pid)
            time.sleep(0.02)
        if lock.holder(folders.lock) is None:
            break
    _reap(pid)


def _reap(pid: int) -> None:
    """It may be a child of this very process."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
