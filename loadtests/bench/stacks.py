"""Stacks of a benchmark's own: the monolith alone, or the services alone, each from its first start on."""

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

SIDES: Final[tuple[Side, ...]] = ("legacy", "service")
ADMIN_EMAIL: Final = "admin@bench.example"
ADMIN_PASSWORD: Final = "one-password-for-all-benchmarks"  # ruff: ignore[hardcoded-password-string] — of a stack that is thrown away
START_WITHIN_S: Final = 240
# The crowd has one address, and everybody in it logs in.
_ENVIRONMENT: Final = {
    "BANYAN_ADMIN_PASSWORD": ADMIN_PASSWORD,
    "BANYAN_GATEWAY_GUESS_RATE": "10000r/s",
    "BANYAN_GATEWAY_GUESS_BURST": "10000",
    "BANYAN_LOGIN_FAILURES_PER_ADDRESS": "0",
    "BANYAN_REGISTRATIONS_PER_ADDRESS": "0",
}


@dataclass(frozen=True, slots=True)
class Stack:
    """One that runs; `facts` is what it says of itself."""

    side: Side
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
        parts = control.order(Path(self.facts["control"]), "status")["parts"]
        return {part["name"]: machine.family(part["pid"]) for part in parts if part["pid"]}


@contextmanager
def stack_of(side: Side, console: Console) -> Generator[Stack]:
    """Start a stack without data; it ends with the block, or with this process."""
    with tempfile.TemporaryDirectory(prefix="banyan-bench-", ignore_cleanup_errors=True) as folder:
        state = Path(folder)
        state.chmod(0o711)  # PostgreSQL steps down from root to a user who must get in
        command = [sys.executable, "-m", "deploy.local", "--state", str(state), "run", "--port", "0"]
        command += [
            "--fast",
            "--no-demo",
            "--side",
            side,
            "--admin",
            ADMIN_EMAIL,
            "--owner",
            str(os.getpid()),
        ]
        log = state / "runner.txt"
        with log.open("w") as output:
            runner = subprocess.Popen(  # ruff: ignore[subprocess-without-shell-equals-true] — our own
                command, stdout=output, stderr=output, start_new_session=True, env=os.environ | _ENVIRONMENT
            )
        facts = state / "run" / "stack.json"
        try:
            with console.status(f"Starting the {side} side …"):
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
