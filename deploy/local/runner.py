"""One stack from the first check to the last process stopped."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess  # ruff: ignore[suspicious-subprocess-import] — fixed commands only
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deploy.local import control
from deploy.local.checks import check_disk, check_owner_alive, check_ports
from deploy.local.credentials import write_private
from deploy.local.folders import Folders, make_folders, remove_short_folder
from deploy.local.leftovers import PATIENCE_S, sweep
from deploy.local.lock import StateLock
from deploy.local.marks import is_alive, read_mark, started
from deploy.local.parts import BadGraph, only
from deploy.local.processes import Spawner
from deploy.local.refusals import CannotStart, StartFailed
from deploy.local.supervisor import RestartRule, Supervisor
from deploy.local.welcome import welcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from deploy.local.logs import Terminal
    from deploy.local.stack import Stack

_GUARDIAN: Final = str(Path(__file__).with_name("guardian.py"))
_GUARDIAN_PATIENCE_S: Final = 40.0
_OWNER_CHECK_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Run:
    """What to run and how; `owner` is the pid of a process at whose end the stack ends too."""

    folders: Folders
    build: Callable[[], Stack]
    url: str
    hosts: tuple[str, ...]
    terminal: Terminal
    environment: Mapping[str, str]
    only: Sequence[str] = ()
    owner: int | None = None
    demo: bool = True
    began_at: float | None = None
    rule: RestartRule | None = None
    patience_s: float = PATIENCE_S
    """How long what an earlier run left is given to end by itself."""


def run(order: Run) -> int:
    """Check, start, wait for the end, stop; answers the exit status."""
    try:
        make_folders(order.folders)
        with StateLock(order.folders.lock, order.url), contextlib.ExitStack() as at_the_end:
            at_the_end.callback(remove_short_folder, order.folders)
            stack, owner = _check(order)
            return asyncio.run(_live(order, stack, owner))
    except (CannotStart, BadGraph) as error:
        print(f"Banyan does not start. {error}", file=sys.stderr)  # ruff: ignore[print] — this is its voice
        return 2
    except StartFailed as error:
        print(f"Banyan did not start. {error}", file=sys.stderr)  # ruff: ignore[print] — likewise
        return 1


def _check(order: Run) -> tuple[Stack, tuple[int, str] | None]:
    """Everything that can be known before a process is started."""
    check_disk(order.folders)
    _end_leftovers(order)
    stack = order.build()
    if order.only:
        stack.parts = only(stack.parts, order.only)
        names = {part.name for part in stack.parts}
        stack.ports = {name: port for name, port in stack.ports.items() if name in names}
    check_ports(stack.ports, order.hosts)
    return stack, None if order.owner is None else (order.owner, check_owner_alive(order.owner))


async def _live(order: Run, stack: Stack, owner: tuple[int, str] | None) -> int:
    return await _Session(order, stack, owner).live()


def _end_leftovers(order: Run) -> None:
    """A killed runner's guardian is let finish; what it did not end is ended here."""
    deadline = time.monotonic() + _GUARDIAN_PATIENCE_S
    mark = read_mark(order.folders.guardian)
    while mark is not None and is_alive(mark) and time.monotonic() < deadline:
        time.sleep(0.05)
    if mark is not None and is_alive(mark):
        with contextlib.suppress(ProcessLookupError):
            os.kill(mark.pid, signal.SIGKILL)
    order.folders.guardian.unlink(missing_ok=True)
    ended = sweep(order.folders.pids, order.patience_s)
    if ended:
        order.terminal.line("banyan", f"ended what an earlier run left: {', '.join(ended)}".encode())
    for path in (order.folders.control, order.folders.stack):
        path.unlink(missing_ok=True)


class _Session:
    """The part of a run in which processes exist."""

    def __init__(self, order: Run, stack: Stack, owner: tuple[int, str] | None) -> None:
        self._order = order
        self._stack = stack
        self._owner = owner
        self._spawner = Spawner(order.folders, order.terminal, order.environment)
        self._supervisor = Supervisor(stack.parts, self._spawner, order.rule)
        self._cold = not (order.folders.data / "postgres" / "PG_VERSION").exists()
        self._ending = asyncio.Event()

    async def live(self) -> int:
        began = time.monotonic()
        guardian = self._start_guardian()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._end, number)
        ending = asyncio.create_task(self._ending.wait())
        watching = asyncio.create_task(self._watch_owner())
        starting = asyncio.create_task(self._supervisor.start())
        later: asyncio.Task[None] | None = None
        server = None
        try:
            server = await control.serve(self._order.folders.control, self._supervisor)
            await asyncio.wait({starting, ending}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                await starting
                self._announce(time.monotonic() - began)
                later = asyncio.create_task(self._afterwards())
                await ending
            return 0
        finally:
            tasks = [task for task in (starting, watching, later) if task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._order.folders.stack.unlink(missing_ok=True)
            await self._supervisor.stop()
            ending.cancel()
            if server is not None:
                server.close()
            self._order.folders.control.unlink(missing_ok=True)
            self._spawner.close()
            self._order.terminal.line("banyan", b"everything has stopped")
            assert guardian.stdin is not None
            guardian.stdin.close()
            guardian.wait()

    def _end(self, number: int) -> None:
        if self._ending.is_set():
            self._order.terminal.line("banyan", b"not waiting any longer")
            self._supervisor.force()
            return
        name = signal.Signals(number).name
        self._order.terminal.line("banyan", f"{name}: stopping; once more to force it".encode())
        self._ending.set()

    def _announce(self, seconds: float) -> None:
        order, stack = self._order, self._stack
        mark = {"pid": os.getpid(), "started": started(os.getpid())}
        described = {**stack.description, **mark, "ready_after_s": round(seconds, 2), "cold": self._cold}
        write_private(order.folders.stack, json.dumps(described, indent=1))
        if order.only:
            order.terminal.line("banyan", f"ready in {seconds:.1f} s".encode())
            return
        since = time.time() - order.began_at if order.began_at is not None else None
        order.terminal.plain(
            welcome(stack.public_url, stack.origins, seconds, since, cold=self._cold, demo=order.demo)
        )

    async def _afterwards(self) -> None:
        for step in self._stack.afterwards:
            try:
                await step.act(self._spawner)
            except StartFailed as error:
                self._spawner.log(step.name).say(str(error))

    async def _watch_owner(self) -> None:
        """For tests: nobody else would stop the stack of a test run that was killed."""
        if self._owner is None:
            return
        pid, since = self._owner
        while started(pid) == since:  # ruff: ignore[async-busy-wait] — a process gives no event to wait for
            await asyncio.sleep(_OWNER_CHECK_S)
        self._ending.set()

    def _start_guardian(self) -> subprocess.Popen[bytes]:
        folders = self._order.folders
        where = (str(folders.state), str(folders.pids), str(folders.guardian), str(self._order.patience_s))
        argv = [sys.executable, "-I", "-S", _GUARDIAN, *where]
        return subprocess.Popen(  # ruff: ignore[subprocess-without-shell-equals-true] — our own interpreter and our own file
            argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True, cwd=folders.state
        )
