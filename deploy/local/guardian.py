"""Outlives the runner by a moment: when the runner is killed, it stops in order what the runner had started.

`python -I -S guardian.py STATE PIDS MARK PATIENCE` waits for the end of its standard input, which the kernel
closes however the runner ends. After a clean stop there are no pid files left, and it has nothing to do.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from deploy.local.leftovers import sweep
from deploy.local.marks import Mark, started


def main() -> None:
    """Wait for the runner's end, then sweep."""
    state, pids, own = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    Mark("guardian", os.getpid(), started(os.getpid()) or "", state, signal.SIGKILL, 0).write(own)
    while os.read(0, 4096):
        pass
    sweep(pids, float(sys.argv[4]))
    own.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
