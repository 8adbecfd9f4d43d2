"""Becomes a process of the stack: writes its pid file, steps down from root if told to, then execs.

It runs as `python -I -S launch.py JSON` with the standard library alone. Because the pid file is written by
the process itself before it is anything else, there is no moment at which it runs and nobody could find it.
On Linux the kernel is also asked to stop it when the runner dies.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from deploy.local.marks import LINUX, Mark, started

_PR_SET_PDEATHSIG = 1
_CLONE_NEWUSER = 0x10000000


def main() -> None:
    """Never returns: execs, or ends with a message on stderr."""
    order = json.loads(sys.argv[1])
    since = started(os.getpid())
    assert since is not None
    mark = Mark(order["name"], os.getpid(), since, order["state"], order["stop_signal"], order["order"])
    mark.write(Path(order["pid_file"]))
    if order["identity"] == "own-namespace":
        enter_user_namespace()
    elif order["identity"] is not None:
        uid, gid = order["identity"]
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if LINUX:
        # A change of identity clears it, so it comes last; the parent may have died before it was set.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, order["stop_signal"], 0, 0, 0)
        if os.getppid() != order["parent"]:
            sys.exit("the runner died while this process was starting")
    command = order["command"]
    try:
        os.execv(command[0], command)  # ruff: ignore[start-process-with-no-shell] — that is its purpose
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


def enter_user_namespace() -> None:
    """Appear as uid 1000 and stay root to the file system: for servers that refuse to run as root."""
    uid, gid = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWUSER) != 0:
        sys.exit(f"unshare: {os.strerror(ctypes.get_errno())}")
    Path("/proc/self/setgroups").write_text("deny", encoding="utf-8")
    Path("/proc/self/uid_map").write_text(f"1000 {uid} 1", encoding="utf-8")
    Path("/proc/self/gid_map").write_text(f"1000 {gid} 1", encoding="utf-8")


if __name__ == "__main__":
    main()
