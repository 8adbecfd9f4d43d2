"""Tiny processes to run: `python -m tests.runner.tiny STATE PORT PORT` runs `one`, and `two` that needs it.

Each answers GET with 200 on its port and writes down when it starts and stops. `two` has a child of its own.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from deploy.local.applications import process_environment
from deploy.local.folders import CHECKOUT, folders_of
from deploy.local.logs import Terminal
from deploy.local.parts import Command, Daemon, Part, Step
from deploy.local.readiness import by_request
from deploy.local.runner import Run, run
from deploy.local.stack import Stack
from deploy.local.supervisor import RestartRule

SERVER = """
import http.server, os, signal, subprocess, sys
name, port, diary = sys.argv[1], int(sys.argv[2]), sys.argv[3]
def write(word):
    with open(diary, "a") as file:
        file.write(f"{name} {word} {os.getpid()}\\n")
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_):
        pass
def stop(*_):
    write("stopped")
    sys.exit(0)
signal.signal(signal.SIGTERM, signal.SIG_IGN if "deaf" in sys.argv else stop)
server = http.server.HTTPServer(("127.0.0.1", port), Answer)
if "parent" in sys.argv:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    write(f"child={child.pid}")
write("started")
print(f"{name} listens", flush=True)
if "failing" in sys.argv:
    sys.exit("this one fails: no such table")
server.serve_forever()
"""


def build(state: Path, one: int, two: int, *words: str) -> Stack:
    diary = str(state / "diary")

    def daemon(name: str, port: int, *more: str, needs: tuple[str, ...] = ()) -> Daemon:
        command = Command((sys.executable, "-c", SERVER, name, str(port), diary, *more))
        return Daemon(
            name,
            command,
            by_request(f"http://127.0.0.1:{port}/"),
            needs,
            stop_within_s=300 if "patient" in words else 1,
        )

    async def step(_spawner: object) -> None:  # ruff: ignore[unused-async]
        with Path(diary).open("a", encoding="utf-8") as file:
            file.write("step done 0\n")

    parts: list[Part] = [
        daemon("two", two, "parent", *words, needs=("step",)),
        Step("step", step, ("one",)),
        daemon("one", one),
    ]
    return Stack(parts, {"one": one, "two": two}, {}, f"http://localhost:{one}", {})


def main() -> int:
    state, one, two = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    return run(
        Run(
            folders_of(state),
            lambda: build(state, one, two, *sys.argv[4:]),
            f"http://localhost:{one}",
            ("127.0.0.1",),
            Terminal(sys.stdout.buffer),
            process_environment(os.environ),
            only=("one", "two"),
            owner=int(os.environ["TINY_OWNER"]) if "TINY_OWNER" in os.environ else None,
            rule=RestartRule(first_s=0.05, cap_s=0.4, healthy_s=60),
            patience_s=1.0,
        )
    )


if __name__ == "__main__":
    os.chdir(CHECKOUT)
    sys.exit(main())
