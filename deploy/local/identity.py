"""Under which user PostgreSQL runs: it refuses root, so a root runner has to step down for it.

An ordinary user runs everything as itself. As root there are three ways, tried in this order: step down to
the owner of the checkout or to `nobody`, if that user can reach the state folder and the binaries; a user
namespace, in which root appears as another uid, if the kernel allows one; and stepping down with the data
kept under /var/tmp.
"""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import shutil
import stat
import subprocess  # ruff: ignore[suspicious-subprocess-import] — fixed commands only
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Identity = tuple[int, int] | Literal["own-namespace"] | None
_NOBODY = 65534


@dataclass(frozen=True, slots=True)
class Standing:
    """How a server that refuses root is started, and whether what it needs has to move for it."""

    identity: Identity
    elsewhere: bool = False
    """The state folder cannot be reached by the identity: data and sockets have to lie under /var/tmp."""

    @property
    def owner(self) -> tuple[int, int] | None:
        """Who must own the server's files, or None if whoever made them will do."""
        if self.identity == "own-namespace":
            return (os.getuid(), os.getgid())
        return self.identity


def standing_for(state: Path, checkout: Path) -> Standing:
    """The best way for this user and this place."""
    if os.getuid() != 0:
        return Standing(None)
    lesser = lesser_user(checkout)
    if can_reach(state, lesser):
        return Standing(lesser)
    if can_enter_namespace():
        return Standing("own-namespace")
    return Standing(lesser, elsewhere=True)


def lesser_user(checkout: Path) -> tuple[int, int]:
    """The checkout's owner if that is an ordinary user, else nobody."""
    found = checkout.stat()
    if found.st_uid != 0:
        return found.st_uid, found.st_gid
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        return _NOBODY, _NOBODY
    return nobody.pw_uid, nobody.pw_gid


def user_name(uid: int) -> str:
    """The name of a user for nginx, which takes no numbers."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return "nobody"


def group_name(gid: int) -> str:
    """The name of a group for nginx, which takes no numbers."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return "nogroup"


def can_reach(path: Path, who: tuple[int, int]) -> bool:
    """Whether the user may pass every folder on the way to `path` and enter it."""
    path = path.resolve()
    return all(_may_enter(folder, who) for folder in (path, *path.parents) if folder.exists())


def _may_enter(folder: Path, who: tuple[int, int]) -> bool:
    found = folder.stat()
    uid, gid = who
    if found.st_uid == uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


def can_enter_namespace() -> bool:
    """Tried and not looked up: containers, sysctls and security modules all have a say."""
    if sys.platform != "linux":
        return False
    trial = (
        "import runpy, sys; launch = runpy.run_path(sys.argv[1], run_name='trial');"
        "launch['enter_user_namespace'](); import os; sys.exit(os.geteuid() == 0)"
    )
    launcher = str(Path(__file__).with_name("launch.py"))
    answer = subprocess.run(  # ruff: ignore[subprocess-without-shell-equals-true] — our own interpreter and our own file
        [sys.executable, "-I", "-S", "-c", trial, launcher], capture_output=True, check=False
    )
    return answer.returncode == 0


def give(folder: Path, owner: tuple[int, int]) -> None:
    """Make a folder and all in it the owner's; quick when it already is."""
    found = folder.lstat()
    if (found.st_uid, found.st_gid) == owner:
        return
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            with contextlib.suppress(FileNotFoundError):
                os.chown(Path(parent, name), *owner, follow_symlinks=False)
    os.chown(folder, *owner)


def copy_for(who: tuple[int, int], sources: tuple[Path, ...], destination: Path) -> None:
    """Copy folders side by side to a place that `who` can read, once."""
    if destination.exists():
        return
    aside = destination.with_name(f".{destination.name}.{os.getpid()}")
    shutil.rmtree(aside, ignore_errors=True)
    for source in sources:
        shutil.copytree(source, aside / source.name, symlinks=True)
    give(aside, who)
    aside.rename(destination)
