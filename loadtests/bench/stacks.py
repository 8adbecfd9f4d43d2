"""Stacks of a benchmark's own, each from its first start on: one side alone, or both with demo data."""

from __future__ import annotations

import json
import os
import signal
import subprocess  # ruff: ignore[suspicious-subprocess-import] — starts our own stack
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

from deploy.local import control
from loadtests.bench import machine

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from rich.console import Console

Side = Literal["legacy", "service"]
Sides = Literal["legacy", "service", "both"]

SIDES: Final[tuple[Side, ...]] = ("legacy", "service")
ADMIN_EMAIL: Final = "admin@bench.example"
ADMIN_PASSWORD: Final = "one-password-for-all-benchmarks"  # ruff: ignore[hardcoded-password-string] — of a stack that is thrown away
START_WITHIN_S: Final = 240
# The crowd has one address, and everybody in it logs in.
_ENVIRONMENT: Final = {
    "BANYAN_ADMIN_PASSWORD": ADMIN_PASSWORD,
    "BANYAN_GATEWAY_GUESS_RATE": "10000r/s",
    "BANYAN_GATEWAY_GUESS_BURST": "10000",
    "BANYAN_LOG_FORMAT": "json",
    "BANYAN_LOGIN_FAILURES_PER_ADDRESS": "0",
    "BANYAN_REGISTRATIONS_PER_ADDRESS": "0",
}


@dataclass(frozen=True, slots=True)
class Stack:
    """One that runs; `facts` is what it says of itself."""

    side: Sides
    facts: Mapping[str, Any]

    def host_of(self, domain: str) -> tuple[str, int]:
        """Where the deployable that answers for a domain listens, without a proxy."""
        url = self.facts["legacy_url"] if self.side == "legacy" else self.facts["service_urls"][domain]
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        return parts.hostname, parts.port

    def process_of(self, domain: str) -> str:
        return "legacy" if self.side == "legacy" else f"{domain}-service"

    def dsn_of(self, domain: str) -> str:
        return str(self.facts["databases"]["db_legacy" if self.side == "legacy" else f"db_{domain}"])

    def pids(self) -> dict[str, list[int]]:
        """By process of the stack: it and its descendants, as of now."""
        return {name: machine.family(pid) for name, pid in roots(self.facts).items()}


def roots(facts: Mapping[str, Any]) -> dict[str, int]:
    """By process of a running stack: the pid that the runner started."""
    parts = control.order(Path(facts["control"]), "status")["parts"]
    return {part["name"]: part["pid"] for part in parts if part["pid"]}


@contextmanager
def stack_of(side: Sides, console: Console, *, demo: bool = False, fast: bool = True) -> Generator[Stack]:
    """Start a stack; it ends with the block, or with this process.

    Without `demo` it is empty but for an admin. Without `fast` a commit waits for the disk, as it does where
    people pay.
    """
    with tempfile.TemporaryDirectory(prefix="banyan-bench-", ignore_cleanup_errors=True) as folder:
        state = Path(folder)
        state.chmod(0o711)  # PostgreSQL steps down from root to a user who must get in
        command = [sys.executable, "-m", "deploy.local", "--state", str(state), "run", "--port", "0"]
        command += ["--side", side, "--owner", str(os.getpid())]
        command += ["--fast"] if fast else []
        command += [] if demo else ["--no-demo", "--admin", ADMIN_EMAIL]
        log = state / "runner.txt"
        with log.open("w") as output:
            runner = subprocess.Popen(  # ruff: ignore[subprocess-without-shell-equals-true] — our own
                command, stdout=output, stderr=output, start_new_session=True, env=os.environ | _ENVIRONMENT
            )
        facts = state / "run" / "stack.json"
        try:
            with console.status("Starting both sides …" if side == "both" else f"Starting the {side} side …"):
                deadline = time.monotonic() + START_WITHIN_S
                while not facts.exists():
                    if runner.poll() is not None or time.monotonic() > deadline:
                        raise SystemExit(f"The stack did not start:\n{log.read_text()[-4000:]}")
                    time.sleep(0.1)
            yield Stack(side, json.loads(facts.read_text()))
        finally:
            runner.send_signal(signal.SIGTERM)
            runner.wait(90)


@contextmanager
def both(console: Console) -> Generator[dict[Side, Stack]]:
    """One stack of each side, at the same time."""
    with ExitStack() as stack:
        yield {side: stack.enter_context(stack_of(side, console)) for side in SIDES}
