"""A program as `loadtests.compare.children` runs them: well, badly, forever, as its first word says."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from pathlib import Path

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("how", choices=("well", "badly", "forever", "complaining", "killed", "halfway"))
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    if arguments.how == "badly":
        sys.exit("nobody is there")
    if arguments.how == "forever":
        threading.Event().wait()
    sys.stderr.write('{"done": 1, "of": 2}\n{"note": "half of it"}\n')
    print("measuring", flush=True)
    sys.stderr.write('{"done": 2, "of": 2}\n')
    print("measured", flush=True)
    arguments.out.write_text(json.dumps({"found": [arguments.how]}), encoding="utf-8")
    if arguments.how == "halfway":
        os.truncate(arguments.out, arguments.out.stat().st_size // 2)
    if arguments.how in {"killed", "halfway"}:
        os.kill(os.getpid(), signal.SIGKILL)
    if arguments.how == "complaining":
        sys.exit("something was not right")
