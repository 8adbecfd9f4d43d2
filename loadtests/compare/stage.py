"""Where the comparison takes place: a stack of its own, or a site that runs; and what can be done there."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess  # ruff: ignore[suspicious-subprocess-import] — the demo data's own program
import sys
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from common.config import ConfigError
from deploy.demo import LOGINS
from deploy.local.folders import local_folders
from deploy.local.marks import started
from loadtests.bench import stacks
from loadtests.compare import processes
from loadtests.compare.refusals import Refused
from loadtests.compare.sides import ByCommand, ByFlags
from strangler.cli.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from rich.console import Console

    from loadtests.compare.sides import Steering

AS_FOUND: Final = "as-found"
"""The name of the one side that is measured where nothing can be steered."""
OWN_STACK_NEEDS_MIB: Final = 2500
LOAD_NEEDS_MIB: Final = 600
ANSWERS_WITHIN_S: Final = 10.0
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})


@dataclass(slots=True)
class Stage:
    """`facts` is what a stack of this machine says of itself; without them nothing is known but the host."""

    host: str
    facts: Mapping[str, Any] | None = None
    steering: Steering | None = None
    lacks: list[str] = field(default_factory=list)

    @property
    def admin_dsn(self) -> str | None:
        return None if self.facts is None else str(self.facts["admin_dsn"])

    def roots(self) -> dict[str, int]:
        """By process, the pid whose family it is; nothing where processes cannot be seen."""
        if self.facts is None or not processes.is_readable():
            return {}
        return stacks.roots(self.facts)


@contextmanager
def own_stage(console: Console, *, scale: int, fast: bool) -> Generator[Stage]:
    """Both sides with the same demo data, in a folder that is gone afterwards."""
    check_memory(OWN_STACK_NEEDS_MIB)
    with stacks.stack_of("both", console, demo=True, fast=fast) as stack:
        if scale > 1:
            with console.status(f"Filling both sides with the same data ({scale} times four companies) …"):
                _fill(stack.facts["environments"]["demo"], scale)
        with console.status("PostgreSQL looks at its tables …"):
            asyncio.run(_analyse(stack.facts))
        yield Stage(str(stack.facts["gateway_url"]), stack.facts, _by_flags(stack.facts))


def stage_at(host: str, steer: str | None, env: Mapping[str, str] = os.environ) -> Stage:
    """A site that runs. Raises `Refused` if it does not answer, has no demo data, or is in between."""
    check_memory(LOAD_NEEDS_MIB)
    check_answers(host)
    check_has_demo_data(host)
    stage = Stage(host, facts_of(host, env))
    if steer is not None:
        stage.steering = ByCommand(steer, host)
    elif stage.facts is not None:
        stage.steering = _by_flags(stage.facts)
    else:
        stage.lacks.append(
            "The site is not the stack of this checkout, so its flags stay as they are and one side is "
            "measured; --steer says how to change them."
        )
    if stage.facts is None:
        stage.lacks.append("Its processes cannot be seen from here: no CPU, no memory, no statements.")
    return stage


def facts_of(host: str, env: Mapping[str, str]) -> Mapping[str, Any] | None:
    """What this checkout's stack says of itself, if it runs and this is its address."""
    parts = urlsplit(host)
    try:
        facts: dict[str, Any] = json.loads(local_folders(env).stack.read_text(encoding="utf-8"))
        runs = started(facts["pid"]) == facts["started"]
    except (OSError, ValueError, KeyError):
        return None
    is_here = parts.hostname in _LOOPBACK and parts.port == urlsplit(facts["gateway_url"]).port
    return facts if runs and (is_here or host == facts["public_url"]) else None


def check_memory(needs_mib: int, meminfo: Path = Path("/proc/meminfo")) -> None:
    """Refuse rather than let the machine swap: what it would measure then is its disk."""
    try:
        lines = meminfo.read_text(encoding="ascii").splitlines()
    except OSError:
        return  # not Linux: nobody says
    available = next(
        (int(line.split()[1]) // 1024 for line in lines if line.startswith("MemAvailable:")), None
    )
    if available is not None and available < needs_mib:
        raise Refused(
            f"{available} MiB of memory are free here, and this takes {needs_mib}.",
            "Stop something, or measure a site on another machine: --host URL",
        )


def check_answers(host: str) -> None:
    try:
        with urllib.request.urlopen(f"{host}/api/companies?limit=1", timeout=ANSWERS_WITHIN_S):  # ruff: ignore[suspicious-url-open-usage] — checked to be http
            pass
    except HTTPError as error:
        raise Refused(
            f"{host} answers GET /api/companies with {error.code}: it is no Banyan, or not well.",
            "Look at it: ./banyan status",
        ) from error
    except (URLError, OSError) as error:
        raise Refused(
            f"{host} does not answer: {getattr(error, 'reason', error)}.",
            "Start the site (make run), or leave HOST away for a stack of its own.",
        ) from error


def check_has_demo_data(host: str) -> None:
    """The cast is found through the demo's admin."""
    email, password = next((email, password) for role, email, password in LOGINS if role == "admin")
    request = urllib.request.Request(  # ruff: ignore[suspicious-url-open-usage] — checked to be http
        f"{host}/api/auth/login",
        json.dumps({"email": email, "password": password}).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=ANSWERS_WITHIN_S):  # ruff: ignore[suspicious-url-open-usage] — likewise
            pass
    except HTTPError as error:
        why = "has no demo data" if error.code == 401 else f"lets nobody log in ({error.code})"
        raise Refused(
            f"{host} {why}: {email} should get in.",
            "Fill it: ./banyan demo, or with compose: docker compose --profile demo run --rm demo",
        ) from error
    except (URLError, OSError) as error:
        raise Refused(f"{host} does not answer a login: {error}.", "Look at it: ./banyan status") from error


def _by_flags(facts: Mapping[str, Any]) -> ByFlags:
    try:
        return ByFlags(Settings.from_env(facts["environments"]["strangler"]))
    except (ConfigError, OSError, asyncpg.PostgresError) as error:
        raise Refused(f"The flags cannot be read: {error}", "Look at it: ./banyan status") from error


def _fill(environment: Mapping[str, str], scale: int) -> None:
    done = subprocess.run(  # ruff: ignore[subprocess-without-shell-equals-true] — our own
        [sys.executable, "-m", "deploy.cli", "demo", "--scale", str(scale)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Refused(f"The demo data could not be made: {done.stderr.strip()[-500:]}")


async def _analyse(facts: Mapping[str, Any]) -> None:
    """Rows that have just come in bulk: plans and visibility maps should not change while it is measured."""
    parts = urlsplit(facts["admin_dsn"])
    for database in facts["databases"]:
        connection = await asyncpg.connect(urlunsplit((*parts[:2], f"/{database}", *parts[3:])))
        try:
            await connection.execute("VACUUM (ANALYZE)")
            await connection.execute("CHECKPOINT")
        finally:
            await connection.close()
