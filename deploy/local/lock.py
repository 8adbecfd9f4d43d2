"""One runner for a state folder: the kernel lets go of the lock however the runner ends."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from typing import TYPE_CHECKING, Self

from deploy.local.marks import started
from deploy.local.refusals import AlreadyRunning

if TYPE_CHECKING:
    from pathlib import Path


class StateLock:
    """Held from before anything is looked at until everything has stopped."""

    def __init__(self, path: Path, url: str) -> None:
        self._path = path
        self._url = url
        self._descriptor = -1

    def __enter__(self) -> Self:
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise AlreadyRunning(
                f"This checkout's stack is running already ({describe(self._path)}). Use it, or end it with "
                "`make stop`."
            ) from None
        holder = {"pid": os.getpid(), "started": started(os.getpid()), "url": self._url}
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, json.dumps(holder).encode(), 0)
        return self

    def __exit__(self, *_exc: object) -> None:
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)


def holder(path: Path) -> int | None:
    """The pid of the runner that holds the lock now, or None."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        held = _read(path)
        pid = held.get("pid")
        return pid if isinstance(pid, int) and started(pid) == held.get("started") else 0
    else:
        return None
    finally:
        os.close(descriptor)


def describe(path: Path) -> str:
    """Who holds it, in words."""
    held = _read(path)
    return f"pid {held.get('pid', 'unknown')}, {held.get('url', 'address unknown')}"


def _read(path: Path) -> dict[str, object]:
    with contextlib.suppress(OSError, ValueError):
        read = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(read, dict):
            return read
    return {}
