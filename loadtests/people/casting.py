"""The pools of a run under `locust`: from a file, or gathered at the site by a process of its own."""

from __future__ import annotations

import logging
import subprocess  # ruff: ignore[suspicious-subprocess-import] — starts our own gathering
import sys
import tempfile
from pathlib import Path
from typing import Final

import orjson

from loadtests.pools import Pools, PoolsError, load

FEWEST_PEOPLE: Final = 50
_log = logging.getLogger(__name__)
_gathered: Final[dict[tuple[str, int], Pools]] = {}
"""By address and seed: a second run in the same web UI has the same people, who are logged in still."""


def pools_for(file: str, host: str, seed: int, users: int) -> Pools:
    """Of a file if one is named, else from the site; raises PoolsError."""
    if file:
        return load(Path(file))
    if (host, seed) not in _gathered:
        _gathered[host, seed] = _gather(host, seed, max(users, FEWEST_PEOPLE))
    return _gathered[host, seed]


def _gather(host: str, seed: int, people: int) -> Pools:
    """In a process of its own: asyncio and Locust's patches do not go together."""
    with tempfile.TemporaryDirectory(prefix="banyan-pools-") as folder:
        file = Path(folder) / "pools.json"
        command = [sys.executable, "-m", "loadtests.pools", "--host", host, "--out", str(file)]
        command += ["--people", str(people), "--seed", str(seed)]
        _log.info("Gathering %d passengers, departures and tickets at %s …", people, host)
        said = ""
        with subprocess.Popen(  # ruff: ignore[subprocess-without-shell-equals-true] — our own
            command, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
        ) as gathering:
            assert gathering.stderr is not None
            for line in gathering.stderr:
                said = line.strip()
                if said.startswith('{"note"'):
                    _log.info("%s", orjson.loads(said)["note"])
        if gathering.returncode:
            raise PoolsError(said)
        return load(file)
