"""Where the stack keeps its state: everything under one folder, so that two checkouts never meet.

Unix sockets have paths of about 100 bytes at most; where the state folder lies deeper than that, the
sockets alone move to a short folder under the temporary directory.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deploy.local.refusals import CannotStart

if TYPE_CHECKING:
    from collections.abc import Mapping

CHECKOUT: Final = Path(__file__).resolve().parents[2]
LONGEST_SOCKET_PATH: Final = 107 if sys.platform == "linux" else 103
_LONGEST_SOCKET_NAME: Final = len("/postgres/.s.PGSQL.65535.lock")


@dataclass(frozen=True, slots=True)
class Folders:
    """The state of one stack; `sockets` is inside it wherever the path is short enough."""

    root: Path
    state: Path
    sockets: Path

    @property
    def data(self) -> Path:
        return self.state / "data"

    @property
    def run(self) -> Path:
        return self.state / "run"

    @property
    def pids(self) -> Path:
        return self.run / "pids"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def secrets(self) -> Path:
        return self.state / "secrets"

    @property
    def mail(self) -> Path:
        return self.state / "mail"

    @property
    def gateway(self) -> Path:
        return self.run / "gateway"

    @property
    def strangler(self) -> Path:
        return self.data / "strangler"

    @property
    def lock(self) -> Path:
        return self.run / "lock"

    @property
    def guardian(self) -> Path:
        return self.run / "guardian.json"

    @property
    def stack(self) -> Path:
        """What the command line reads to find the running stack."""
        return self.run / "stack.json"

    @property
    def control(self) -> Path:
        return self.sockets / "control"


def folders_of(state: Path, root: Path = CHECKOUT) -> Folders:
    """The folders below `state`, without touching the disk."""
    state = state.absolute()
    sockets = state / "run"
    if len(os.fsencode(sockets)) + _LONGEST_SOCKET_NAME > LONGEST_SOCKET_PATH:
        name = hashlib.sha256(os.fsencode(state)).hexdigest()[:10]
        sockets = _short_temporary_folder() / f"banyan-{os.getuid()}-{name}"
    return Folders(root, state, sockets)


def local_folders(env: Mapping[str, str]) -> Folders:
    """Those of this checkout, unless BANYAN_LOCAL_DIR names others."""
    return folders_of(Path(env.get("BANYAN_LOCAL_DIR") or CHECKOUT / ".banyan"))


def make_folders(folders: Folders) -> None:
    """Create them all; raises CannotStart where one cannot be written or belongs to somebody else."""
    private = (folders.secrets, folders.mail, folders.pids)
    public = (folders.state, folders.run, folders.data, folders.logs, folders.gateway, folders.strangler)
    try:
        for folder in (*public, folders.sockets, *private):
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        for folder in private:
            folder.chmod(0o700)
        for folder in (*public, *private):
            _write_there(folder)
    except OSError as error:
        raise CannotStart(
            f"The folder {error.filename or folders.state} cannot be used: {error.strerror}. The stack "
            "keeps its "
            f"data, logs and sockets under {folders.state}; make it writable for this user (an earlier "
            "run as "
            "another user, such as root, may have created it), or choose another with BANYAN_LOCAL_DIR."
        ) from error
    if folders.sockets != folders.run:
        _refuse_a_strangers_folder(folders.sockets)


def remove_short_folder(folders: Folders) -> None:
    """Nothing is left under the temporary directory when nothing runs."""
    if folders.sockets != folders.run:
        shutil.rmtree(folders.sockets, ignore_errors=True)


def _write_there(folder: Path) -> None:
    with tempfile.TemporaryFile(dir=folder):
        pass


def _refuse_a_strangers_folder(folder: Path) -> None:
    """Under a world-writable /tmp anybody could have made it first."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise CannotStart(
            f"The folder {folder}, meant for this stack's sockets, belongs to somebody else or can be "
            "written by "
            "others. Remove it, or put the checkout under a shorter path so that it is not needed."
        )


def _short_temporary_folder() -> Path:
    chosen = Path(tempfile.gettempdir())
    return chosen if len(os.fsencode(chosen)) <= 40 else Path("/tmp")  # ruff: ignore[hardcoded-temp-file] — checked for its owner when made
